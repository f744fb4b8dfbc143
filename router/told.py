"""What a client is told of its request's way, beside the answer: the headers of it, and the comment
that closes a stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from policies import Outcome, Report
from router.answer import Answer
from router.dialects.sse import comment
from router.resumption import Resumption

NOTHING_USED: Final = Report(Outcome.OK, input_tokens=0, output_tokens=0)
MOST_NAMES: Final = 30
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


def told(
    request_id: str, attempts: int, answer: Answer | None, started: float, first: float | None
) -> dict[str, str]:
    """Headers: what is known when the head goes out. `answer` is the one that it is the head of;
    the request was `started`, and its `first` content came, at these instants.
    """
    headers = {"x-request-id": request_id, "x-router-attempts": str(attempts)}
    if answer is not None and attempts:
        headers["x-router-target"] = answer.upstream.target
        if answer.dropped:
            headers["x-router-dropped"] = listed(answer.dropped)
        if first is not None:
            sent = answer.attempt.was_sent
            before, waited = (sent - started) * 1000, (first - sent) * 1000
            headers["server-timing"] = f"before;dur={before:.1f}, upstream;dur={waited:.1f}"
    return headers


def listed(names: Iterable[str]) -> str:
    """Names for a header. Some are a caller's own, and may be anything: what is no name is not
    shown as one, and no more are than a header should hold.
    """
    shown = dict.fromkeys(name if _NAME.fullmatch(name) else "unnamed" for name in names)
    more = [f"{len(shown) - MOST_NAMES} more"] if len(shown) > MOST_NAMES else []
    return ", ".join([*list(shown)[:MOST_NAMES], *more])


def closing(
    answer: Answer | None,
    attempts: int,
    times: tuple[float, float | None, float],
    resumption: Resumption | None = None,
    degraded: str = "",
    cascade: str = "",
) -> bytes:
    """The comment that closes a stream which is whole; without an `answer` it is the operator's.
    `times` are the instants at which the request was started, its first content came, and it was
    whole; `cascade` is what its header says.
    """
    report = (answer.report if answer is not None else None) or NOTHING_USED
    if resumption is not None:
        report = resumption.in_all(report)
    started, first, now = times
    words: dict[str, object] = {
        "target": answer.upstream.target if answer is not None else None,
        "attempts": attempts,
        "first_token_ms": round(((now if first is None else first) - started) * 1000),
        "total_ms": round((now - started) * 1000),
        "input_tokens": report.input_tokens,
        "output_tokens": report.output_tokens,
        "estimated": report.estimated,
        **({"degraded": degraded} if degraded else {}),
        **({"cascade": cascade} if cascade else {}),
    }
    if answer is not None and answer.dropped:
        words["dropped"] = listed(answer.dropped)  # the head may have gone out without it
    if resumption is not None and resumption.resumed:
        words["resumed"] = [
            {"from": target, "at_tokens": tokens} for target, tokens in resumption.resumed
        ]
    return comment("pointsman " + msgspec.json.encode(words).decode())
