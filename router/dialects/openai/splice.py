"""Other values for a few top-level fields of a body, whose other bytes stay as they came: blanks,
the spelling of numbers and texts, fields that stand twice.

What it is given has been read as a JSON object already; nothing here checks that again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Raw

MOST_STEPPED: Final = 256 * 1024
MOST_FIELDS: Final = 10_000
"""Bytes of a body that is gone through where a field stands twice, or where there are more of them
than this: that takes up to 0.4 s for each MB. In a longer one each field is written once.
"""

_encode: Final = msgspec.json.encode
_text: Final = msgspec.json.Decoder(str)
_top_level: Final = msgspec.json.Decoder(dict[str, Raw])
_BLANKS: Final = rb"[ \t\r\n]*"
_TEXT: Final = rb'"(?:[^"\\]++|\\.)*+"'
"""Possessive: a search that could go back would keep a hundred bytes for each of a text's."""
_KEY: Final = re.compile(
    rb"%b[{,]%b(%b)%b:%b" % (_BLANKS, _BLANKS, _TEXT, _BLANKS, _BLANKS), re.DOTALL
)
_TOKEN: Final = re.compile(rb"%b|[\[{]|[\]}]|[^\"\[\]{},: \t\r\n]++" % _TEXT, re.DOTALL)
_AFTER: Final = re.compile(rb"%b[,}]" % _BLANKS)


def spliced(body: bytes, fields: Mapping[str, Raw], changes: Mapping[str, bytes]) -> bytes:
    """`body`, whose top level is `fields`, with the values of `changes`; a field that it lacks
    comes last.
    """
    at, places = 1, {}
    for name, value in fields.items():
        at += len(name) + 3
        if name in changes:
            places[name] = at
        at += len(value) + 1
    if at != len(body):
        return _cut(body, fields, changes)
    # As most are: without a blank, and each field once. Nothing else is as short.
    pieces: list[bytes] = []
    kept = 0
    for name, place in places.items():
        pieces += [body[kept:place], changes[name]]
        kept = place + len(fields[name])
    if len(places) < len(changes):
        return b"".join([*pieces, body[kept:-1], *_more(fields, changes), b"}"])
    return b"".join([*pieces, body[kept:]])


def with_fields(body: bytes, more: Mapping[str, bytes]) -> bytes:
    """`body`, which the router wrote itself, with the values of `more`."""
    return spliced(body, _top_level.decode(body), more)


def _cut(body: bytes, fields: Mapping[str, Raw], changes: Mapping[str, bytes]) -> bytes:
    """The same of a body with blanks, or with fields that stand twice: each is replaced."""
    more, pieces = _more(fields, changes), _usual(fields)
    if b"".join(pieces) == body:
        for place, name in enumerate(fields):
            if name in changes:
                pieces[2 * place + 1] = changes[name]
        return b"".join([*pieces[:-1], *more, b"}"])
    pieces, kept, at = [], 0, 0
    lasts: dict[str, bytes] = {}
    while (found := _KEY.match(body, at)) is not None:
        name, start = _text.decode(found[1]), found.end()
        twice = name in lasts
        last = lasts[name] if twice else lasts.setdefault(name, bytes(fields[name]))
        at = start + len(last)
        found_last = body.startswith(last, start) and _AFTER.match(body, at) is not None
        if len(body) > MOST_STEPPED and (twice or not found_last or len(lasts) > MOST_FIELDS):
            return _encode({**fields, **{name: Raw(new) for name, new in changes.items()}})
        if not found_last:
            at = _end(body, start)
        if name in changes:
            pieces += [body[kept:start], changes[name]]
            kept = at
    return b"".join([*pieces, body[kept:at], *more, body[at:]])


def _more(fields: Mapping[str, Raw], changes: Mapping[str, bytes]) -> list[bytes]:
    """Those of `changes` that `fields` lack, as they follow them."""
    return [b",%b:%b" % (_encode(name), changes[name]) for name in changes if name not in fields]


def _usual(fields: Mapping[str, Raw]) -> list[bytes | Raw]:
    """An object as Python's own encoder spells it, in pieces: each name with what stands round it,
    each value, and the end. Nothing, if names would have to be escaped.
    """
    names = '": \0, "'.join(fields)
    more = len(fields) - 1
    if "\\" in names or names.count('"') != 2 * more or names.count("\0") != more:
        return []
    pieces: list[bytes | Raw] = [b"}"] * (2 * more + 3)
    pieces[:-1:2] = f'{{"{names}": '.encode().split(b"\0")
    pieces[1::2] = fields.values()
    return pieces


def _end(body: bytes, start: int) -> int:
    """Where the value at `start` ends, whose field stands there again later."""
    depth, at = 0, start
    while (token := _TOKEN.search(body, at)) is not None:
        at = token.end()
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth == 0:
            break
    return at
