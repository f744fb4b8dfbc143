"""What a caller asks for in `x-router-only`: where its request may go, no further than it might
without.
"""

from __future__ import annotations

from router.config import Only, texts
from router.config.units import Unreadable

MOST = 32
"""Wishes in one header: whoever has more does not wish, but lists."""
FORMS = "write it as region=eu-*, residency=eu, tag=zdr: one of them, or several"
KEYS = {
    "region": ("region", texts.regions),
    "residency": ("residency", texts.named),
    "tag": ("tags", texts.named),
}
"""What may be asked for, with the key of the file's `only`, and how each word is read."""


def narrowed(header: str) -> Only:
    """What is asked for. Raises `Unreadable`, also for nothing: what was meant to be kept from
    leaving would leave.
    """
    wishes = header.split(",")
    if len(wishes) > MOST:
        raise Unreadable(f"holds more than {MOST} wishes", FORMS)
    found: dict[str, set[str]] = {}
    for wish in wishes:
        key, equals, word = (part.strip() for part in wish.partition("="))
        if not equals or not word:
            raise Unreadable("is not understood", FORMS)
        if key not in KEYS:
            raise Unreadable(f"knows no {key[:40]!r}", FORMS)
        name, read = KEYS[key]
        try:
            found.setdefault(name, set()).add(read(word))
        except Unreadable as wrong:
            raise Unreadable(f"has a {key} that {wrong.what}", FORMS) from None
    return Only(**{name: frozenset(words) for name, words in found.items()})
