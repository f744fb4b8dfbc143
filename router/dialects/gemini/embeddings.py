"""Embeddings of OpenAI's clients, from a Gemini: a vector for each text.

Both sides know one call each, so there is no common form between them. Vectors are passed on as
they came; what clients ask for in base64 is packed here.
"""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Mapping, Sequence
from sys import byteorder
from typing import Any

import msgspec
from msgspec import Raw

from policies import Outcome, Phase, Report
from router.dialects.common.outside import MOST_TOKENS, UNREADABLE, count, decoded
from router.dialects.contract import (
    NO_FIELDS,
    Asked,
    Call,
    ClientError,
    Fields,
    Headers,
    StreamReader,
    Unfit,
)
from router.dialects.errors.judge import failed, refused
from router.dialects.gemini.foreign import ERRORS, message_in, path_of
from router.dialects.openai.dialect import OPENAI

KNOWN = frozenset({"model", "input", "dimensions", "encoding_format"})
MOST_TEXTS = 100
"""Texts that one call may have."""
SIZE = "outputDimensionality"

_anything = msgspec.json.Decoder()
_encode = msgspec.json.encode


class _Vector(msgspec.Struct):
    values: Raw = Raw(b"null")
    statistics: Any = None


class _Prediction(msgspec.Struct):
    embeddings: _Vector | None = None


class _Vectors(msgspec.Struct):
    embeddings: Sequence[_Vector] | None = None
    predictions: Sequence[_Prediction] | None = None
    usage: Any = msgspec.field(default=None, name="usageMetadata")
    error: Any = None


_vectors = msgspec.json.Decoder(_Vectors)
_numbers = msgspec.json.Decoder(list[float])


class GeminiEmbeddings:
    """See `UpstreamDialect`. `publisher` as for `Gemini`: with one, Vertex AI is asked."""

    def __init__(self, publisher: str = "") -> None:
        self._publisher = publisher

    def ask(self, call: Call, model: str, *, ask_usage: bool, more: Fields = NO_FIELDS) -> Asked:
        size = _field(call, "dimensions")
        verb, body = self._asked(model, texts(call), {} if size is None else {SIZE: size})
        dropped = tuple(sorted(call.fields.keys() - KNOWN))
        return path_of(model, verb, self._publisher), _encode(body), dropped

    def reader(self, call: Call) -> StreamReader:
        """Never asked for: nothing is streamed."""
        raise NotImplementedError

    def whole(self, call: Call, body: bytes) -> tuple[Report, bytes]:
        try:
            answer = _vectors.decode(body)
        except UNREADABLE:
            answer = _Vectors(error=decoded(body))
        if answer.error:
            return failed(ERRORS, decoded(body), Phase.BODY), body
        found = list(answer.embeddings or ())
        found += [one.embeddings for one in answer.predictions or () if one.embeddings is not None]
        vectors = [one for one in found if _is_vector(one.values)]
        if len(vectors) < call.choices:
            detail = f"200 with {len(vectors)} of {call.choices} embeddings"
            return Report(Outcome.FAILED, detail=detail), body
        tokens = _told(answer.usage, "promptTokenCount")
        tokens = tokens or sum(_told(one.statistics, "token_count") for one in vectors)
        return given(call, [one.values for one in vectors], tokens)

    def refusal(
        self, call: Call, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        return refused(ERRORS, status, headers, body, wall)

    def own_words(self, call: Call, body: bytes) -> bytes | None:
        message = message_in(body)
        if not message:
            return None
        return OPENAI.error(ClientError(400, "invalid_request_error", "invalid_request", message))

    def _asked(
        self, model: str, several: list[str], size: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """What a model is to do, and the body of it: older ones of Vertex AI predict."""
        contents = [{"parts": [{"text": text}]} for text in several]
        if not self._publisher:
            name = model if "/" in model else f"models/{model}"
            requests = [{"model": name, "content": content, **size} for content in contents]
        elif "gemini" in model:
            wanted = {"embedContentConfig": size} if size else {}
            requests = [{"content": {"role": "user", **one}, **wanted} for one in contents]
        else:
            instances = [{"content": text} for text in several]
            return "predict", {"instances": instances, **({"parameters": size} if size else {})}
        return "batchEmbedContents", {"requests": requests}


def texts(call: Call) -> list[str]:
    """What is to be embedded. Raises `Unfit` for tokens, which are those of another model."""
    told = _field(call, "input")
    several = told if isinstance(told, list) else [told]
    if not all(isinstance(text, str) for text in several):
        raise Unfit("it makes embeddings of texts, not of tokens")
    if len(several) > MOST_TEXTS:
        raise Unfit(f"it makes at most {MOST_TEXTS} embeddings at once")
    return several


def given(call: Call, vectors: Sequence[Raw], counted: int) -> tuple[Report, bytes]:
    """The answer in OpenAI's words. Where nobody counted the tokens they are estimated."""
    packed = _field(call, "encoding_format") == "base64"
    try:
        data = [
            {"object": "embedding", "index": at, "embedding": base64(one) if packed else one}
            for at, one in enumerate(vectors)
        ]
    except UNREADABLE:
        return Report(Outcome.FAILED, detail="200 with a vector that is none"), b""
    tokens = counted or min(call.input_tokens, MOST_TOKENS)
    body = {
        "object": "list",
        "data": data,
        "model": call.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return Report(Outcome.OK, input_tokens=tokens, estimated=not counted), _encode(body)


def base64(vector: Raw) -> str:
    """Numbers as OpenAI packs them: 32 bits each, the lowest byte first."""
    numbers = array("f", _numbers.decode(vector))
    if byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()


def _told(counts: Any, name: str) -> int:
    return count(counts.get(name)) if isinstance(counts, dict) else 0


def _is_vector(raw: Raw) -> bool:
    return bytes(raw).startswith(b"[") and bytes(raw) != b"[]"


def _field(call: Call, name: str) -> Any:
    raw = call.fields.get(name)
    if raw is None:
        return None
    try:
        return _anything.decode(raw)
    except UNREADABLE:
        raise Unfit(f"`{name}` cannot be read") from None
