"""What a caller asks for in `x-router-only`: where its request may go, no further than it might
without.

Headers of one name come joined by a comma, so whatever stands between commas binds together: who
adds a wish to another's never widens that. Alternatives stand in one wish, and a kind of place has
one.
"""

from __future__ import annotations

from router.config import Only, texts
from router.config.units import Unreadable

MOST = 32
"""Words in one header: whoever has more does not wish, but lists."""
FORMS = "write it as region=eu-*, residency=eu|uk, tag=zdr: one of them, or several"
TAG = "tag"
KEYS = {"region": texts.regions, "residency": texts.named, TAG: texts.named}
"""What may be asked for, and how each word is read."""


def narrowed(header: str) -> Only:
    """What is asked for. Raises `Unreadable`, also for nothing: what was meant to be kept from
    leaving would leave.
    """
    if header.count(",") + header.count("|") >= MOST:
        raise Unreadable(f"holds more than {MOST} words", FORMS)
    found: dict[str, frozenset[str]] = {}
    for wish in header.split(","):
        key, equals, told = (part.strip() for part in wish.partition("="))
        if not equals or not told:
            raise Unreadable("is not understood", FORMS)
        if key not in KEYS:
            raise Unreadable(f"knows no {key[:40]!r}", FORMS)
        if key in found and key != TAG:
            raise Unreadable(f"has two wishes for a {key}", FORMS)
        if key == TAG and "|" in told:
            raise Unreadable("has a choice of tags, of which all are needed", FORMS)
        found[key] = found.get(key, frozenset()) | {_read(key, word) for word in told.split("|")}
    tags = found.pop(TAG, frozenset())
    return Only(**found, tags=tags)


def _read(key: str, word: str) -> str:
    try:
        return KEYS[key](word.strip())
    except Unreadable as wrong:
        raise Unreadable(f"has a {key} that {wrong.what}", FORMS) from None
