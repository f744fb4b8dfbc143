"""What the start of a request may hang on, read from a body: the user's last message, how many
there were, pairs of metadata.

Why: this is asked of every request of a route whose policy goes by it, so it must cost next to
nothing, however long the conversation is: of messages only the last 64 kB are read, once, and of
them only the last one is looked into. Nothing is read where nobody asks.
Must not: raise, whatever the bytes are; or keep a text. What is malformed has nothing in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec
from msgspec import Raw

from policies.affinity.prefix import PREFIX
from policies.starting.estimator import TEXT
from policies.starting.rules import METADATA, SAYS
from router.dialects.common.outside import UNREADABLE, decoded
from router.dialects.estimate import text_tokens
from router.dialects.fields import Fields

READ = frozenset({"code", "last_tokens", "turns"})
"""What policies may need, beside what their dialect extracts, and words and pairs."""
MOST = 65_536
"""Bytes of messages that are read: the last of them."""
ENDS = 1_024
"""Characters of a long text, at its beginning and at its end, that are looked into: where people
say what they want.
"""
MOST_METADATA = 8_192
"""OpenAI takes 16 pairs of 64 and 512 characters."""
TRIES = 64
"""Messages that were only what tools answered, before the last one that somebody said."""
BEFORE_ROLE = 64
"""Bytes before its role in which a message begins."""
AFTER = len(SAYS)
LIST_BEGINS, TEXT_BEGINS = b'["'
USER = b'"user"'
RESULT = b'"tool_result"'
"""What a tool answered comes as the user's in Anthropic's messages."""
TEXTS = ("text", "input_text")
FENCE = b"```"
SIGNS = (b";\n", b"{\n", b"):\n", b"</", b"#include")
DEF = b"def "
"""Code is likely where two of these are, and this counts as one."""

_WORD = frozenset(b"'_abcdefghijklmnopqrstuvwxyz0123456789") | frozenset(range(0x80, 0x100))
PLAIN = bytes(byte if byte in _WORD else 0x20 for byte in bytes(range(256)).lower())
"""To words in small letters, with blanks for all between them. Beyond ASCII as they are."""


class _Item(msgspec.Struct):
    role: Any = None
    content: Raw = Raw(b"null")


class _Part(msgspec.Struct):
    type: Any = None
    text: Any = None


_items = msgspec.json.Decoder(list[_Item])
_parts = msgspec.json.Decoder(list[_Part])
_text = msgspec.json.Decoder(str)


def unknown(needs: frozenset[str], extract: AbstractSet[str]) -> frozenset[str]:
    """Those of a policy's `needs` that nobody looks for."""
    known = READ | extract | {PREFIX}
    return frozenset(n for n in needs if n not in known and not n.startswith((SAYS, METADATA)))


def features(
    fields: Fields,
    needs: frozenset[str],
    extract: Mapping[str, Callable[[Fields], bool]],
    said: str = "messages",
) -> dict[str, Any]:
    """See `ClientDialect.features`; `said` is the field with what was said."""
    last: Last | None = None
    find: Callable[[bytes], int] | None = None
    found: dict[str, Any] = {}
    for name in needs:
        if name.startswith(SAYS):
            if find is None:
                last = Last(fields.get(said)) if last is None else last
                # Several bytes are found four times as fast from the end.
                find = last.words().rfind
            found[name] = find(f" {name[AFTER:]} ".encode("utf-8", "replace")) >= 0
        elif name in extract:
            found[name] = extract[name](fields)
        elif name.startswith(METADATA):
            found[name] = _has(fields.get("metadata"), name)
        else:
            last = Last(fields.get(said)) if last is None else last
            found[name] = last.feature(name)
    return found


class Last:
    """What the user said last, of messages, items, or a text that stands for them."""

    def __init__(self, said: Raw | None) -> None:
        self.text = ""
        self._end = b""
        self._looked: bytes | None = None
        if said is None or not (written := memoryview(said)):
            return
        self._end = end = bytes(written[-MOST:])
        whole = len(end) == len(written)
        if written[0] == LIST_BEGINS:
            self.text = _last_of(end, whole=whole)
        elif written[0] == TEXT_BEGINS:
            self.text = _string(end) if whole else _cut(end)

    def feature(self, name: str) -> Any:
        """What is there of what a policy calls so."""
        match name:
            case "code":
                return is_code(self.looked())
            case "last_tokens":
                return self._tokens()
            case "turns":
                return len(self._end.rsplit(USER)) - 1 or bool(self.text)
            case _ if name == TEXT:
                return self.text
            case _:
                return False

    def _tokens(self) -> int:
        if not (begin := self.text[:ENDS]):
            return 0
        tokens = int(text_tokens(begin.encode("utf-8", "replace")) + 1)
        return tokens * len(self.text) // len(begin)

    def looked(self) -> bytes:
        """What of it is looked into."""
        if self._looked is None:
            text = self.text
            if len(text) > 2 * ENDS:
                text = f"{text[:ENDS]}\n{text[-ENDS:]}"
            self._looked = text.encode("utf-8", "replace")
        return self._looked

    def words(self) -> bytes:
        """The words of that, each between blanks."""
        return b" " + self.looked().translate(PLAIN) + b" "


def is_code(text: bytes) -> bool:
    """Whether a text has code in it, as far as can be seen at a glance."""
    # One byte is found thirty times as fast as several, and prose has few of those.
    if FENCE[0] in text and text.rfind(FENCE) >= 0:
        return True
    found = sum([sign[0] in text and text.rfind(sign) >= 0 for sign in SIGNS])
    return found > 1 or (found == 1 and text.rfind(DEF) >= 0)


def _last_of(end: bytes, *, whole: bool) -> str:
    """The text of the last message that the user said. Quotes within texts are escaped, so the
    word in quotes is a role.
    """
    at = len(end)
    for _ in range(TRIES):
        after, at = at, end.rfind(USER, 0, at)
        if at < 0:
            break
        if end.rfind(RESULT, at, after) >= 0:
            continue
        begin = end.rfind(b"{", max(0, at - BEFORE_ROLE), at)
        items = _listed(b"[" + end[begin:]) if begin >= 0 else []
        if not items or items[0].role != "user":
            # Its role does not stand first in it, or is none.
            items = [item for item in _listed(end) if _is_said(item)][-1:] if whole else []
        return _content(items[0].content) if items else _cut(end)
    # It begins before what is read, or there is none.
    return "" if whole else _cut(end)


def _is_said(item: _Item) -> bool:
    return item.role == "user" and bytes(item.content).rfind(RESULT) < 0


def _listed(written: bytes) -> list[_Item]:
    try:
        return _items.decode(written)
    except UNREADABLE:
        return []


def _content(content: Raw) -> str:
    """The text of a content, of all its parts."""
    if memoryview(content)[0] == TEXT_BEGINS:
        return _string(content)
    try:
        parts = _parts.decode(content)
    except UNREADABLE:
        return ""
    texts = [p.text for p in parts if isinstance(p.text, str) and p.type in TEXTS]
    return "\n".join(texts)


def _string(written: bytes | Raw) -> str:
    try:
        return _text.decode(written)
    except UNREADABLE:
        return ""


def _cut(end: bytes) -> str:
    """The end of a text, as it is encoded; nothing of a file's."""
    if end.rfind(b" ", -ENDS) < 0:
        return ""
    return end.decode("utf-8", "replace").replace("\\n", " \n")


def _has(metadata: Raw | None, name: str) -> bool:
    """Whether the caller sent such a pair."""
    if metadata is None or len(memoryview(metadata)) > MOST_METADATA:
        return False
    key, _, value = name[len(METADATA) :].partition("=")
    told = decoded(metadata)
    return isinstance(told, dict) and isinstance(has := told.get(key), str) and has == value
