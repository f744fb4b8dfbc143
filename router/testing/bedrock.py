"""An answer as AWS Bedrock's Converse has it: whole, or as the frames of an event stream."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from router.dialects.bedrock.frames import framed
from router.testing.reply import Said
from router.testing.request import Request

if TYPE_CHECKING:
    from router.testing.openai import Answer

ASKED = re.compile(r"/model/[^/]+/(converse|converse-stream)(?:\?|$)")


def as_bedrock(answer: Answer, request: Request) -> Said | None:
    """What is said to `request`; None: it is none of Converse's."""
    found = ASKED.search(request.path)
    if found is None:
        return None
    if found[1] == "converse":
        message = {"role": "assistant", "content": [{"text": answer.text}]}
        whole = {"output": {"message": message}, **_stop(answer), **_usage(answer)}
        return Said(200, {"content-type": "application/json"}, [json.dumps(whole).encode()])
    kind = {"content-type": "application/vnd.amazon.eventstream"}
    return Said(200, kind, list(_frames(answer)), streamed=True)


def _frames(answer: Answer) -> Iterator[bytes]:
    yield _frame("messageStart", role="assistant")
    for word in answer.words:
        yield _frame("contentBlockDelta", delta={"text": word}, contentBlockIndex=0)
    if answer.finish is not None:
        yield _frame("contentBlockStop", contentBlockIndex=0)
        yield _frame("messageStop", **_stop(answer))
    if answer.usage:
        yield _frame("metadata", **_usage(answer))


def _frame(kind: str, **payload: Any) -> bytes:
    headers = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return framed(headers, json.dumps(payload).encode())


def _stop(answer: Answer) -> dict[str, Any]:
    if answer.finish is None:
        return {}
    return {"stopReason": "max_tokens" if answer.finish == "length" else "end_turn"}


def _usage(answer: Answer) -> dict[str, Any]:
    if not answer.usage:
        return {}
    given, written = answer.prompt_tokens, len(answer.words)
    counts = {"inputTokens": given, "outputTokens": written, "totalTokens": given + written}
    return {"usage": counts, "metrics": {"latencyMs": 1}}
