"""The table of a run on fleets, for people and for machines."""

from __future__ import annotations

from dataclasses import asdict

from tests.drill.shared.drill import Row
from tests.drill.table import verdict

NAME, SEEN, ADDED, SENT, BACK = 54, 34, 9, 15, 8
HEAD = (
    f"{'fault':{NAME}} {'what clients saw':{SEEN}} {'ms more':{ADDED}} {'sent':{SENT}} "
    f"{'back':{BACK}}"
)
LEGEND = (
    "two instances, 100 requests an hour for both; ms more: the worst in the first second / after"
    " it;\n  sent: while the server was away, and in all; back: until all instances have it again"
)


def line(row: Row) -> str:
    """One failure's line; last what the log said of it."""
    sight = row.sight
    added = "" if sight.at_first is None else f"{sight.at_first * 1000:.0f}"
    added += "" if sight.later is None else f" / {sight.later * 1000:.0f}"
    sent = [str(number) for number in (sight.while_away, sight.sent) if number is not None]
    back = "–" if sight.back is None else f"{sight.back * 1000:,.0f} ms"
    told = f"{row.fault.name:{NAME}} {sight.clients:{SEEN}} {added or '–':{ADDED}} "
    told += f"{', '.join(sent):{SENT}} {back:{BACK}} {verdict(row.wrong)}"
    return told + (f"  log: {sight.says}" if sight.says else "")


def told(row: Row) -> dict[str, object]:
    """The same for machines."""
    return {"fault": row.fault.name, "passes": row.passes, **asdict(row.sight)}
