"""Where the engine's clock will stand at the next midnight of a zone, for limits that start anew
there.

The engine's clock counts seconds and knows of no days. It is not told of changes of the clocks
either: whoever asks again every hour is right on the days that have 23 or 25 of them, and after
the machine's own clock was set.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

AGAIN = 3600.0
"""Seconds after which to ask again."""


class Clocks(NamedTuple):
    """Two clocks at one instant: the engine's and that of the world, in seconds since 1970."""

    engine: float = 0.0
    world: float = 0.0

    @property
    def ahead(self) -> float:
        """By how much the world's is ahead of the engine's."""
        return self.world - self.engine

    def midnight(self, zone: str) -> float | None:
        """The next midnight there on the engine's clock; None where this machine knows no such
        zone.
        """
        try:
            here = ZoneInfo(zone)
        except ZoneInfoNotFoundError:
            return None
        tomorrow = datetime.fromtimestamp(self.world, here).date() + timedelta(days=1)
        midnight = datetime.combine(tomorrow, time(), here).timestamp()
        return midnight - self.ahead


SINCE_1970 = Clocks()
"""For an engine whose clock is that of the world."""
