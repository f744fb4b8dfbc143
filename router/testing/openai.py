"""Replies as the OpenAI dialect has them: chat and text completions, embeddings, errors; and
answers to those who ask for responses, for messages in Anthropic's, or as Gemini and Bedrock are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from router.dialects.anthropic.dialect import ANTHROPIC, Anthropic
from router.dialects.common.events import Began, Counted, Event, Stopped, Usage
from router.dialects.common.events import Said as Text
from router.dialects.contract import ClientError, Operation
from router.dialects.responses.dialect import RESPONSES, Responses
from router.testing.bedrock import as_bedrock
from router.testing.gemini import as_gemini
from router.testing.reply import Said, Saying
from router.testing.request import Request

CREATED = 1_700_000_000
"""A fixed time: the same script gives the same bytes."""
DONE = b"data: [DONE]\n\n"
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
Client = Responses | Anthropic


@dataclass(frozen=True)
class Answer(Saying):
    """A completion with this text: streamed when the request asks for it; a chat's, a text's, a
    response of OpenAI's, a message of Anthropic's, Gemini's or Bedrock's after its path.

    A stream's events are one for the role (of a chat), one for each word, one for the finish
    reason, one for usage if it was asked for, and `[DONE]`; other dialects have their own, one for
    each word all the same. `finish`, `usage` and `done` may be left out; a word counts as a token.
    """

    text: str = "Hello from a scripted provider."
    _: KW_ONLY
    finish: str | None = "stop"
    usage: bool = True
    prompt_tokens: int = 10
    done: bool = True

    def said(self, request: Request) -> Said:
        """See `Saying.said`."""
        asked = request.fields
        if (other := client_at(request)) is not None:
            return self._elsewhere(request, *other)
        if (cloud := as_gemini(self, request) or as_bedrock(self, request)) is not None:
            return cloud
        kind = "chat" if request.path.partition("?")[0].endswith("/chat/completions") else "text"
        common = {"id": f"cmpl-{request.number}", "created": CREATED, "model": asked.get("model")}
        if not asked.get("stream"):
            return Said(200, {"content-type": "application/json"}, [self._whole(kind, common)])
        options = asked.get("stream_options")
        wants = isinstance(options, dict) and bool(options.get("include_usage"))
        events = list(self._events(kind, common, usage=wants and self.usage))
        return Said(200, {"content-type": "text/event-stream"}, events, streamed=True)

    @property
    def words(self) -> list[str]:
        """The text in pieces that give it back when joined."""
        return re.findall(r"\s*\S+\s*$|\s*\S+", self.text)

    def _elsewhere(self, request: Request, operation: Operation, dialect: Client) -> Said:
        """The same in another dialect that clients speak."""
        try:
            call = dialect.parse(request.body, operation)
        except ClientError as error:
            return Said(400, {"content-type": "application/json"}, [dialect.error(error)])
        count = len(self.words) if self.usage else 0
        told: list[Event] = [
            Began(f"answer-{request.number}", call.model, CREATED),
            *(Text(word) for word in self.words),
            Counted(Usage(self.prompt_tokens if self.usage else 0, count)),
        ]
        if self.finish is not None:
            told.append(Stopped("length" if self.finish == "length" else "stop"))
        writer = dialect.writer(call)
        if not call.stream:
            return Said(200, {"content-type": "application/json"}, [writer.whole(told)])
        stream = b"".join(writer.write([one]) for one in told)
        if self.finish is not None:
            stream += writer.end(b"")
        events = [one + b"\n\n" for one in stream.split(b"\n\n")[:-1]]
        return Said(200, {"content-type": "text/event-stream"}, events, streamed=True)

    def _whole(self, kind: str, common: Mapping[str, Any]) -> bytes:
        text = {"message": {"role": "assistant", "content": self.text}}
        said = text if kind == "chat" else {"text": self.text}
        name = "chat.completion" if kind == "chat" else "text_completion"
        choice = {"index": 0, **said, "finish_reason": self.finish}
        told = {**common, "object": name, "choices": [choice]}
        if self.usage:
            told["usage"] = self._usage()
        return json.dumps(told).encode()

    def _events(self, kind: str, common: Mapping[str, Any], *, usage: bool) -> Iterator[bytes]:
        name = "chat.completion.chunk" if kind == "chat" else "text_completion"
        chunk = {**common, "object": name}

        def told(delta: Mapping[str, str], finish: str | None = None) -> bytes:
            said = {"delta": delta} if kind == "chat" else {"text": delta.get("content", "")}
            return event(**chunk, choices=[{"index": 0, **said, "finish_reason": finish}])

        if kind == "chat":
            yield told({"role": "assistant", "content": ""})
        for word in self.words:
            yield told({"content": word})
        if self.finish is not None:
            yield told({}, self.finish)
        if usage:
            yield event(**chunk, choices=[], usage=self._usage())
        if self.done:
            yield DONE

    def _usage(self) -> dict[str, int]:
        count = len(self.words)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": count,
            "total_tokens": self.prompt_tokens + count,
        }


@dataclass(frozen=True)
class Embeddings(Saying):
    """As many vectors as there are inputs, each of so many numbers."""

    dimensions: int = 4

    def said(self, request: Request) -> Said:
        """See `Saying.said`."""
        asked = request.fields
        inputs = asked.get("input", "")
        count = len(inputs) if isinstance(inputs, list) else 1
        vector = [round(1 / (1 + place), 4) for place in range(self.dimensions)]
        told = {
            "object": "list",
            "model": asked.get("model"),
            "data": [
                {"object": "embedding", "index": index, "embedding": vector}
                for index in range(count)
            ],
            "usage": {"prompt_tokens": 5 * count, "total_tokens": 5 * count},
        }
        return Said(200, {"content-type": "application/json"}, [json.dumps(told).encode()])


@dataclass(frozen=True)
class Status(Saying):
    """An error with this status, in the shape of OpenAI's. `Status(200)` is an error inside a
    success. `retry_after` is in seconds, or an HTTP date.
    """

    status: int
    message: str = "scripted to fail"
    _: KW_ONLY
    code: str | None = None
    type: str | None = None
    retry_after: float | str | None = None

    def said(self, request: Request) -> Said:
        """See `Saying.said`."""
        headers = {"content-type": "application/json"}
        if self.retry_after is not None:
            headers["retry-after"] = f"{self.retry_after}"
        kind = self.type or TYPES.get(self.status, "server_error")
        told = {"error": error(self.message, kind, self.code)}
        return Said(self.status, headers, [json.dumps(told).encode()])


def client_at(request: Request) -> tuple[Operation, Client] | None:
    """What is asked for at the request's path, and in what dialect; None: OpenAI's chat or text."""
    path = request.path.partition("?")[0]
    if path.endswith("/responses"):
        return "responses", RESPONSES
    return ("messages", ANTHROPIC) if path.endswith("/messages") else None


def error(message: str, kind: str = "server_error", code: str | None = None) -> dict[str, Any]:
    """What stands under `error`."""
    return {"message": message, "type": kind, "param": None, "code": code}


def event(**fields: Any) -> bytes:
    """One event of a stream."""
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


ERROR_EVENT = event(error=error("scripted to fail"))
"""An error inside a stream, for `Reply.inserting`."""
