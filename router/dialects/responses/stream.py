"""Reads a streamed response whose client speaks the same dialect: what is content, where it ends,
what it used, whether it failed, and what of it can be referred to later.
"""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

import msgspec
from msgspec import Raw

from router.dialects.common.events import Usage
from router.dialects.common.outside import UNREADABLE, count, decoded, tier_of
from router.dialects.contract import Call
from router.dialects.errors.judge import failed
from router.dialects.errors.table import Table
from router.dialects.passing import PassingStream, bare_error, loss
from router.dialects.sse import data_of

_NOTHING = Raw(b"")
NO_TEXT = frozenset({b"", b'""', b"null"})


class StreamEvent(msgspec.Struct):
    """As much of an event as tells what it is; the rest of it stays as it came."""

    type: Any = None
    delta: Raw = _NOTHING
    response: Raw = _NOTHING
    item: Raw = _NOTHING


TORN = re.compile(rb'"(delta|type|item|response)"')
"""What shows that something was an event, with a part of the answer in it."""
RAW = frozenset({"delta", "response", "item"})


class _Response(msgspec.Struct):
    id: Any = None
    conversation: Any = None
    usage: Any = None
    service_tier: Any = None


class _Item(msgspec.Struct):
    id: Any = None


_response = msgspec.json.Decoder(_Response)
_item = msgspec.json.Decoder(_Item)
_encode = msgspec.json.encode

BEGUN = frozenset({"response.created", "response.queued", "response.in_progress"})
ENDED = frozenset({"response.completed", "response.incomplete"})


class ResponsesStream(PassingStream):
    """One streamed answer. See `StreamReader`."""

    _decoder: ClassVar[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(StreamEvent)

    __slots__ = ("_account", "_begun", "_call", "_errors")

    def __init__(self, call: Call | None, errors: Table, account: str) -> None:
        """`errors` is what the provider means by its errors; `account` is its name. Without a call
        nothing of the answer is kept.
        """
        super().__init__()
        self._call = call
        self._errors = errors
        self._account = account
        self._begun = False

    def _takes(self, event: bytes) -> bool:
        if self.failure is not None or self.done:
            return False
        data = data_of(event)
        if not data:
            if (bare := bare_error(event)) is not None:
                self._err(bare[0])
            return False
        return self._passes(data)

    def _passes(self, data: bytes) -> bool:
        """Read one event's data; whether it goes on."""
        if data.startswith(b"[DONE]"):
            return False  # no part of the dialect, but some send it
        try:
            told = _decoded(data, self._decoder)
        except (ValueError, RecursionError):
            self._skip(data)
            return False
        kind = told.type
        if not isinstance(kind, str):
            # An error of another dialect, or nothing of this one.
            stray = decoded(data)
            if error_in(stray) is None:
                self._skip(data)
                return False
            self._err(stray)
        elif kind.endswith(".delta"):
            if bytes(told.delta) not in NO_TEXT:
                self.content += 1
        elif kind == "response.output_item.done":
            self.content += 1
            self._keep(told.item)
        elif kind in BEGUN:
            self._begin(told.response)
        elif kind in ENDED:
            self._end(told.response)
        elif kind in ("response.failed", "error"):
            self._err(decoded(data))
        if self.failure is None:
            self._reads(told)
        return self.failure is None

    def _reads(self, told: StreamEvent) -> None:
        """An event of an answer that goes well: for those who want more of it."""

    def _begin(self, response: Raw) -> None:
        if self._begun:
            return
        self._begun = True
        if self._call is not None and self._call.stays:
            # It runs on at its provider from here on, whoever reads it: nobody else is to be asked.
            self.content += 1
        told = _read(response)
        remember(self._call, self._account, told.id, told.conversation)

    def _end(self, response: Raw) -> None:
        if self.malformed and not self.content:
            self._fail("no content, and events that are none of the dialect")
            return
        told = _read(response)
        self.usage = usage_of(told.usage, told.service_tier) or self.usage
        remember(self._call, self._account, told.id, told.conversation)
        self.ended = self.done = True

    def _keep(self, item: Raw) -> None:
        if self._call is None or (keep := self._call.keep) is None:
            return
        try:
            id_ = _item.decode(item).id
        except UNREADABLE:
            return
        if isinstance(id_, str) and id_:
            keep(self._account, id_)

    def _skip(self, data: bytes) -> None:
        """Leave out an event that is none, unless a part of the answer is lost with it."""
        self.malformed += 1
        if why := loss(data, TORN, self.malformed):
            self._fail(why)

    def _err(self, told: Any) -> None:
        error = error_in(told)
        if error is None:
            self._fail("an event that is none of the dialect")
            return
        body = {"error": error}
        self.failure = failed(self._errors, body, self._phase())
        self.said = _encode(body)


def _decoded(data: bytes, decoder: msgspec.json.Decoder[StreamEvent]) -> StreamEvent:
    """An event. Raises ValueError (which msgspec's and the standard library's errors are)."""
    try:
        return decoder.decode(data)
    except msgspec.DecodeError:
        if b"\\ud" not in data.lower():
            raise
    # Half of a character beyond the first 65,536: some providers escape them one by one, and cut
    # between. It passes on in its original bytes; msgspec alone refuses to look at it.
    told = json.loads(data)
    kind: type[StreamEvent] = decoder.type
    if not isinstance(told, dict):
        return kind()
    fields = {name: told[name] for name in kind.__struct_fields__ if name in told}
    return kind(**{k: Raw(json.dumps(v).encode()) if k in RAW else v for k, v in fields.items()})


def _read(response: Raw) -> _Response:
    try:
        return _response.decode(response)
    except UNREADABLE:
        return _Response()


def remember(call: Call | None, account: str, response: Any, conversation: Any) -> None:
    """Have the ids remembered by which the answer, and its conversation, can be referred to."""
    if call is None or call.keep is None:
        return
    talk = conversation.get("id") if isinstance(conversation, dict) else conversation
    for id_ in (response, talk):
        if isinstance(id_, str) and id_:
            call.keep(account, id_)


def error_in(told: Any) -> dict[str, Any] | None:
    """The error that an event names: `response.failed`, or `error` with its fields at the top or
    below; None: it names none.
    """
    if not isinstance(told, dict):
        return None
    if told.get("type") == "response.failed":
        response = told.get("response")
        error = response.get("error") if isinstance(response, dict) else None
        return error if isinstance(error, dict) and error else {"code": "server_error"}
    error = told.get("error")
    if isinstance(error, dict) and error:
        return error
    if isinstance(error, str) and error:
        return {"message": error}
    if told.get("type") != "error":
        return None
    return {name: told[name] for name in ("code", "message", "param") if name in told}


def usage_of(usage: Any, served: Any = None) -> Usage | None:
    """Tokens of a usage object, as far as it is one; `served` names the service tier."""
    if not isinstance(usage, dict):
        return None
    given, written = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    if not given and not written:
        return None
    read, thought = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    read = read if isinstance(read, dict) else {}
    thought = thought if isinstance(thought, dict) else {}
    return Usage(
        given,
        written,
        count(read.get("cached_tokens")),
        count(read.get("cache_write_tokens")),
        count(thought.get("reasoning_tokens")),
        service_tier=tier_of(served),
    )
