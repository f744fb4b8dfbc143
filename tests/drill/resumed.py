"""What becomes of a stream that breaks after content, where its route goes on with it elsewhere."""

from router.testing import ERROR_EVENT, Answer, Script
from tests.drill.before import STREAM
from tests.drill.fault import GOOD, PATIENCE, QUICK, Expected, Fault

PACE = 0.02
"""Seconds between events: content that comes with the break is rescued, as if none had come."""
BROKEN_OFF = Expected(error="APIError", code=("stream_interrupted",), broken_off=True)
ANSWER = Expected(by=("first",))
"""Whoever gave the head is named in it; who went on stands in the closing comment."""


def resumed(name: str, first: Script, expected: Expected = ANSWER, second: Script = GOOD) -> Fault:
    """A stream breaks off, and the same question has the same answer."""
    return Fault(
        name,
        first,
        expected,
        second=second,
        ways=STREAM,
        route="interrupted: resume",
        asks={"temperature": 0},
    )


RESUMED = [
    resumed("ends; the rest is elsewhere", GOOD.cut(after=3).paced(PACE)),
    resumed("resets; the rest is elsewhere", GOOD.reset(after=3).paced(PACE)),
    resumed(
        "stalls; the rest is elsewhere",
        GOOD.stalled(after=3).paced(PACE),
        Expected(by=("first",), within=PATIENCE + QUICK),
    ),
    resumed(
        "errs; the rest is elsewhere",
        GOOD.inserting(ERROR_EVENT, after=3).paced(PACE),
    ),
    resumed(
        "ends; elsewhere is another text",
        GOOD.cut(after=3).paced(PACE),
        BROKEN_OFF,
        second=Answer("one three four five"),
    ),
    resumed(
        "ends, elsewhere as well",
        GOOD.cut(after=3).paced(PACE),
        BROKEN_OFF,
        second=GOOD.cut(after=2).paced(PACE),
    ),
]
