"""What a model wants to see again of its own reasoning, carried by a client that knows nothing of
it.

A client of Responses sends `encrypted_content` back as it came. What other makers sign or encrypt
is put there in an envelope that says who made it; only its maker is given it again.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import Raw

from router.dialects.common.outside import UNREADABLE

MARK = "pm1."
MAKER = "responses"
"""The maker of encrypted content that is in no envelope: whoever speaks this dialect."""


class Trace(msgspec.Struct, frozen=True, omit_defaults=True):
    """What its `maker` wants again: the signature of a text, a block that only it can read, or the
    signature of the call of a tool, by the call's id.
    """

    maker: str
    signature: str | None = None
    redacted: str | None = None
    call: str | None = None


class _Item(msgspec.Struct):
    type: str = ""
    encrypted_content: str | None = None


_trace = msgspec.json.Decoder(Trace)
_item = msgspec.json.Decoder(_Item)
_items = msgspec.json.Decoder(list[Raw])
_encode = msgspec.json.encode


def sealed(trace: Trace) -> str:
    """The envelope. What this dialect's own makers encrypted needs none: an id stands before it."""
    if trace.maker == MAKER and trace.redacted is None and trace.call is None:
        return (trace.signature or "").rpartition(" ")[2]
    return MARK + urlsafe_b64encode(_encode(trace)).decode()


def opened(encrypted: str) -> Trace:
    """What `encrypted_content` holds. What only looks like an envelope is its maker's own."""
    if encrypted.startswith(MARK):
        try:
            return _trace.decode(urlsafe_b64decode(encrypted[len(MARK) :]))
        except (*UNREADABLE, ValueError):
            pass
    return Trace(MAKER, encrypted)


def without_foreign(given: Raw) -> Raw | None:
    """The items without what is in envelopes, which a provider of this dialect could not read;
    None: there is none.
    """
    if MARK.encode() not in bytes(given):
        return None
    try:
        items = _items.decode(given)
    except UNREADABLE:
        return None
    kept = [item for item in items if not _is_foreign(item)]
    return Raw(_encode(kept)) if len(kept) < len(items) else None


def _is_foreign(item: Raw) -> bool:
    if MARK.encode() not in bytes(item):
        return False
    try:
        told = _item.decode(item)
    except UNREADABLE:
        return False
    return told.type == "reasoning" and (told.encrypted_content or "").startswith(MARK)
