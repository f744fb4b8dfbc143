"""Anthropic's dialect: how clients speak it, and how providers are spoken to in it for those
clients.

A body passes as it came but for the model's name, with one exception: thinking that another
provider's model did, which a client brings back as it was given it, and which Anthropic would
refuse for its signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from policies import Report
from router.dialects.anthropic.answers import counted, message
from router.dialects.anthropic.prompts import prompt_of
from router.dialects.anthropic.requests import EXTRACT, acts, parsed, user_of
from router.dialects.anthropic.stream import MessageStream
from router.dialects.anthropic.traces import MARKED, without_marked
from router.dialects.anthropic.writer import MessageWriter
from router.dialects.common.outside import decoded, first_of
from router.dialects.contract import (
    NO_FIELDS,
    Asked,
    Call,
    ClientError,
    Fields,
    Headers,
    Operation,
)
from router.dialects.errors.judge import refused
from router.dialects.errors.quirks import TABLES
from router.dialects.errors.said import error_of, message_of
from router.dialects.errors.table import Table
from router.dialects.openai.splice import spliced
from router.dialects.reading import features

PATHS: Mapping[Operation, str] = {"messages": "/messages", "count_tokens": "/messages/count_tokens"}
"""Below a base URL that ends in `/v1` or the like."""
ERRORS = TABLES["anthropic"]
TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""The type of an error by its status; the others are `invalid_request_error` and `api_error`."""
_encode = msgspec.json.encode


class Anthropic:
    """Messages, streamed and not, and the counting of their tokens. See `ClientDialect`,
    `Interpretable` and `UpstreamDialect`.
    """

    FEATURES = frozenset(EXTRACT)

    def __init__(
        self,
        errors: Table = ERRORS,
        paths: Mapping[Operation, str] = PATHS,
        *,
        usual: bool = True,
    ) -> None:
        """`errors` is what a provider means by its errors; `paths` are those of its operations.
        `usual`: it is known to have them, so that a path which is missing means a model that is.
        """
        self._errors = errors
        self._paths = paths
        self._usual = usual

    # The client's half.

    parse = staticmethod(parsed)
    prompt = staticmethod(prompt_of)
    writer = staticmethod(MessageWriter)

    def features(self, call: Call, needs: frozenset[str]) -> Mapping[str, Any]:
        return features(call.fields, needs, EXTRACT)

    def user(self, call: Call) -> str:
        return user_of(call.fields)

    def acts(self, call: Call) -> bool:
        return call.operation == "messages" and acts(call.fields)

    def error(self, error: ClientError) -> bytes:
        details = {"error_code": error.code}
        if error.param is not None:
            details["param"] = error.param
        kind = TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "")
        told = {"type": kind or "api_error", "message": error.message, "details": details}
        return _encode({"type": "error", "error": told})

    def error_event(self, error: ClientError) -> bytes:
        return b"event: error\ndata: " + self.error(error) + b"\n\n"

    def estimated(self, call: Call) -> bytes:
        """How many tokens `call` has, as far as we can tell."""
        tokens = max(call.counted.values(), default=call.input_tokens)
        return _encode({"input_tokens": tokens})

    def models(self, names: Mapping[str, int]) -> bytes:
        """The list of models; `names` with the Unix time each has been served since."""
        data = [_model(name, since) for name, since in names.items()]
        first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
        return _encode({"data": data, "has_more": False, "first_id": first, "last_id": last})

    def model(self, name: str, since: int) -> bytes:
        return _encode(_model(name, since))

    # The provider's half.

    def ask(self, call: Call, model: str, *, ask_usage: bool, more: Fields = NO_FIELDS) -> Asked:
        """See `UpstreamDialect.ask`. Usage comes unasked."""
        path, changes = self._paths[call.operation], {"model": _encode(model)}
        if more:
            changes |= more
        if MARKED in call.body and (kept := without_marked(call.fields["messages"])) is not None:
            changes["messages"] = kept
            return path, spliced(call.body, call.fields, changes), ("thinking",)
        return path, spliced(call.body, call.fields, changes), ()

    def reader(self, call: Call) -> MessageStream:
        return MessageStream(self._errors)

    def whole(self, call: Call, body: bytes) -> tuple[Report, bytes]:
        judge = counted if call.operation == "count_tokens" else message
        return judge(body, self._errors), body

    def refusal(
        self, call: Call, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        usual = self._usual and call.operation == "messages"
        return refused(self._errors, status, headers, body, wall, usual=usual)

    def own_words(self, call: Call, body: bytes) -> bytes | None:
        """See `UpstreamDialect.own_words`. An error in another shape is given this one."""
        told = decoded(body)
        inner = first_of(told)
        if not isinstance(inner, dict) or "content" in inner or "input_tokens" in inner:
            return None
        error = error_of(inner)
        if error is None or not (said := message_of(error)):
            return None
        kind = error.get("type")
        if inner is told and inner.get("type") == "error" and isinstance(kind, str):
            return body
        kind = kind if kind in TYPES.values() else "invalid_request_error"
        return _encode({"type": "error", "error": {"type": kind, "message": said}})


def _model(name: str, since: int) -> dict[str, str]:
    created = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": created,
        "lifecycle": "active",
    }


ANTHROPIC = Anthropic()
"""The dialect is a value without state; one serves all."""
