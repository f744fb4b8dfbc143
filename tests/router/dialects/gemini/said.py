"""What a Gemini says, as the tests have it say it. The values are invented."""

import json
from typing import Any

Chunk = dict[str, Any]


def chunk(*parts: Chunk, finish: str | None = None, index: int = 0, **fields: Any) -> Chunk:
    """A chunk with one candidate."""
    candidate: Chunk = {"index": index, "content": {"role": "model", "parts": list(parts)}}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "m-001", "responseId": "r1", **fields}


def usage(given: int = 9, written: int = 5, **more: int) -> Chunk:
    """What an answer cost."""
    told = {"promptTokenCount": given, "candidatesTokenCount": written, **more}
    return {"usageMetadata": {**told, "totalTokenCount": sum(told.values())}}


def sse(*chunks: Any) -> bytes:
    """Chunks as events."""
    return b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in chunks)


CALL = {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}
TEXT = [
    chunk({"text": "Hel"}, **usage(written=1)),
    chunk({"text": "lo"}, finish="STOP", **usage(written=2)),
]
THINKING = [
    chunk({"text": "hm", "thought": True}, **usage(0, 0, thoughtsTokenCount=3)),
    chunk({"text": "so", "thought": True, "thoughtSignature": "c2ln"}),
    chunk({"text": "Yes."}),
    chunk({"text": "", "thoughtSignature": "bGFzdA=="}, finish="STOP",
          **usage(9, 2, thoughtsTokenCount=3, cachedContentTokenCount=4,
                  toolUsePromptTokenCount=6)),
]  # fmt: skip
CALLING = [chunk(CALL, finish="STOP", **usage())]
BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "m-001", **usage(9, 0)}
ERROR = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
