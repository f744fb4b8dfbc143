"""Both halves of the calls that are relayed to their model's target: moderations, rerank, images
and audio. They come as JSON or as a form with files.

Only the model's name is read and replaced, and what says how the answer comes. The answer passes
as it came, whatever it is: JSON, sound, events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from msgspec import Raw

from policies import Outcome, Phase, Report
from router.dialects.common.outside import UNREADABLE, decoded
from router.dialects.contract import (
    NO_FIELDS,
    Asked,
    Call,
    Fields,
    Headers,
    Operation,
    RelayedOperation,
    Writer,
)
from router.dialects.errors.judge import failed, good, refused
from router.dialects.errors.quirks import EVERYBODY, TABLES
from router.dialects.errors.table import Table
from router.dialects.estimate import TOKENS_PER_FILE, estimated_tokens
from router.dialects.fields import invalid, user_of
from router.dialects.openai.dialect import NOTHING, OPENAI
from router.dialects.relayed.form import BadForm, Field, fields_of, is_form
from router.dialects.relayed.stream import RelayedStream, usage_of

OPERATIONS: tuple[RelayedOperation, ...] = get_args(RelayedOperation)
MOST_CHOICES = 1000
_top_level = msgspec.json.Decoder(dict[str, Raw])
_anything = msgspec.json.Decoder()
_encode = msgspec.json.encode
TRUE = ("true", "1", True)


class Relayed:
    """See `ClientDialect` and `UpstreamDialect`. `errors` is what a provider means by its own."""

    FEATURES: frozenset[str] = frozenset()

    def __init__(self, errors: Table = EVERYBODY) -> None:
        self._errors = errors

    # The client's half: errors are OpenAI's.

    error = OPENAI.error
    error_event = OPENAI.error_event

    def features(self, call: Call, needs: frozenset[str]) -> Mapping[str, Any]:
        return {}

    def user(self, call: Call) -> str:
        if is_form(call.body):
            user = _form(call.body).get("user")
            return user if isinstance(user, str) else ""
        return user_of(_top_level.decode(call.body))

    def acts(self, call: Call) -> bool:
        """See `ClientDialect.acts`: it only makes something."""
        return False

    def writer(self, call: Call) -> Writer:
        """Never asked for: these answers are not in words."""
        raise NotImplementedError

    def parse(self, body: bytes, operation: Operation = "moderations") -> Call:
        asked = _form(body) if is_form(body) else _object(body)
        model = asked.get("model")
        if not isinstance(model, str) or not model:
            raise invalid(
                "`model` is missing: name one of those that GET /v1/models lists", "model"
            )
        stream = asked.get("stream") in TRUE or asked.get("stream_format") == "sse"
        n = asked.get("n")
        number = int(n) if isinstance(n, int | str) and str(n).isdecimal() else 1
        return Call(
            operation=operation,
            model=model,
            stream=stream,
            fields={},
            input_tokens=TOKENS_PER_FILE if is_form(body) else estimated_tokens(body),
            output_tokens=0,
            choices=min(max(1, number), MOST_CHOICES),
            usage_asked=True,
            body=body,
        )

    # The provider's half.

    own_words = OPENAI.own_words

    def ask(self, call: Call, model: str, *, ask_usage: bool, more: Fields = NO_FIELDS) -> Asked:
        path = f"/{call.operation}"
        if is_form(call.body):
            return path, _renamed(call.body, model), NOTHING
        fields = _top_level.decode(call.body)
        fields["model"] = Raw(_encode(model))
        return path, _encode(fields), NOTHING

    def reader(self, call: Call) -> RelayedStream:
        return RelayedStream(call.choices, self._errors)

    def whole(self, call: Call, body: bytes) -> tuple[Report, bytes]:
        """See `UpstreamDialect.whole`. Only what is JSON can be an error inside a success."""
        if not body:
            return Report(Outcome.FAILED, detail="200 without a body"), body
        told = decoded(body) if body[:1] in (b"{", b"[") else None
        if not isinstance(told, dict):
            return Report(Outcome.OK), body
        if told.get("error"):
            return failed(self._errors, told, Phase.BODY), body
        return good(usage_of(told.get("usage"))), body

    def refusal(
        self, call: Call, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        """See `UpstreamDialect.refusal`. Not every server has these paths: a missing one says
        nothing of the model.
        """
        return refused(self._errors, status, headers, body, wall, usual=False)


def _object(body: bytes) -> Mapping[str, Any]:
    """The fields that are read of a JSON body. Raises `ClientError`."""
    try:
        fields = _top_level.decode(body)
        names = ("model", "stream", "stream_format", "n")
        return {name: _anything.decode(fields[name]) for name in names if name in fields}
    except UNREADABLE as error:
        raise invalid(f"the body must be a JSON object, or a form: {error}", None) from None


def _form(body: bytes) -> Mapping[str, Any]:
    """The fields that are read of a form. Raises `ClientError`."""
    return {
        field.name: body[field.begin : field.end].decode("utf-8", "replace")
        for field in _fields(body)
    }


def _fields(body: bytes) -> list[Field]:
    try:
        return fields_of(body)
    except BadForm as error:
        raise invalid(f"the request's form cannot be read: {error}", None) from None


def _renamed(body: bytes, model: str) -> bytes:
    """The form with this model: every field of that name, since which of two counts is unknown."""
    pieces, at = [], 0
    for field in _fields(body):
        if field.name == "model":
            pieces += [body[at : field.begin], model.encode()]
            at = field.end
    return b"".join([*pieces, body[at:]])


RELAYED = Relayed()
"""One serves all, as the client's half."""
RELAYED_BY: Mapping[str, Relayed] = {name: Relayed(errors) for name, errors in TABLES.items()}
"""The same as it is answered by providers with errors of their own, by their presets."""
