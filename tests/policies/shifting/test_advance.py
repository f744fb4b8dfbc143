import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from policies.shifting import (
    Evidence,
    Guards,
    Progress,
    Says,
    Spread,
    State,
    Terms,
    abort,
    advance,
    begin,
    pause,
    resume,
    share,
    verdicts,
)
from policies.shifting.guarding import Arms
from policies.shifting.spread import bin_of

TERMS = Terms()


def served(
    requests: int, failures: int = 0, first: float | None = 0.4, cost: int | None = 1000
) -> Evidence:
    """An arm that did the same every time."""
    good = requests - failures
    late = {} if first is None or not good else {bin_of(first): good}
    costs = {} if cost is None or not requests else {bin_of(cost): requests}
    spent = requests * (cost or 0)
    return Evidence(
        requests, failures, Spread(MappingProxyType(late)), Spread(MappingProxyType(costs)), spent
    )


def goes(
    progress: Progress,
    control: Evidence,
    canary: Evidence,
    minutes: int,
    terms: Terms = TERMS,
    start: float = 0.0,
) -> Progress:
    """With so much more of both in each minute."""
    for minute in range(1, minutes + 1):
        counted = progress.counted
        now = start + 60.0 * minute
        progress = advance(terms, progress, counted.control + control, counted.canary + canary, now)
    return progress


def begun(terms: Terms = TERMS) -> Progress:
    return begin(terms, "r", 0.0)


def test_a_good_canary_goes_through_all_steps_and_is_done():
    progress, seen = begun(), [0.01]
    for _ in range(100):
        later = goes(progress, served(2000), served(210), 1, start=progress.since)
        progress = later
        if share(progress) != seen[-1]:
            seen.append(share(progress))
        if progress.state is State.DONE:
            break
    assert seen == [0.01, 0.05, 0.25, 0.5, 1.0]


def test_no_step_is_shorter_than_its_interval_or_has_fewer_requests():
    terms = replace(TERMS, interval=600.0, least=500)
    early = goes(begun(terms), served(5000), served(400), 9, terms)
    assert (early.share, early.state) == (0.01, State.RUNNING)
    assert early.cause == "waits for 60 s more"
    few = goes(begun(terms), served(5000), served(40), 12, terms)
    assert (few.share, few.cause) == (0.01, "waits for 20 more requests")
    assert goes(begun(terms), served(5000), served(60), 12, terms).share == 0.05


def test_a_canary_that_fails_is_back_at_0_at_once_and_says_why():
    progress = goes(begun(), served(2000, 20), served(50, 40), 1)
    assert (progress.state, share(progress), progress.tries) == (State.BACK, 0.0, 1)
    assert "errors 80 %, control 1 %" in progress.cause
    assert "sure that it is more than 1 point higher" in progress.cause
    assert progress.until == 60.0 + TERMS.cool_down


def test_after_its_cool_down_it_tries_again_with_a_clean_sheet():
    back = goes(begun(), served(2000, 20), served(50, 40), 1)
    arms = back.counted
    assert advance(TERMS, back, *arms, now=659.0) == back
    again = advance(TERMS, back, *arms, now=660.0)
    assert (again.state, again.share, again.since, again.tries) == (State.RUNNING, 0.01, 660.0, 1)
    assert all(verdict.worse == 0 for verdict in verdicts(TERMS, again))


def test_the_third_time_it_stays_back_until_an_operator_resumes_it():
    progress = begun()
    for tries in range(1, 4):
        progress = goes(progress, served(2000, 20), served(50, 40), 1, start=progress.since)
        assert (progress.state, progress.tries) == (State.BACK, tries)
        if tries < 3:
            assert progress.until is not None
            progress = advance(TERMS, progress, *progress.counted, now=progress.until)
    assert progress.until is None
    assert advance(TERMS, progress, *progress.counted, now=1e9) == progress
    again = resume(TERMS, progress, 1e9)
    assert (again.state, again.tries, share(again)) == (State.RUNNING, 0, 0.01)


def test_an_ejected_target_of_the_canary_s_is_a_failure():
    arms = Arms(served(2000), served(20))
    progress = advance(TERMS, begun(), *arms, now=5.0, ejected=["b/m", "a/m"])
    assert (progress.state, progress.cause) == (State.BACK, "ejected: a/m, b/m")


def test_what_is_not_sure_enough_is_held():
    # 10 % of both fail: it takes thousands of requests to tell 10 from 11.
    progress = goes(begun(), served(2000, 200), served(300, 30), 2)
    progress = goes(progress, served(300, 30), served(300, 30), 2, start=progress.since)
    assert progress.state is State.HOLDING
    assert "errors" in progress.cause
    assert "are needed for" in progress.cause


def test_while_the_control_is_out_nothing_goes_on():
    progress = goes(begun(), served(2000, 1900), served(1000), 30)
    assert (progress.state, progress.share) == (State.HOLDING, 0.01)
    assert progress.cause == "the control is out: nothing says that the canary is no worse"
    progress = goes(progress, served(2000), served(1000), 3, start=1800.0)
    assert progress.share > 0.01


def test_it_is_out_as_well_when_its_driver_says_so():
    arms = Arms(served(20_000), served(5000))
    progress = advance(TERMS, begun(), *arms, now=60.0, control_out=True)
    assert (progress.state, progress.share) == (State.HOLDING, 0.01)


def test_half_of_all_requests_must_be_served_however_bad_the_control_is():
    progress = goes(begun(), served(100, 95), served(100, 80), 2)
    assert progress.state is State.BACK
    assert "is more than half" in progress.cause


def test_without_prices_or_first_tokens_the_rest_decides():
    arms = served(2000, first=None, cost=None), served(600, first=None, cost=None)
    progress = goes(begun(), *arms, 8)
    assert progress.state is State.DONE
    says = {verdict.guard: verdict for verdict in verdicts(TERMS, progress)}
    assert says["cost"].says is says["first_token_p95"].says is Says.SILENT
    assert says["cost"].words == "cost: not compared, no price is known"


def test_what_is_free_in_both_arms_costs_no_more():
    assert goes(begun(), served(2000, cost=0), served(600, cost=0), 8).state is State.DONE


def test_what_was_free_and_now_costs_is_dearer():
    progress = goes(begun(), served(2000, cost=0), served(600, cost=1000), 8)
    assert progress.state is State.BACK
    assert progress.cause.startswith("cost")


def test_evidence_that_was_lost_is_not_weighed_twice():
    progress = goes(begun(), served(2000, 20), served(100, 3), 1)
    lost = advance(TERMS, progress, served(1000, 10), served(50, 1), 61.0)
    assert (lost.weighed, lost.share) == (progress.weighed, progress.share)
    assert lost.counted == Arms(served(1000, 10), served(50, 1))


def test_to_look_more_often_changes_nothing_that_was_weighed():
    progress = goes(begun(), served(2000, 20), served(100, 3), 1)
    assert advance(TERMS, progress, *progress.counted, 60.0) == progress


def test_a_pause_holds_the_share_but_not_the_guards():
    paused = pause(goes(begun(), served(2000), served(10), 1))
    later = goes(paused, served(2000), served(300), 9)
    assert (later.state, share(later)) == (State.PAUSED, 0.01)
    assert resume(TERMS, later, 600.0).state is State.RUNNING
    assert goes(later, served(2000), served(100, 90), 1, start=600.0).state is State.BACK


def test_an_aborted_shift_is_at_0_until_it_is_resumed():
    aborted = abort(goes(begun(), served(2000), served(300), 3), 200.0)
    assert share(aborted) == 0
    assert advance(TERMS, aborted, *aborted.counted, 1e9) == aborted
    assert share(resume(TERMS, aborted, 1e9)) == 0.01


def test_orders_that_make_no_sense_are_refused():
    done = replace(begun(), state=State.DONE)
    with pytest.raises(ValueError, match="the shift is done: there is nothing to pause"):
        pause(done)
    with pytest.raises(ValueError, match="the shift is done: remove it from the file"):
        abort(done, 0.0)
    with pytest.raises(ValueError, match="the shift is running: there is nothing to resume"):
        resume(TERMS, begun(), 0.0)


def test_other_steps_keep_what_was_reached():
    progress = replace(begun(), share=0.25)
    terms = replace(TERMS, steps=(0.1, 0.2, 0.4, 1.0))
    later = goes(progress, served(2000), served(1500), 2, terms)
    assert share(progress) == 0.25
    assert later.share == 0.4


def test_a_shift_in_one_step_is_done_at_once():
    assert begun(replace(TERMS, steps=(1.0,))).state is State.DONE


def test_progress_comes_back_from_json_as_it_was():
    for progress in (
        begun(),
        goes(begun(), served(2000, 20), served(150, 3), 3),
        goes(begun(), served(2000, 20), served(50, 40), 1),
    ):
        assert Progress.of_plain(json.loads(json.dumps(progress.plain()))) == progress


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "flying"},
        {"share": 2},
        {"since": "noon"},
        {"counted": {}},
        {"weighed": {}},
        {"weighed": {name: {"worse": [1], "no_worse": [1]} for name in begun().weighed}},
    ],
)
def test_what_is_no_progress_is_refused(wrong: dict[str, object]):
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        Progress.of_plain({**begun().plain(), **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": ()},
        {"steps": (0.5,)},
        {"steps": (0.5, 0.25, 1.0)},
        {"steps": (0.0, 1.0)},
        {"least": 0},
        {"interval": -1.0},
    ],
)
def test_terms_that_make_no_sense_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValueError):  # noqa: PT011 - each says something else
        replace(TERMS, **wrong)


def test_guards_that_allow_nothing_or_everything_are_refused():
    for wrong in ({"errors": 0.0}, {"errors": 1.0}, {"cost": 1.0}, {"first_token": float("inf")}):
        with pytest.raises(ValueError):  # noqa: PT011 - each says something else
            Guards(**wrong)
