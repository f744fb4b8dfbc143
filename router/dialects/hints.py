"""What providers are told of a prompt that they may cache, for clients who say nothing of it.

Why: some cache nothing, or not reliably, unless each request says so, and few clients do.
Must not: say anything where a client says something itself; keep a text, or send one anywhere but
in its prompt: a key is a hash, for which at most 64 kB of a body are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from json import JSONDecoder
from types import MappingProxyType
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw

from router.dialects.contract import NO_FIELDS, Call, Fields
from router.dialects.openai.splice import spliced

KEY = "prompt_cache_key"
MARK: Fields = MappingProxyType({"cache_control": b'{"type":"ephemeral"}'})
POINT = b',{"cachePoint":{"type":"default"}}'
OWN = (b'"cache_control"', b'"prompt_cache_breakpoint"')
"""What a body has in which the client says itself how much is to be cached."""
BESIDE = ("tools", "functions", "system", "instructions")
"""What a prompt has before its messages."""
MOST_BESIDE = 16_384
MOST_SAID = 49_152
"""Bytes that are read of it, and of the messages."""
FEW = 4_096
"""Bytes of messages that mostly are enough."""
BEFORE = 64
"""Messages before the first of the user."""
SIZE = 16
"""Bytes of a key: OpenAI takes 64 characters."""

_item = JSONDecoder().raw_decode
_BETWEEN = frozenset(" \t\r\n,")
_ROLE = re.compile(r'"role"\s*:\s*"(\w*)"')
_MARKS = re.compile(rb'(?:,\s{0,9})?"cache_control"\s*+:\s*+\{[^{}]*+\}')
"""Blanks before one are bounded: a search that began anew at each of many would take seconds."""
_top_level = msgspec.json.Decoder(dict[str, Raw])


class Hint(NamedTuple):
    """How a target is told (see `router.config.prompts.Word`). Where a prompt has less than `least`
    tokens there is nothing to mark: it would not be cached.
    """

    word: Literal["key", "mark", "points"]
    least: int = 0

    def fields(self, call: Call, tenant: str, session: str | None) -> Fields:
        """What is to stand in the body for `call`, of a `tenant` who may have a name for the
        conversation: nothing, where the client speaks for itself, or there is nothing to say.
        """
        if self.word == "key":
            key = None if KEY in call.fields else key_of(call.fields, tenant, session)
            return NO_FIELDS if key is None else {KEY: b'"%b"' % key.encode()}
        return MARK if self.word == "mark" and self._marks(call) else NO_FIELDS

    def pointed(self, call: Call, body: bytes) -> bytes:
        """`body`, which says `call` to Converse, with the points that it is to have: one for what
        conversations may have in common, one for all that was said in this one.
        """
        if self.word != "points" or not self._marks(call):
            return body
        fields = _top_level.decode(body)
        changes = {"messages": bytes(fields["messages"])[:-3] + POINT + b"]}]"}
        if "system" in fields:
            changes["system"] = bytes(fields["system"])[:-1] + POINT + b"]"
        return spliced(body, fields, changes)

    @property
    def words(self) -> str:
        """As people are told of it."""
        least = f", for prompts of {self.least:,} tokens and more"
        match self.word:
            case "key":
                return "prompt_cache_key, one for each conversation"
            case "mark":
                return f"cache_control up to the last message{least}"
            case "points":
                return f"a cachePoint after the system prompt and the last message{least}"

    def _marks(self, call: Call) -> bool:
        if max(call.counted.values(), default=call.input_tokens) < self.least:
            return False
        # Quotes within texts are escaped. Several bytes are found twice as fast from the end.
        own = "cache_control" in call.fields or any(call.body.rfind(own) >= 0 for own in OWN)
        return not own


def key_of(fields: Mapping[str, Raw], tenant: str, session: str | None) -> str | None:
    """What the requests of one conversation have in common, and no two conversations: made of its
    name where it has one, else of how it begins, up to the first message of its user. None: that is
    not to be seen, as where the provider keeps what was said before.
    """
    if session:
        said = session.encode("utf-8", "replace")
    elif "conversation" in fields and (named := bytes(fields["conversation"])) != b"null":
        said = named
    elif (opening := _opening(fields)) is not None:
        said = opening
    else:
        return None
    return blake2b(b"%b\n%b" % (tenant.encode(), said), digest_size=SIZE).hexdigest()


def _opening(fields: Mapping[str, Raw]) -> bytes | None:
    """All that a prompt begins with, the first message of its user included."""
    if bytes(fields.get("previous_response_id", b"null")) != b"null":
        return None
    said = _said_first(memoryview(fields.get("messages") or fields.get("input") or b"[]"))
    if said is None:
        return None
    beside = [bytes(memoryview(fields[name])[:MOST_BESIDE]) for name in BESIDE if name in fields]
    opening = b"".join(beside)[:MOST_BESIDE] + said
    # A client's own marks move on from message to message.
    return _MARKS.sub(b"", opening) if b"cache_control" in opening else opening


def _said_first(said: memoryview) -> bytes | None:
    if said[0] == ord('"'):
        return bytes(said[:MOST_SAID])
    if said[0] != ord("["):
        return None
    for most in (FEW, MOST_SAID):
        text = bytes(said[:most]).decode("utf-8", "replace")
        end = _end_of_first(text, cut=len(said) > most == MOST_SAID)
        if end is not None or len(said) <= most:
            break
    return None if end is None else text[:end].encode()


def _end_of_first(text: str, *, cut: bool) -> int | None:
    """Where the first message of the user ends, in messages, as far as they are there. With `cut`
    there are no more than these to be had, so that it may end where they do.
    """
    at = len("[")
    try:
        for _ in range(BEFORE):
            while text[at] in _BETWEEN:
                at += 1
            message, end = _item(text, at)
            if isinstance(message, dict) and message.get("role") == "user":
                return end
            at = end
    except (ValueError, IndexError, RecursionError):
        role = _ROLE.search(text, at) if cut else None
        return len(text) if role is not None and role[1] == "user" else None
    return None
