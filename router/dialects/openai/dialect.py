"""The OpenAI dialect, both halves: the client's and the provider's. Chat completions, completions
of a text, embeddings.

Bodies are taken apart only at their top level: what routing does not read stays in its original
bytes, and the model's name is replaced as a field, so that no nested or earlier `"model"` can
be mistaken for it. Everything unknown (tools, images, tomorrow's parameters) passes untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from policies import Outcome, Report
from router.dialects.common.outside import decoded, first_of
from router.dialects.common.prompt import Prompt
from router.dialects.contract import (
    NO_FIELDS,
    Asked,
    Call,
    ClientError,
    Fields,
    Headers,
    Operation,
    StreamReader,
    UpstreamDialect,
    Writer,
)
from router.dialects.errors.judge import refused
from router.dialects.errors.quirks import EVERYBODY, TABLES
from router.dialects.errors.said import error_of, message_of
from router.dialects.errors.table import Table
from router.dialects.fields import user_of
from router.dialects.openai.answers import completion, embedding
from router.dialects.openai.chat.prompts import prompt_of
from router.dialects.openai.chat.quirks import CARRIES, QUIRKS, USUAL
from router.dialects.openai.chat.writer import ChatWriter
from router.dialects.openai.features import EXTRACT, acts
from router.dialects.openai.requests import parsed
from router.dialects.openai.resume import (
    CONTINUES,
    Continues,
    KeptStream,
    ResumedStream,
    at_zero,
    continued,
    only_text,
)
from router.dialects.openai.splice import spliced
from router.dialects.openai.stream import ChatStream, TextStream
from router.dialects.openai.writer import TextWriter
from router.dialects.reading import features
from router.dialects.seam import Begun, Rest, Seam

PATHS: Final[Mapping[Operation, str]] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
}
"""Below a base URL that ends in `/v1` or the like."""
WRONG: Final = "invalid_request_error"
"""The family of an error that is the request's."""
ANSWERS: Final = frozenset({"choices", "data"})
"""What an answer has and an error has not."""

NOTHING: Final[tuple[str, ...]] = ()
"""What is left out of a call that passes as it came."""

_top_level: Final = msgspec.json.Decoder(dict[str, Raw])
_encode: Final = msgspec.json.encode
_ASK_USAGE: Final = b'{"include_usage":true}'


class OpenAI:
    """All of its operations, streamed and not. See `ClientDialect`, `Interpretable` and
    `UpstreamDialect`, which is `Resumable` here. `errors` is what a provider means by its errors;
    `continues` how it goes on with a last message of the assistant's, None: not at all; `most` its
    field for the tokens of an answer.
    """

    FEATURES = frozenset(EXTRACT)

    def __init__(
        self,
        errors: Table = EVERYBODY,
        continues: Continues | None = None,
        most: str = CARRIES["max_tokens"],
    ) -> None:
        self._errors = errors
        self._continues = continues
        self._most = most

    # The client's half.

    parse = staticmethod(parsed)

    def features(self, call: Call, needs: frozenset[str]) -> Mapping[str, Any]:
        said = "prompt" if call.operation == "completions" else "messages"
        return features(call.fields, needs, EXTRACT, said)

    def user(self, call: Call) -> str:
        return user_of(call.fields)

    def acts(self, call: Call) -> bool:
        return call.operation == "chat" and acts(call.fields)

    def prompt(self, call: Call) -> Prompt:
        """See `Interpretable.prompt`: of answers to messages alone."""
        return prompt_of(call.fields)

    def writer(self, call: Call) -> Writer:
        return TextWriter(call) if call.operation == "completions" else ChatWriter(call)

    def error(self, error: ClientError) -> bytes:
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

    def models(self, names: Mapping[str, int]) -> bytes:
        """The list of models; `names` with the Unix time each has been served since."""
        return _encode(
            {"object": "list", "data": [self._model(name, since) for name, since in names.items()]}
        )

    def model(self, name: str, since: int) -> bytes:
        return _encode(self._model(name, since))

    # The provider's half.

    def ask(self, call: Call, model: str, *, ask_usage: bool, more: Fields = NO_FIELDS) -> Asked:
        changes = {"model": _encode(model)}
        if call.stream and ask_usage and not call.usage_asked:
            changes["stream_options"] = self._asking_usage(call)
        if call.most is not None:
            changes[self._most] = _encode(call.most)
        if more:
            changes |= more
        return PATHS[call.operation], spliced(call.body, call.fields, changes), NOTHING

    def reader(self, call: Call) -> StreamReader:
        kind = TextStream if call.operation == "completions" else ChatStream
        return kind(call.choices, self._errors, withhold_usage=not call.usage_asked)

    def keeping(
        self, call: Call, model: str, begun: Begun, *, same: bool
    ) -> UpstreamDialect | None:
        if not begun.sound or not only_text(call):
            return None
        if not begun.size or (same and at_zero(call)):
            return Keeping(self._errors, begun)
        rest = continued(call, begun, model, self._continues)
        return None if rest is None else Keeping(self._errors, begun, rest)

    def whole(self, call: Call, body: bytes) -> tuple[Report, bytes]:
        if call.operation == "embeddings":
            return embedding(body, call.choices, self._errors), body
        return completion(body, self._errors), body

    def refusal(
        self, call: Call, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        usual = call.operation == "chat"
        return refused(self._errors, status, headers, body, wall, usual=usual)

    def own_words(self, call: Call, body: bytes) -> bytes | None:
        """See `UpstreamDialect.own_words`. An error in another shape (a text, a list, a web
        framework's, a code that is a number) is given this one; what looks like an answer is none.
        """
        told = decoded(body)
        inner = first_of(told)
        if not isinstance(inner, dict) or not (inner.get("error") or ANSWERS.isdisjoint(inner)):
            return None
        error = error_of(inner)
        if error is None or not (message := message_of(error)):
            return None
        nested = error is inner.get("error")
        if nested and inner is told and _is_dialect(error):
            return body
        kind, param, code = (error.get(name) for name in ("type", "param", "code"))
        dialect = {
            "message": message,
            "type": kind if isinstance(kind, str) else WRONG,
            "param": param if isinstance(param, str) else None,
            "code": str(code) if isinstance(code, int | str) else None,
        }
        return _encode({"error": {**error, **dialect} if nested else dialect})

    @staticmethod
    def _asking_usage(call: Call) -> bytes:
        options = call.fields.get("stream_options")
        if options is None or bytes(options) == b"null":
            return _ASK_USAGE
        return _encode({**_top_level.decode(options), "include_usage": Raw(b"true")})

    @staticmethod
    def _model(name: str, since: int) -> dict[str, object]:
        return {"id": name, "object": "model", "created": since, "owned_by": "pointsman"}


class Keeping(OpenAI):
    """The same for one attempt that keeps what its client gets, to be gone on with or going on: by
    asking for the same answer again, or for the `rest` of it. See `UpstreamDialect`.
    """

    def __init__(self, errors: Table, begun: Begun, rest: Call | None = None) -> None:
        super().__init__(errors)
        self._begun = begun
        self._rest = rest

    def ask(self, call: Call, model: str, *, ask_usage: bool, more: Fields = NO_FIELDS) -> Asked:
        return super().ask(self._rest or call, model, ask_usage=ask_usage, more=more)

    def reader(self, call: Call) -> StreamReader:
        begun, withhold = self._begun, not call.usage_asked
        if not begun.size:
            return KeptStream(begun, self._errors, withhold_usage=withhold)
        text = begun.text
        joint = Seam(text, again=True) if self._rest is None else Rest(text)
        return ResumedStream(begun, joint, self._errors, withhold_usage=withhold)

    def refusal(
        self, call: Call, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        """See `UpstreamDialect.refusal`. What the client did not ask for is not wrong of it."""
        report = super().refusal(call, status, headers, body, wall)
        if self._rest is not None and report.outcome is Outcome.REJECTED:
            return report._replace(outcome=Outcome.UNFIT)
        return report


def _is_dialect(error: Mapping[str, object]) -> bool:
    """Whether the fields of an error are of the kinds that clients of other languages insist on."""
    return (
        isinstance(error.get("message"), str)
        and isinstance(error.get("type"), str)
        and isinstance(error.get("param"), str | None)
        and isinstance(error.get("code"), str | None)
    )


OPENAI: Final = OpenAI()
"""The dialect is a value without state; one serves all."""
SPOKEN_BY: Final[Mapping[str, OpenAI]] = {
    name: OpenAI(
        TABLES.get(name, EVERYBODY),
        CONTINUES.get(name),
        QUIRKS.get(name, USUAL).names.get("max_tokens", CARRIES["max_tokens"]),
    )
    for name in {*TABLES, *CONTINUES, *QUIRKS}
}
"""The same as it is spoken by providers with ways of their own, by the names of their presets."""
SPOKEN: Final[Mapping[Operation, OpenAI]] = dict.fromkeys(PATHS, OPENAI)
"""All of its kinds of calls."""
