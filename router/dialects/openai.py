"""The OpenAI chat-completions dialect, both halves: the client's and the provider's.

Bodies are taken apart only at their top level: what routing does not read stays in its original
bytes, and the model's name is replaced as a field, so that no nested or earlier `"model"` can
be mistaken for it. Everything unknown (tools, images, tomorrow's parameters) passes untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from policies import Outcome, Phase, Report
from router.dialects.contract import Call, ClientError, Headers
from router.dialects.estimate import estimated_tokens
from router.dialects.openai_errors import report_of, report_of_status
from router.dialects.openai_features import EXTRACT
from router.dialects.openai_stream import BROKEN_OFF, MOST_TOKENS, ChatStream, usage_of

_top_level = msgspec.json.Decoder(dict[str, Raw])
_anything = msgspec.json.Decoder()


class _Choice(msgspec.Struct):
    finish_reason: Any = None


class _Answer(msgspec.Struct):
    """As much of a whole answer as decides its outcome."""

    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None


_answer = msgspec.json.Decoder(_Answer)
_encode = msgspec.json.encode
_ASK_USAGE = b'{"include_usage":true}'


class OpenAI:
    """Chat completions, streamed and not."""

    path = "/chat/completions"
    FEATURES = frozenset(EXTRACT)

    # The client's half.

    def parse(self, body: bytes) -> Call:
        """See `ClientDialect.parse`."""
        try:
            if not body.isascii():
                body.decode()
            fields = _top_level.decode(body)
        except msgspec.ValidationError:
            raise _invalid("the request's body must be a JSON object", None) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _invalid(f"the request's body is not valid JSON: {error}", None) from None
        except RecursionError:
            raise _invalid("the request's body is nested too deeply", None) from None
        model = _field(fields, "model", str, "a string: the name of a model")
        if not model:
            raise _invalid(
                "`model` is missing: name one of those that GET /v1/models lists", "model"
            )
        messages = fields.get("messages")
        if messages is None:
            raise _invalid("`messages` is missing: a list with at least one message", "messages")
        if bytes(memoryview(messages)[:1]) != b"[":
            raise _invalid("`messages` must be a list", "messages")
        stream = bool(_field(fields, "stream", bool, "true or false"))
        most = _field(fields, "max_completion_tokens", int, "a whole number") or _field(
            fields, "max_tokens", int, "a whole number"
        )
        if most is not None:
            # It is reserved of limits: below nothing it would free them for others.
            most = min(max(0, most), MOST_TOKENS)
        options = _field(fields, "stream_options", dict, "an object") if stream else None
        return Call(
            model=model,
            stream=stream,
            fields=fields,
            input_tokens=estimated_tokens(body),
            output_tokens=most,
            choices=max(1, _field(fields, "n", int, "a whole number") or 1),
            usage_asked=bool(options and options.get("include_usage")),
        )

    def features(self, call: Call, needs: frozenset[str]) -> Mapping[str, bool]:
        """See `ClientDialect.features`."""
        return {name: EXTRACT[name](call.fields) for name in needs}

    def error(self, error: ClientError) -> bytes:
        """See `ClientDialect.error`."""
        return _encode(
            {
                "error": {
                    "message": error.message,
                    "type": error.kind,
                    "param": error.param,
                    "code": error.code,
                }
            }
        )

    def error_event(self, error: ClientError) -> bytes:
        """See `ClientDialect.error_event`: the SDKs raise on a chunk with `error`. No `[DONE]`
        follows: the answer is not whole.
        """
        return b"data: " + self.error(error) + b"\n\n"

    def end(self) -> bytes:
        """See `ClientDialect.end`."""
        return b"data: [DONE]\n\n"

    def models(self, names: Mapping[str, int]) -> bytes:
        """The list of models; `names` with the Unix time each has been served since."""
        return _encode(
            {"object": "list", "data": [self._model(name, since) for name, since in names.items()]}
        )

    def model(self, name: str, since: int) -> bytes:
        """One model."""
        return _encode(self._model(name, since))

    # The provider's half.

    def body(self, call: Call, model: str, *, ask_usage: bool) -> bytes:
        """See `UpstreamDialect.body`."""
        fields = dict(call.fields)
        fields["model"] = Raw(_encode(model))
        if call.stream and ask_usage and not call.usage_asked:
            fields["stream_options"] = self._asking_usage(call)
        return _encode(fields)

    def reader(self, call: Call) -> ChatStream:
        """See `UpstreamDialect.reader`."""
        return ChatStream(call.choices, withhold_usage=not call.usage_asked)

    def whole(self, body: bytes) -> Report:
        """See `UpstreamDialect.whole`."""
        try:
            answer = _answer.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Report(Outcome.FAILED, detail="200 with a body that is not an answer")
        if answer.error:
            return report_of(answer.error, phase=Phase.BODY)
        if not answer.choices:
            return Report(Outcome.FAILED, detail="200 without choices")
        for choice in answer.choices:
            if choice.finish_reason in BROKEN_OFF:
                return Report(
                    Outcome.FAILED, detail=f"200 with finish_reason {choice.finish_reason}"
                )
        usage = usage_of(answer.usage)
        if usage is None:
            return Report(Outcome.OK)
        return Report(
            Outcome.OK, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens
        )

    def refusal(self, status: int, headers: Headers, body: bytes) -> Report:
        """See `UpstreamDialect.refusal`."""
        try:
            decoded = _anything.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            decoded = None
        return report_of_status(status, headers, decoded)

    def own_words(self, body: bytes) -> bytes | None:
        """See `UpstreamDialect.own_words`. Some providers wrap the object in a list; one that looks
        like an answer is none of an error.
        """
        try:
            decoded = _anything.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if isinstance(decoded, list) and decoded and isinstance(decoded[0], dict):
            return _encode(decoded[0])
        told = isinstance(decoded, dict) and ("error" in decoded or "choices" not in decoded)
        return body if told else None

    @staticmethod
    def _asking_usage(call: Call) -> Raw:
        options = call.fields.get("stream_options")
        if options is None or bytes(options) == b"null":
            return Raw(_ASK_USAGE)
        return Raw(_encode({**_top_level.decode(options), "include_usage": Raw(b"true")}))

    @staticmethod
    def _model(name: str, since: int) -> dict[str, object]:
        return {"id": name, "object": "model", "created": since, "owned_by": "pointsman"}


def _field(fields: Mapping[str, Raw], name: str, kind: type[Any], wanted: str) -> Any:
    """A field's value, None where it is missing or null. Raises `ClientError` on another type."""
    raw = fields.get(name)
    if raw is None:
        return None
    try:
        value = _anything.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = raw
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _invalid(f"`{name}` must be {wanted}", name)
    return value


def _invalid(message: str, param: str | None) -> ClientError:
    return ClientError(
        400, "invalid_request_error", "invalid_request", message, param, hopeless=True
    )


OPENAI = OpenAI()
"""The dialect is a value without state; one serves all."""
