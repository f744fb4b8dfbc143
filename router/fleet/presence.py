"""Who is there: what an instance says of itself every second, and what it makes of the others.

Pure but for the text of the script. What is read may have been written by anybody who reaches the
server: it is checked, and what is malformed is counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

SCRIPT = Path(__file__).with_name("beat.lua").read_bytes()
BEAT = 1.0
"""Seconds between two words of an instance."""
GONE = 10.0
"""Seconds without a word after which an instance is gone."""
DRIFT = 60.0
"""Seconds for which instances may run different revisions: a file takes its time to all machines.
"""
UNIT = 1_000_000
"""Demand is told in millionths of a limit."""

Text = Annotated[str, msgspec.Meta(max_length=200)]
Name = Annotated[str, msgspec.Meta(max_length=1000)]
Whole = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class Said(msgspec.Struct, frozen=True):
    """What an instance says of itself: who it is, the revision of its configuration, since when it
    runs (Unix time), and, by the name of what they bind, how much of limits it uses.
    """

    host: Text
    pid: Whole
    version: Text
    revision: Text
    since: Annotated[float, msgspec.Meta(ge=0, le=1e12)]
    used: Annotated[dict[Name, Whole], msgspec.Meta(max_length=10_000)]


class Seen(NamedTuple):
    """An instance: what it said, and when it was heard last, by our own clock."""

    said: Said
    heard: float


class Beat(NamedTuple):
    """What a beat brings: who is there, by name, and how many could not be read."""

    seen: dict[str, Seen]
    malformed: int


UNREADABLE = Said("", 0, "", "", 0.0, {})
_decode = msgspec.json.Decoder(Said).decode


def read(told: object, now: float) -> Beat:
    """The script's answer. Raises `msgspec.ValidationError` for one that is no such."""
    at, rows = msgspec.convert(told, tuple[int, list[tuple[bytes, int, bytes]]])
    seen, malformed = {}, 0
    for name, spoke, words in rows:
        try:
            said = _decode(words)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # It is there all the same, and has its part of all limits.
            said, malformed = UNREADABLE, malformed + 1
        seen[name.decode(errors="replace")] = Seen(said, now - max(0, at - spoke) / 1000)
    return Beat(seen, malformed)


def in_order(seen: Mapping[str, Seen]) -> list[str]:
    """Names by rank: who runs longest is first."""
    return sorted(seen, key=lambda name: (seen[name].said.since, name))


class Drift:
    """Whether instances run different revisions for too long. `since` is when they began to."""

    def __init__(self) -> None:
        self.since: float | None = None
        self.told = False

    def look(self, revisions: Collection[str], now: float) -> bool | None:
        """True: they do, which was not said so far; False: they no longer do; None: no news."""
        if len(revisions) < 2:
            self.since = None
            over, self.told = self.told, False
            return False if over else None
        if self.since is None:
            self.since = now
        if self.told or now - self.since <= DRIFT:
            return None
        self.told = True
        return True
