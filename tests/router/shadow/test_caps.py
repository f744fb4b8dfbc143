"""A cap holds, whatever is taken and given back, and however many share it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from router.config import Rate
from router.shadow.caps import Cap


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 40)), max_size=60), st.integers(1, 5))
def test_in_no_window_more_is_taken_than_allowed_by_all_instances_together(asked, instances):
    caps = [Cap(Rate(100, 60.0), lambda: instances) for _ in range(instances)]
    now, taken = 0.0, []
    for index, (pause, units) in enumerate(asked):
        now += pause
        cap = caps[index % instances]
        if units <= cap.left(now):
            cap.take(units, now)
            taken.append((now, units))
    for at, _ in taken:
        assert sum(units for then, units in taken if at - 60 < then <= at) <= 100


def test_what_was_reserved_and_not_spent_is_there_again():
    cap = Cap(Rate(100, 60.0), lambda: 1)
    cap.take(80, 0.0)
    assert cap.left(1.0) == 20
    cap.settle(-70, 0.0, 2.0)
    assert cap.left(2.0) == 90


def test_what_was_spent_beyond_its_reservation_is_a_debt():
    cap = Cap(Rate(100, 60.0), lambda: 1)
    cap.take(80, 0.0)
    cap.settle(50, 0.0, 2.0)
    assert cap.left(2.0) == -30
    assert cap.left(120.0) == 100


def test_another_amount_keeps_what_was_taken_and_another_time_does_not():
    cap = Cap(Rate(100, 60.0), lambda: 1)
    cap.take(80, 0.0)
    assert cap.changed(Rate(200, 60.0)).left(1.0) == 120
    assert cap.changed(Rate(200, 3600.0)).left(1.0) == 200
    assert cap.changed(Rate(100, 60.0)) is cap


def test_an_amount_that_is_less_than_the_instances_is_nobody_s():
    assert Cap(Rate(3, 60.0), lambda: 4).left(0.0) == 0
