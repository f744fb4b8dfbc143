"""A request that might come, as operators ask about it, in the words of a route's start rules.

Why: what can be written in a rule can be asked about, with the same words and the same mistakes.
Must not: know which models, targets and tenants there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from router.caller import BANDS
from router.config import texts, units
from router.config.problems import nearest, quoted
from router.front.paths import CALLS
from router.narrowing import narrowed


class BadQuestion(ValueError):
    """A question that cannot be answered; the message names its `field`, where one is wrong, and
    goes on with what is `told` of it: what it is, and what to do about it.
    """

    def __init__(self, told: str, field: str = "") -> None:
        super().__init__(f"{field} {told}" if field else told)
        self.told, self.field = told, field


class Question(msgspec.Struct, frozen=True):
    """What is asked about. `output_tokens` is the most that the caller lets the model write (None:
    it set no bound); without a `tenant` it is somebody who may ask for everything; `target`
    confines the request to one, and `only` to some, as `x-router-only` does. `says` is what its
    user said last, in the last of so many `turns`, and tells by itself of how many tokens it is
    (None) and whether there is code in it.
    """

    model: str
    input_tokens: int = 0
    output_tokens: int | None = None
    stream: bool = False
    tools: bool = False
    schema: bool = False
    images: bool = False
    documents: bool = False
    audio: bool = False
    priority: str = "standard"
    tenant: str | None = None
    target: str | None = None
    says: str | None = None
    turns: int = 1
    last_tokens: int | None = None
    code: bool = False
    metadata: dict[str, str] = {}
    only: str | None = None


def _only(value: object) -> str:
    narrowed(str(value))
    return str(value)


def _pairs(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise units.Unreadable("is not a mapping", "write it as {name: value}")
    return {texts.text(key): texts.text(one) for key, one in value.items()}


class Sent(msgspec.Struct, frozen=True):
    """A request as a client would send it: its `body`, to the `path`; the rest is as in a
    `Question`, and stands for headers.
    """

    body: bytes = b""
    path: str = "/v1/chat/completions"
    priority: str = "standard"
    tenant: str | None = None
    target: str | None = None
    only: str | None = None


READERS: Mapping[str, Callable[[object], Any]] = {
    "model": texts.text,
    "input_tokens": units.count,
    "output_tokens": units.count,
    "stream": units.boolean,
    "tools": units.boolean,
    "schema": units.boolean,
    "images": units.boolean,
    "documents": units.boolean,
    "audio": units.boolean,
    "priority": texts.choice(*BANDS),
    "tenant": texts.text,
    "target": texts.text,
    "says": texts.words,
    "turns": units.positive,
    "last_tokens": units.count,
    "code": units.boolean,
    "metadata": _pairs,
    "only": _only,
}
BESIDE: Mapping[str, Callable[[object], Any]] = {
    "path": texts.choice(*CALLS),
    **{field: READERS[field] for field in ("priority", "tenant", "target", "only")},
}
"""What stands beside a body."""


def decoded(told: bytes) -> Question | Sent:
    """The question that `told` holds as JSON. Raises `BadQuestion`."""
    try:
        fields = msgspec.json.decode(told, type=dict[str, msgspec.Raw])
        body = fields.pop("body", None)
        asked = {field: msgspec.json.decode(value) for field, value in fields.items()}
        if body is None or bytes(body) == b"null":
            return read(asked)
        return read_sent(_text(body), asked)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadQuestion(f'send {{"model": …}} or {{"body": …}} as JSON: {error}') from None


def encoded(question: Question | Sent) -> bytes:
    """A question as `decoded` reads it. A body stands there as a text, so that it may be none."""
    if isinstance(question, Question):
        return msgspec.json.encode(question)
    body = question.body.decode(errors="replace")
    beside = {field: getattr(question, field) for field in BESIDE}
    return msgspec.json.encode({"body": body, **beside})


def _text(body: msgspec.Raw) -> bytes:
    """The bytes that a client would send: as they stand there, or in a text."""
    told = bytes(body)
    return msgspec.json.decode(told, type=str).encode() if told[:1] == b'"' else told


def read_sent(body: bytes, asked: Mapping[str, object]) -> Sent:
    """A request by its body, and what stands beside it, of which None says nothing. Raises
    `BadQuestion`.
    """
    for field in asked:
        if field in READERS and field not in BESIDE and asked[field] is not None:
            raise BadQuestion("stands in the body; leave it out beside it", field)
        if field not in READERS and field not in BESIDE:
            raise BadQuestion(f"unknown field {quoted(field)}; {nearest(field, BESIDE)}")
    said = {field: value for field, value in asked.items() if value is not None}
    return Sent(body, **{field: _read(field, value, BESIDE) for field, value in said.items()})


def read(asked: Mapping[str, object]) -> Question:
    """A question by its fields, of which None says nothing. Raises `BadQuestion`."""
    for field in asked:
        if field not in READERS:
            raise BadQuestion(f"unknown field {quoted(field)}; {nearest(field, READERS)}")
    if asked.get("model") is None:
        raise BadQuestion("model is missing; name one of those that GET /v1/models lists")
    said = {field: value for field, value in asked.items() if value is not None}
    return Question(**{field: _read(field, value, READERS) for field, value in said.items()})


def _read(field: str, value: object, readers: Mapping[str, Callable[[object], Any]]) -> Any:
    try:
        return readers[field](value)
    except units.Unreadable as unreadable:
        what = f"{_shown(value)}{unreadable.what}"
        raise BadQuestion(f"{what}; {unreadable.remedy}", field) from None


def _shown(value: object) -> str:
    """A plain value, as a file's mistakes show it."""
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return f"{quoted(str(value))} " if plain and value != "" else ""
