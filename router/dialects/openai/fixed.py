"""An answer of the operator's in OpenAI's words: a fixed text that no model has written."""

from __future__ import annotations

from typing import Any

import msgspec

from router.dialects.contract import Call

DONE = b"data: [DONE]\n\n"
MOST_CHOICES = 128
"""Of one request, as OpenAI has it: beyond that a client is given fewer than it asked for."""
NOTHING_USED = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def fixed_text(call: Call, text: str, name: str, wall: float, note: bytes) -> bytes:
    """See `ClientDialect.text`."""
    chat = call.operation == "chat"
    kind = "chat.completion" if chat else "text_completion"
    if chat and call.stream:
        kind += ".chunk"
    name = f"chatcmpl-{name}" if chat else f"cmpl-{name}"
    told = {"id": name, "object": kind, "created": int(wall), "model": call.model}
    numbers = range(min(call.choices, MOST_CHOICES))
    if not call.stream:
        said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        choices = [_choice(number, said, "stop") for number in numbers]
        return msgspec.json.encode({**told, "choices": choices, "usage": NOTHING_USED})
    said = {"delta": {"role": "assistant", "content": text}} if chat else {"text": text}
    nothing: dict[str, Any] = {"delta": {}} if chat else {"text": ""}
    events = [{**told, "choices": [_choice(number, said, None)]} for number in numbers]
    events += [{**told, "choices": [_choice(number, nothing, "stop")]} for number in numbers]
    if call.usage_asked:
        events.append({**told, "choices": [], "usage": NOTHING_USED})
    said_so = b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events)
    return said_so + note + DONE


def _choice(number: int, said: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": number, **said, "logprobs": None, "finish_reason": finish}
