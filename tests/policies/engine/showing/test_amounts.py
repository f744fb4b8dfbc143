"""Numbers as people read them. Whoever changes one changes it here too."""

import pytest

from policies.engine.showing.amounts import duration, share


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0 s"),
        (0.0075, "7.5 ms"),
        (0.0423, "42 ms"),
        (0.4, "0.4 s"),
        (1.94, "1.9 s"),
        (4.0, "4 s"),
        (9.96, "10 s"),
        (17.4, "17 s"),
        (60.0, "60 s"),
        (89.4, "89 s"),
        (90.0, "1.5 min"),
        (240.0, "4 min"),
        (900.0, "15 min"),
        (7200.0, "2 h"),
        (80_000.0, "22 h"),
        (259_200.0, "3 days"),
    ],
)
def test_a_duration_is_as_precise_as_people_need_it(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("part", "told"),
    [(0.0, "0 %"), (0.0001, "0.1 %"), (0.004, "0.4 %"), (0.33, "33 %"), (1.0, "100 %")],
)
def test_a_share_that_is_there_is_not_rounded_to_nothing(part: float, told: str) -> None:
    assert share(part) == told
