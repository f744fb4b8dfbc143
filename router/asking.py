"""One attempt goes out: a call in the words of its target's provider, or why there are none for it.

What comes back is an `Answer`'s. It decides nothing about where a call goes.
"""

from __future__ import annotations

from collections.abc import Mapping

from policies import Outcome, Phase, Report, Scope, Send
from router.answer import Answer
from router.bell import Bell
from router.dialects.contract import NO_FIELDS, Call, Operation, Unfit
from router.headers import meant_for
from router.upstream.transport import UNOPENED, Upstream

TO_MESSAGES: frozenset[Operation] = frozenset({"chat", "responses", "messages"})
"""Those calls whose answer is one to messages: what bodies have beside them is for these."""


def asked(
    send: Send,
    upstream: Upstream,
    call: Call,
    headers: Mapping[str, str],
    bell: Bell,
    *,
    strict: bool = False,
) -> Answer:
    """Send `call`, and what is to come of it. If it cannot be put in the provider's words (where
    that is `strict`: all of it), nothing is sent, and the report says so. Raises `Wanting` where
    files have to be there first.
    """
    dialect, usage, more = upstream.speaks[call.operation], upstream.ask_usage, upstream.more
    if more and call.operation not in TO_MESSAGES:
        more = NO_FIELDS
    try:
        path, body, dropped = dialect.ask(call, upstream.model, ask_usage=usage, more=more)
        if strict and dropped:
            raise Unfit(f"{upstream.target} cannot be told its {', '.join(dropped)}")  # noqa: TRY301
    except Unfit as unfit:
        return unsent(send, upstream, call, str(unfit))
    if upstream.withheld:
        headers = meant_for(headers, upstream.withheld)
    exchange = upstream.transport.open(upstream, path, headers, body, bell)
    return Answer(send.attempt, upstream, exchange, call, send.limits, dropped)


def unsent(send: Send, upstream: Upstream, call: Call, why: str) -> Answer:
    """Nothing was sent: `upstream` cannot be asked, and `why` in words for the client."""
    answer = Answer(send.attempt, upstream, UNOPENED, call, send.limits)
    answer.report = Report(Outcome.UNFIT, Phase.CONNECT, Scope.REQUEST, detail=why)
    return answer
