"""What a request is told of its wait before it waits."""

from typing import Any

import pytest

from policies import Band, Cause, Fail, Outcome, Report
from policies.engine.waiting.queue import LONGEST_WAIT
from tests.policies.crowd import Crowd, crowd, waiting
from tests.policies.driver import ANSWERED, THROTTLED, limited

DONE = Report(Outcome.OK)


def held(here: Crowd, seconds: float) -> Crowd:
    """Let every target be known to hold a place for so long."""
    for standing in here.world.engine._standings.values():
        standing.held = seconds
    return here


def line(here: Crowd, **asked: Any) -> tuple[int, Fail]:
    """How many may wait, and what the first is told who may not."""
    for count in range(1000):
        action = here.come(**asked).action
        if isinstance(action, Fail):
            return count, action
    raise AssertionError("everybody may wait")


@pytest.mark.parametrize(("places", "seconds", "many"), [(1, 2.0, 5), (4, 2.0, 20), (3, 0.5, 60)])
def test_as_many_wait_as_can_be_served_in_ten_seconds(
    places: int, seconds: float, many: int
) -> None:
    here = held(crowd("a/m", facts={"a/m": limited(concurrent=places)}), seconds)
    for _ in range(places):
        here.come()
    count, fail = line(here)
    assert count == many
    assert fail.cause is Cause.WAIT
    assert fail.retry_at == pytest.approx(here.world.now + (many + 1) * seconds / places)
    here.close()


def test_places_of_several_targets_add_up() -> None:
    facts = {"a/m": limited(concurrent=1), "b/m": limited(concurrent=3)}
    here = held(crowd("a/m", "b/m", facts=facts), 4.0)
    for _ in range(4):
        here.come()
    assert line(here)[0] == 10
    here.close()


def test_a_limit_that_targets_share_counts_once() -> None:
    here = held(crowd("p/a", "p/b", facts={"p": limited(concurrent=2)}), 2.0)
    for _ in range(2):
        here.come()
    assert line(here)[0] == 10
    here.close()


def test_a_deadline_that_comes_before_the_turn_is_told_at_once() -> None:
    here = held(crowd("a/m", facts={"a/m": limited(concurrent=1)}), 2.0)
    here.come()
    assert here.come(within=3.0).waits
    refused = here.come(within=3.0).action
    assert isinstance(refused, Fail)
    assert refused.cause is Cause.WAIT
    assert here.come(within=5.0).waits
    here.close()


def test_there_must_be_time_for_the_answer_too() -> None:
    here = crowd("a/m", facts={"a/m": limited(concurrent=1)})
    here.world.teach("a/m", 2.0, times=5)
    here.come()
    refused = here.come(within=3.5).action
    assert isinstance(refused, Fail)
    assert refused.cause is Cause.WAIT
    assert here.come(within=4.5).waits
    here.close()


def test_where_nothing_was_measured_it_waits_and_sees() -> None:
    here = crowd("a/m", facts={"a/m": limited(concurrent=1)})
    here.come()
    assert all(here.come().waits for _ in range(100))
    here.close()


def test_a_rate_is_predicted_by_what_it_frees() -> None:
    here = crowd("a/m", facts={"a/m": limited(requests=12, seconds=6.0)})
    for _ in range(12):
        here.come().settle(DONE)
    count, fail = line(here)
    assert count == 20  # two a second
    assert fail.retry_at == pytest.approx(here.world.now + 10.5)
    here.close()


def test_a_limit_on_tokens_is_predicted_by_what_it_frees() -> None:
    here = crowd("a/m", facts={"a/m": limited(tokens=1200, seconds=6.0)})
    here.come(input_tokens=1200, output_tokens=0).settle(DONE)
    assert line(here, input_tokens=100, output_tokens=0)[0] == 20
    here.close()


def test_the_end_of_a_pause_comes_first() -> None:
    here = held(crowd("a/m", facts={"a/m": limited(concurrent=2)}), 1.0)
    here.come().settle(THROTTLED._replace(rest=6.0))
    count, fail = line(here)
    assert count == 2 + 8  # the two places that are free by then, and four seconds
    assert fail.retry_at == pytest.approx(here.world.now + 6.0 + 4.5)
    here.close()


def test_a_limit_that_was_learned_counts() -> None:
    here = held(crowd("a/m"), 1.0)
    inside = [here.come() for _ in range(3)]
    inside[2].settle(Report(Outcome.THROTTLED, rest=None))
    here.sleep(2.0)
    assert line(here)[0] == 20
    here.close()


def test_a_higher_band_waits_less() -> None:
    here = held(crowd("a/m", facts={"a/m": limited(concurrent=1)}), 2.0)
    here.come()
    assert line(here)[0] == 5
    assert line(here, band=Band.CRITICAL)[0] == 5
    here.close()


def test_another_tenant_waits_its_turn_only() -> None:
    here = held(crowd("a/m", facts={"a/m": limited(concurrent=1)}), 2.0)
    here.come(tenant="a")
    assert line(here, tenant="a")[0] == 5
    assert line(here, tenant="b")[0] == 2  # after one of a's each
    here.close()


def test_a_lower_band_counts_on_its_share() -> None:
    here = held(crowd("a/m", facts={"a/m": limited(concurrent=10)}), 2.0)
    for _ in range(10):
        here.come(band=Band.CRITICAL)
    assert line(here, band=Band.CRITICAL)[0] == 50
    assert line(here, band=Band.SHEDDABLE)[0] == 5
    here.close()


def test_whoever_is_let_in_is_served_as_predicted() -> None:
    here = held(crowd("a/m", facts={"a/m": limited(concurrent=2)}), 3.0)
    inside = [here.come(), here.come()]
    count, _ = line(here)
    begin = here.world.now
    late = [caller for caller in here.callers if caller.waits]
    while any(caller.waits for caller in late):
        here.sleep(3.0)
        for caller in inside:
            caller.settle(ANSWERED)
        here.look()
        inside = [caller for caller in here.callers if caller.send is not None]
    assert len(late) == count
    assert not any(isinstance(caller.action, Fail) for caller in late)
    assert here.world.now - begin <= LONGEST_WAIT
    assert len(waiting(here)) == 0
    here.close()
