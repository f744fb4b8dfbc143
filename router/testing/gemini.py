"""An answer as Google's Gemini has it: whole, or as the server-sent events that are asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from router.testing.reply import Said
from router.testing.request import Request

if TYPE_CHECKING:
    from router.testing.openai import Answer

ASKED = re.compile(r"/models/([^/]+):(generateContent|streamGenerateContent)(?:\?|$)")


def as_gemini(answer: Answer, request: Request) -> Said | None:
    """What is said to `request`; None: it is none of Gemini's."""
    found = ASKED.search(request.path)
    if found is None:
        return None
    common = {"modelVersion": unquote(found[1]), "responseId": f"answer-{request.number}"}
    if found[2] == "generateContent":
        whole = {**_chunk(answer.text, answer.finish), **_usage(answer), **common}
        return Said(200, {"content-type": "application/json"}, [json.dumps(whole).encode()])
    events = [b"data: " + json.dumps({**one, **common}).encode() for one in _chunks(answer)]
    kind = {"content-type": "text/event-stream"}
    return Said(200, kind, [event + b"\r\n\r\n" for event in events], streamed=True)


def _chunks(answer: Answer) -> Iterator[dict[str, Any]]:
    for word in answer.words:
        yield _chunk(word)
    if answer.finish is not None or answer.usage:
        yield {**_chunk("", answer.finish), **_usage(answer)}


def _chunk(text: str, finish: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {
        "index": 0,
        "content": {"role": "model", "parts": [{"text": text}]},
    }
    if finish is not None:
        candidate["finishReason"] = "MAX_TOKENS" if finish == "length" else "STOP"
    return {"candidates": [candidate]}


def _usage(answer: Answer) -> dict[str, Any]:
    if not answer.usage:
        return {}
    given, written = answer.prompt_tokens, len(answer.words)
    counts = {"promptTokenCount": given, "candidatesTokenCount": written}
    return {"usageMetadata": {**counts, "totalTokenCount": given + written}}
