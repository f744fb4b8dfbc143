"""What models thought, as clients carry it and bring it back.

Anthropic refuses thinking that it has not signed. So what another provider's model thought is given
to a client with a mark in its signature; by that it is told apart when it comes back.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.dialects.anthropic.blocks import MAKER
from router.dialects.common.outside import UNREADABLE

MARK = "pointsman."
"""`pointsman.<maker>.<signature>`: a signature, or a redacted block, that is not Anthropic's."""
MARKED = b'"' + MARK.encode()
"""How the signature of such thinking begins in a body."""


class _Signed(msgspec.Struct):
    type: str = ""
    signature: str = ""
    data: str = ""


_messages = msgspec.json.Decoder(list[dict[str, Raw]])
_blocks = msgspec.json.Decoder(list[Raw])
_signed = msgspec.json.Decoder(_Signed)
_encode = msgspec.json.encode


def made_by(signature: str) -> tuple[str, str]:
    """The maker of a signature, and what it was before it was marked."""
    if not signature.startswith(MARK):
        return MAKER, signature
    maker, _, own = signature.removeprefix(MARK).partition(".")
    return maker, own


def marked(maker: str, signature: str) -> str:
    """A signature as an Anthropic client is given it: marked, unless it is Anthropic's."""
    return signature if maker == MAKER else f"{MARK}{maker}.{signature}"


def without_marked(messages: Raw) -> bytes | None:
    """`messages` without the blocks of thinking that carry our mark, and without messages that had
    nothing else; all others in their original bytes. None: nothing in them does.
    """
    try:
        turns = _messages.decode(messages)
    except UNREADABLE:
        return None
    kept, found = [], False
    for turn in turns:
        content = turn.get("content")
        if content is not None and MARKED in bytes(content):
            try:
                written = _blocks.decode(content)
            except UNREADABLE:
                written = []
            blocks = [block for block in written if not _is_marked(block)]
            if len(blocks) < len(written):
                found = True
                if not blocks:
                    continue
                turn["content"] = Raw(_encode(blocks))
        kept.append(turn)
    return _encode(kept) if found else None


def _is_marked(block: Raw) -> bool:
    try:
        signed = _signed.decode(block)
    except UNREADABLE:
        return False
    if signed.type == "thinking":
        return signed.signature.startswith(MARK)
    return signed.type == "redacted_thinking" and signed.data.startswith(MARK)
