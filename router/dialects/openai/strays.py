"""Events of a stream that are no chunks: which may be left out, and which are a loss.

Some proxies write notes between events, and those harm nobody. But an event that was a chunk, and
came torn, had a part of the answer in it: to go on without it would give a client less than the
whole, and no sign of it.
"""

from __future__ import annotations

import re

MOST = 3
"""Of one answer. A stream with more of them is not what it should be, and what else is wrong with
it nobody knows.
"""
TORN = re.compile(
    rb'"(?:delta|text|content|refusal|reasoning|reasoning_content|tool_calls|function_call|'
    rb'arguments|audio|finish_reason)"\s*:(?!\s*(?:null|""|\[\s*\]|\{\s*\}))'
)
"""What shows that something was a chunk, with a part of the answer in it."""


def loss(data: bytes, number: int) -> str:
    """Why the `number`th such event of a stream cannot be left out; empty: it can."""
    if TORN.search(data) is not None:
        return "an event that is not a chunk"
    return f"{number} events that are not chunks" if number > MOST else ""
