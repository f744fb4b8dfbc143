"""The SDK's own types, as judges of what is sent upstream and of what clients are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from anthropic.types import Message, MessageCreateParams, RawMessageStreamEvent
from pydantic import TypeAdapter

_asked: TypeAdapter[Any] = TypeAdapter(MessageCreateParams)
_event: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def judge_request(body: Any) -> None:
    """Raises ValidationError where a body is not as the SDK would send one."""
    _walk(_asked.validate_python(body))


def judge_message(body: Any) -> Message:
    """A message as the SDK reads it, without its leniency."""
    return Message.model_validate(body)


def judge_event(data: Any) -> Any:
    """The same of an event of a stream."""
    return _event.validate_python(data)


def _walk(value: Any) -> None:
    # What is iterable is judged only as it is gone through.
    if isinstance(value, Mapping):
        for one in value.values():
            _walk(one)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for one in value:
            _walk(one)
