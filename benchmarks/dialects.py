"""What it costs to stand between two dialects: CPU of a request, of a whole answer and of a chunk,
beside the same in the client's own dialect.

Each figure is the least of its rounds (what a neighbour does only ever adds), in microseconds; the
interpreter is named because it matters.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from time import process_time
from typing import Any

import msgspec

from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.anthropic.foreign import FOREIGN_ANTHROPIC
from router.dialects.contract import Call, ClientDialect, Operation, UpstreamDialect
from router.dialects.interpreter import Interpreter
from router.dialects.openai.chat.foreign import chat_of
from router.dialects.openai.dialect import OPENAI

ROUNDS, TIMES = 9, 2000
CHUNKS = 200
A_REQUEST, A_CHUNK = 60.0, 25.0
"""Microseconds more that a request and a chunk may cost in another dialect."""
WORDS = "word " * 80
_encode = msgspec.json.encode


def main() -> None:
    """Print the table."""
    print(f"{platform.python_implementation()} {platform.python_version()}, CPU µs")
    chat, claude = chat_call(), claude_call()
    ways: list[tuple[str, ClientDialect, Call, UpstreamDialect, UpstreamDialect]] = [
        ("OpenAI → Anthropic", OPENAI, chat, OPENAI, Interpreter(OPENAI, FOREIGN_ANTHROPIC)),
        (
            "Anthropic → OpenAI",
            ANTHROPIC,
            claude,
            ANTHROPIC,
            Interpreter(ANTHROPIC, chat_of("openai", ask_usage=True)),
        ),
    ]
    for name, client, call, native, between in ways:
        own, other = asked(client, call, native), asked(client, call, between)
        row(f"{name}: a request, parsed and written", own, other, A_REQUEST)
        said = CLAUDE_ANSWER if client is OPENAI else CHAT_ANSWER
        alike = CHAT_ANSWER if client is OPENAI else CLAUDE_ANSWER
        own = least(lambda: native.whole(call, alike))  # noqa: B023 - called at once
        other = least(lambda: between.whole(call, said))  # noqa: B023
        row(f"{name}: an answer in one piece", own, other, A_REQUEST)
        stream = claude_stream() if client is OPENAI else chat_stream()
        alike_stream = chat_stream() if client is OPENAI else claude_stream()
        own, other = chunk(native, call, alike_stream), chunk(between, call, stream)
        row(f"{name}: a chunk", own, other, A_CHUNK)


def row(name: str, own: float, other: float, most: float) -> None:
    more = other - own
    verdict = "pass" if more <= most else "MISS"
    print(f"{name:<48} {own:6.1f} {other:6.1f}   {more:+6.1f} (≤ {most:.0f}) {verdict}")


def least(once: Callable[[], object]) -> float:
    """CPU of one call, at best."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = process_time()
        for _ in range(TIMES):
            once()
        best = min(best, process_time() - start)
    return best / TIMES * 1e6


def asked(client: ClientDialect, call: Call, upstream: UpstreamDialect) -> float:
    """A body from its bytes to the provider's."""
    operation: Operation = call.operation
    return least(
        lambda: upstream.ask(client.parse(call.body, operation), "claude-or-gpt", ask_usage=True)
    )


def chunk(upstream: UpstreamDialect, call: Call, pieces: list[bytes]) -> float:
    """One event among many."""

    def read() -> None:
        reader = upstream.reader(call)
        for piece in pieces:
            reader.feed(piece)

    times = TIMES // 20
    best = float("inf")
    for _ in range(ROUNDS):
        start = process_time()
        for _ in range(times):
            read()
        best = min(best, process_time() - start)
    return best / times / len(pieces) * 1e6


def chat_call() -> Call:
    body = {"model": "m", "messages": [{"role": "user", "content": WORDS}], "stream": True}
    return OPENAI.parse(_encode({**body, "max_tokens": 100, "temperature": 0.5}))


def claude_call() -> Call:
    body = {"model": "m", "messages": [{"role": "user", "content": WORDS}], "stream": True}
    return ANTHROPIC.parse(_encode({**body, "max_tokens": 100, "temperature": 0.5}), "messages")


CHAT_ANSWER = _encode(
    {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": WORDS},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150},
    }
)
CLAUDE_ANSWER = _encode(
    {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": WORDS}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 50},
    }
)


def chat_stream() -> list[bytes]:
    told = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choice = {"index": 0, "delta": {"content": " word"}, "finish_reason": None}
    return [b"data: " + _encode({**told, "choices": [choice]}) + b"\n\n"] * CHUNKS


def claude_stream() -> list[bytes]:
    usage = {"input_tokens": 9, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
    block = {"type": "text", "text": ""}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": block},
    ]
    delta = {"type": "text_delta", "text": " word"}
    events += [{"type": "content_block_delta", "index": 0, "delta": delta}] * CHUNKS
    return [
        b"event: %b\ndata: %b\n\n" % (event["type"].encode(), _encode(event)) for event in events
    ]


if __name__ == "__main__":
    main()
