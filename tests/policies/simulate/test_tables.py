import pytest

from policies.simulate import Bound, Estimate, Scenario, Verdict
from policies.simulate.oracle import Oracle
from policies.simulate.tables import Judgement, Rank, beside, short, summary, table

BEST = Oracle(0.5, 0.8, 1.0, 1.0)


def judgement(
    metric: str, mine: tuple[float, ...], theirs: tuple[float, ...], *bounds: Bound
) -> Judgement:
    verdicts = {
        "Mine": Verdict({metric: Estimate(mine)}, {"a/m": 1.0}),
        "random": Verdict({metric: Estimate(theirs)}, {"a/m": 1.0}),
    }
    return Judgement(Scenario("told", metric=metric, bounds=bounds), "Mine", verdicts, BEST)


def rank(*told: object) -> Rank:
    found = judgement(*told).rank()  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("metric", "mine", "words"),
    [
        ("wait", (0.9, 1.0), "best"),
        ("wait", (1.1, 1.1), "within the interval"),
        ("wait", (9.0, 9.0), "behind"),
        ("answered", (1.3, 1.3), "best"),
        ("answered", (1.0, 1.0), "within the interval"),
        ("answered", (-9.0, -9.0), "behind"),
    ],
)
def test_it_is_the_best_or_within_its_interval_or_behind(
    metric: str, mine: tuple[float, ...], words: str
):
    found = rank(metric, mine, (1.0, 1.1))
    assert str(found) == words
    assert found.level is (words != "behind")


def test_a_summary_says_what_was_asked_what_was_measured_and_what_is_missed():
    bounds = Bound("wait", most=1.0), Bound("wait", least=2.0), Bound("sends", most=1.0)
    told = summary([judgement("wait", (1.0, 1.0), (3.0, 3.0), *bounds)])
    assert told[2].split(" | ")[3:6] == [
        "wait ≤ 1<br>wait ≥ 2<br>sends ≤ 1",
        "1.000<br>1.000<br>–",
        "pass<br>**MISS**<br>–",
    ]


def test_the_mean_regret_is_over_those_that_have_one():
    with_one = judgement("wait", (1.0,), (3.0,))
    with_one.judged.figures["regret"] = Estimate((0.1,))
    assert "0.100" in summary([with_one, judgement("wait", (1.0,), (3.0,))])[-1]
    assert "regret" not in summary([judgement("wait", (1.0,), (3.0,))])[-1]


def test_a_table_names_the_bound_that_nobody_beats():
    told = table(judgement("wait", (1.0, 1.2), (3.0, 3.0)))
    assert "1.100±1.271" in told[1]
    assert "  no wait under 0.500 s (p99 0.800 s)" in told


def test_all_policies_are_told_side_by_side():
    heads, rule, row = beside([judgement("wait", (1.0,), (3.0,))])
    assert len({line.count("|") for line in (heads, rule, row)}) == 1
    assert row.startswith("| told | wait | 1.000 | – | 3.000 | –")


@pytest.mark.parametrize(
    ("value", "told"), [(0.99826, "0.9983"), (1.2345, "1.234"), (61.04, "61.0")]
)
def test_digits_are_as_many_as_mean_anything(value: float, told: str):
    assert short(value) == told
