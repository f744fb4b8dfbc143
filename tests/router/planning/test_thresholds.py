"""What is too much, as it is written, and as it is judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.planning.comparing import FIGURES, RATES, Comparison, Group
from router.planning.faults import BadInput
from router.planning.interval import Change
from router.planning.thresholds import check, judge, parse

figures = st.sampled_from(sorted(FIGURES))
rates = st.sampled_from(sorted(RATES))
amounts = st.decimals(0, 1000, places=2, allow_nan=False).map(str)


def group(**changes: Change | None) -> Group:
    return Group(100, {**dict.fromkeys(FIGURES), **changes}, {}, ("dear/one",), ((), ()))


def compared(all_: Group, **models: Group) -> Comparison:
    return Comparison(all_, models, {})


def kept(text: str, old: float, new: float, half: float = 0.0) -> bool:
    threshold = parse(text)
    return judge(threshold, compared(group(**{threshold.figure: Change(old, new, half)}))).kept


@given(figure=figures, sign=st.sampled_from("<>"), amount=amounts, plus=st.sampled_from("+-"))
def test_what_is_written_as_it_should_be_is_read(
    figure: str, sign: str, amount: str, plus: str
) -> None:
    for model in (None, "chat", "a:b", "openai/gpt-5 mini"):
        of = "" if model is None else f"{model}:"
        relative = parse(f"{of}{figure} {sign} {plus}{amount}%")
        assert (relative.model, relative.figure, relative.sign) == (model, figure, sign)
        share = float(f"{plus}{amount}") / 100
        expected = (1.0, share) if figure in RATES else (1.0 + share, 0.0)
        assert (relative.times, relative.plus) == expected
        assert parse(f"{of}{figure}{sign}{amount}x").times == float(amount)


@given(text=st.text(max_size=40) | st.from_regex(r"[a-z0-9_]*:?[a-z0-9_]*[<>=]*[+-]?[0-9.]*[x%]?"))
def test_whatever_else_is_written_is_an_error_that_names_a_place_in_it(text: str) -> None:
    try:
        threshold = parse(text)
    except BadInput as error:
        place = int(str(error).split("at character ")[1].split(":")[0])
        assert 1 <= place <= len(text) + 1
    else:
        assert threshold.figure in FIGURES


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", 1, "it needs > or <"),
        ("cost", 5, "it needs > or <"),
        ("cots>+10%", 1, 'did you mean "cost"?'),
        ("chat:cots>+10%", 6, 'did you mean "cost"?'),
        ("cost>10%", 6, '"10%" is no change; write it as +10%, -5% or 1.5x'),
        ("cost>>+10%", 6, '">+10%" is no change'),
        ("chat:+10%", 10, "it needs > or <"),
        ("cost>=+10%", 6, '"=+10%" is no change'),
        ("errors>+1", 8, '"+1" is no change'),
        ("errors>+٣%", 8, "is no change"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_a_remedy(text: str, place: int, said: str) -> None:
    with pytest.raises(BadInput) as told:
        parse(text)
    assert f"at character {place}: " in str(told.value)
    assert said in str(told.value)


@given(old=st.floats(0.001, 1000.0), factor=st.floats(0.5, 2.0), percent=st.integers(1, 90))
def test_a_percentage_is_of_the_old_figure(old: float, factor: float, percent: int) -> None:
    assert kept(f"cost>+{percent}%", old, old * factor) == (
        old * factor <= old * (1 + percent / 100)
    )
    assert kept(f"cost<-{percent}%", old, old * factor) == (
        old * factor >= old * (1 - percent / 100)
    )


@given(figure=rates, old=st.floats(0.0, 0.5), new=st.floats(0.0, 1.0), points=st.integers(0, 50))
def test_of_a_share_of_requests_a_percentage_is_points(
    figure: str, old: float, new: float, points: int
) -> None:
    assert kept(f"{figure}>+{points}%", old, new) == (
        not Change(old, new, 0.0).seen or new <= old + points / 100
    )


@given(old=st.floats(0.1, 10.0), new=st.floats(0.1, 30.0))
def test_a_multiple_is_of_the_old_figure(old: float, new: float) -> None:
    assert kept("p99_first_token>1.5x", old, new) == (new <= 1.5 * old)


def test_what_may_be_chance_breaks_nothing_and_is_not_kept_for_certain() -> None:
    change = Change(1.0, 1.3, 0.4)
    verdict = judge(parse("cost>+10%"), compared(group(cost=change)))
    assert (verdict.kept, verdict.surely) == (True, False)
    close = judge(parse("cost>+10%"), compared(group(cost=Change(1.0, 1.08, 0.05))))
    assert (close.kept, close.surely) == (True, False)
    far = judge(parse("cost>+50%"), compared(group(cost=Change(1.0, 1.1, 0.05))))
    assert (far.kept, far.surely) == (True, True)
    assert not judge(parse("cost>+10%"), compared(group(cost=Change(1.0, 1.3, 0.1)))).kept


def test_a_threshold_of_one_model_is_held_against_that_model_alone() -> None:
    dear, cheap = group(cost=Change(1.0, 3.0, 0.0)), group(cost=Change(1.0, 1.0, 0.0))
    comparison = compared(cheap, chat=dear, quick=cheap)
    assert not judge(parse("chat:cost>+10%"), comparison).kept
    assert judge(parse("quick:cost>+10%"), comparison).kept
    assert judge(parse("cost>+10%"), comparison).kept


def test_what_cannot_be_judged_is_an_error_and_no_pass() -> None:
    comparison = compared(group(), chat=group())
    with pytest.raises(BadInput, match="no price is known of dear/one; write `price:"):
        judge(parse("cost>+10%"), comparison)
    with pytest.raises(BadInput, match="too few of these requests"):
        judge(parse("chat:p50_first_token>2x"), comparison)
    with pytest.raises(BadInput, match="nobody asked for quick"):
        judge(parse("quick:errors>+1%"), comparison)


def test_a_model_that_is_in_neither_file_is_named_with_the_nearest_before_anything_is_played() -> (
    None
):
    check([parse("cost>+1%"), parse("chat:cost>+1%")], {"chat"})
    with pytest.raises(BadInput, match='no model "caht"; did you mean "chat"'):
        check([parse("caht:cost>+1%")], {"chat", "quick"})
