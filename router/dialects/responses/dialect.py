"""OpenAI's Responses, both halves: the client's, and that of providers who speak it too.

Where both do, bytes pass as they came, but for the model's name; streams in their original bytes.
Reasoning that was made elsewhere, and is meant for its maker alone, is left out for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from policies import Report
from router.dialects.common.prompt import Prompt
from router.dialects.contract import NO_FIELDS, Asked, Call, ClientError, Fields, Headers
from router.dialects.errors.judge import refused
from router.dialects.errors.quirks import EVERYBODY
from router.dialects.errors.table import Table
from router.dialects.fields import user_of
from router.dialects.openai.dialect import OPENAI
from router.dialects.openai.features import acts
from router.dialects.openai.splice import spliced
from router.dialects.reading import features
from router.dialects.responses.answers import response
from router.dialects.responses.prompts import prompt_of
from router.dialects.responses.requests import EXTRACT, parsed
from router.dialects.responses.stream import ResponsesStream
from router.dialects.responses.traces import without_foreign
from router.dialects.responses.writer import ResponsesWriter

PATH = "/responses"
_encode = msgspec.json.encode


class Responses:
    """See `ClientDialect`, `Interpretable` and `UpstreamDialect`. `errors` is what a provider means
    by its errors, `account` its name.
    """

    FEATURES = frozenset(EXTRACT)

    def __init__(self, errors: Table = EVERYBODY, account: str = "") -> None:
        self._errors = errors
        self._account = account

    # The client's half.

    parse = staticmethod(parsed)
    writer = staticmethod(ResponsesWriter)
    error = OPENAI.error

    def features(self, call: Call, needs: frozenset[str]) -> Mapping[str, Any]:
        return features(call.fields, needs, EXTRACT, "input")

    def user(self, call: Call) -> str:
        return user_of(call.fields)

    def acts(self, call: Call) -> bool:
        """See `ClientDialect.acts`: where a tool is brought that its provider runs."""
        return acts(call.fields)

    def error_event(self, error: ClientError) -> bytes:
        """See `ClientDialect.error_event`. Nobody knows the number of the event before it: 0 is no
        place from which a stream could be taken up again. It says so twice: in the event's own
        fields, and as `error`, for which SDKs raise.
        """
        told = {"code": error.code, "message": error.message, "param": error.param}
        inner = {"type": error.kind, **told}
        event = {"type": "error", **told, "sequence_number": 0, "error": inner}
        return b"event: error\ndata: " + _encode(event) + b"\n\n"

    def prompt(self, call: Call) -> Prompt:
        return prompt_of(call.fields)

    # The provider's half, for clients who speak the same.

    own_words = OPENAI.own_words

    def ask(self, call: Call, model: str, *, ask_usage: bool, more: Fields = NO_FIELDS) -> Asked:
        changes = {"model": _encode(model)}
        if more:
            changes |= more
        dropped: tuple[str, ...] = ()
        if (given := call.fields.get("input")) is not None and (kept := without_foreign(given)):
            changes["input"], dropped = bytes(kept), ("thinking",)
        return PATH, spliced(call.body, call.fields, changes), dropped

    def reader(self, call: Call) -> ResponsesStream:
        return ResponsesStream(call, self._errors, self._account)

    def whole(self, call: Call, body: bytes) -> tuple[Report, bytes]:
        return response(body, call, self._errors, self._account), body

    def refusal(
        self, call: Call, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        """See `UpstreamDialect.refusal`. Not every server has the endpoint."""
        return refused(self._errors, status, headers, body, wall, usual=False)


RESPONSES = Responses()
"""As clients speak it."""
