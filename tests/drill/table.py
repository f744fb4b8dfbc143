"""The drill's tables: of a run, for people; and of its themes, for the README."""

from collections.abc import Sequence

from tests.drill.drill import Row
from tests.drill.fault import Sight, Theme
from tests.drill.shared.failure import Theme as OfFleets

NAME, SEEN, ATTEMPTS, ADDED = 42, 52, 8, 11
HEAD = (
    f"{'fault':{NAME}} {'what the client saw':{SEEN}} {'attempts':{ATTEMPTS}} {'ms more':{ADDED}}"
)


def line(row: Row) -> str:
    """One fault's line: what is seen of an answer in one piece, and of a stream where it differs;
    attempts on the first target and on the second; milliseconds beside a good request's.
    """
    seen = _both(row, [sight.words for sight in row.sights.values()], " | ")
    attempts = _both(row, [_attempts(sight) for sight in row.sights.values()], ", ")
    added = " / ".join(_added(sight) for sight in row.sights.values())
    told = f"{row.fault.name:{NAME}} {seen:{SEEN}} {attempts:{ATTEMPTS}} {added:{ADDED}} "
    return told + verdict(row.wrong)


def verdict(wrong: Sequence[str]) -> str:
    """Whether a row passes, and if not, why."""
    return "pass" if not wrong else "FAIL: " + "; ".join(dict.fromkeys(wrong))


def told(row: Row) -> dict[str, object]:
    """The same for machines."""
    return {
        "fault": row.fault.name,
        "passes": row.passes,
        "ways": {
            way: {
                "saw": sight.words,
                "attempts": sight.attempts,
                "seconds_more": sight.seconds,
                "wrong": sight.wrong,
            }
            for way, sight in row.sights.items()
        },
    }


def readme(themes: Sequence[Theme | OfFleets]) -> str:
    """The README's table: one line a theme, with how many faults."""
    lines = ["| what happens | what your client sees | faults in the drill |", "|---|---|---|"]
    lines += [f"| {theme.happens} | {theme.sees} | {len(theme.faults)} |" for theme in themes]
    return "\n".join(lines)


def _both(row: Row, parts: list[str], between: str) -> str:
    """What is the same in both ways is said once."""
    return parts[0] if len(set(parts)) == 1 else between.join(parts)


def _attempts(sight: Sight) -> str:
    return "–" if sight.attempts is None else "+".join(map(str, sight.attempts))


def _added(sight: Sight) -> str:
    return "–" if sight.seconds is None else f"{sight.seconds * 1000:.0f}"
