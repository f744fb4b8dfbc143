"""What an answer in one piece means that came with a status of success: OpenAI's words for each
operation.

A success is believed only as far as it shows: what was asked for must be there. An error inside
it, a page, or half of the vectors is a failure, never relayed as an answer.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from policies import Outcome, Phase, Report
from router.dialects.common.events import Usage
from router.dialects.common.outside import MOST_TOKENS, UNREADABLE, count, decoded, tier_of
from router.dialects.errors.judge import GOOD, NO_ANSWER, failed, good
from router.dialects.errors.table import Table
from router.dialects.openai.stream import BROKEN_OFF, apart_of, usage_of


class _Choice(msgspec.Struct):
    finish_reason: Any = None


class _Completion(msgspec.Struct):
    """As much of an answer as decides its outcome; of a text's as well."""

    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None
    service_tier: Any = None


class _OfPrompt(msgspec.Struct):
    cached_tokens: int = 0
    cache_write_tokens: int = 0


class _Counted(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: _OfPrompt | None = None
    prompt_cache_hit_tokens: int = 0


class _Usual(_Completion):
    """The same of nearly all answers: nothing else of their usage is decoded."""

    usage: _Counted | None = None


class _Vector(msgspec.Struct):
    embedding: Raw = Raw(b"null")


class _Vectors(msgspec.Struct):
    data: list[_Vector] | None = None
    usage: Any = None
    error: Any = None


_usual = msgspec.json.Decoder(_Usual)
_completion = msgspec.json.Decoder(_Completion)
_vectors = msgspec.json.Decoder(_Vectors)

NO_VECTOR = frozenset({b"null", b"[]", b'""'})


def completion(body: bytes, errors: Table) -> Report:
    """The outcome of a completion, of a chat or of a text."""
    try:
        try:
            answer: _Completion = _usual.decode(body)
        except msgspec.ValidationError:
            answer = _completion.decode(body)  # it may count in its own way, or not in numbers
    except UNREADABLE:
        return _no_answer(body, errors)
    if answer.error:
        return failed(errors, decoded(body), Phase.BODY)
    if not answer.choices:
        return Report(Outcome.FAILED, detail="200 without choices")
    for choice in answer.choices:
        if choice.finish_reason in BROKEN_OFF:
            return Report(Outcome.FAILED, detail=f"200 with finish_reason {choice.finish_reason}")
    return _good(answer.usage, answer.service_tier)


def embedding(body: bytes, wanted: int, errors: Table) -> Report:
    """The outcome of at least `wanted` vectors. Their numbers are not read."""
    try:
        answer = _vectors.decode(body)
    except UNREADABLE:
        return _no_answer(body, errors)
    if answer.error:
        return failed(errors, decoded(body), Phase.BODY)
    vectors = [one for one in answer.data or () if bytes(one.embedding) not in NO_VECTOR]
    if len(vectors) < wanted:
        return Report(Outcome.FAILED, detail=f"200 with {len(vectors)} of {wanted} embeddings")
    return _good(answer.usage)


def _no_answer(body: bytes, errors: Table) -> Report:
    """Some wrap an error in a list, which is no answer in any case."""
    told = decoded(body)
    wrapped = isinstance(told, list) and told and isinstance(told[0], dict) and told[0].get("error")
    return failed(errors, told, Phase.BODY) if wrapped else NO_ANSWER


def _of_caches(counted: _Counted, given: int) -> tuple[int, int]:
    """Tokens of the input that were read from a cache, and written to one."""
    details = counted.prompt_tokens_details
    if details is None:
        return min(count(counted.prompt_cache_hit_tokens), given), 0
    return min(count(details.cached_tokens), given), min(count(details.cache_write_tokens), given)


def _has_caches(counted: _Counted) -> int:
    details = counted.prompt_tokens_details
    if details is None:
        return counted.prompt_cache_hit_tokens
    return details.cached_tokens or details.cache_write_tokens


def _good(counted: Any, served: Any = None) -> Report:
    tier = tier_of(served) if served else ""
    if isinstance(counted, _Counted):
        given, written = counted.prompt_tokens, counted.completion_tokens
        total = counted.total_tokens
        if given > 0 and written > 0 and given + written == total <= MOST_TOKENS:
            if not _has_caches(counted):
                return Report(GOOD, input_tokens=given, output_tokens=written, service_tier=tier)
        else:
            given, written = count(given), count(written)
            written += apart_of(given, written, total)
        found = given or written
        usage = Usage(given, written, *_of_caches(counted, given), 0, 0, tier) if found else None
    else:
        usage = usage_of(counted, tier)
    return good(usage)
