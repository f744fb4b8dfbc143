"""The words of news between instances.

Pure. What is heard may come from anybody who reaches the server: what is malformed is told apart,
and what concerns a place that we do not know by the same name is not believed. Of that place's
identity, which holds its address, only a digest goes out.
"""

from __future__ import annotations

from hashlib import sha256
from math import isfinite
from typing import Annotated, NamedTuple

import msgspec

from policies import News

Text = Annotated[str, msgspec.Meta(max_length=200)]
Name = Annotated[str, msgspec.Meta(max_length=1000)]


class Word(NamedTuple):
    """What the instance `who` noticed of the target, or the provider, `name`; it holds for `left`
    seconds from when it was said.
    """

    who: Text
    name: Name
    news: News
    left: float
    place: Annotated[bytes, msgspec.Meta(max_length=32)]


_decode = msgspec.msgpack.Decoder(Word).decode
encode = msgspec.msgpack.Encoder().encode


def decode(told: bytes) -> Word | None:
    """None: it is malformed."""
    try:
        word = _decode(told)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return word if isfinite(word.left) else None


def digest(identity: str) -> bytes:
    """What shows that two instances mean the same place by a name."""
    return sha256(identity.encode()).digest()[:8]


def items(told: object) -> list[tuple[bytes, bytes]]:
    """The entries of a stream, each by its name, as the server tells them; what has no word in it
    is malformed, and so is its word.
    """
    found = []
    for name, fields in told if isinstance(told, list) else ():
        word = fields[1] if isinstance(fields, list) and len(fields) == 2 else b""
        found.append((name, word))
    return found


def instant(name: bytes) -> float:
    """When an entry was made, by the server's clock, in Unix seconds."""
    return int(name.partition(b"-")[0]) / 1000
