"""What comes back to a provider of what another's model thought, and must not."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from router.dialects.anthropic.contents import MARK
from router.dialects.common.outside import UNREADABLE

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
