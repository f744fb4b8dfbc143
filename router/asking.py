"""One attempt goes out: a call in the words of its target's provider, or why there are none for it.

What comes back is an `Answer`'s. It decides nothing about where a call goes.
"""

from __future__ import annotations

from typing import Final

from policies import Outcome, Phase, Report, Scope, Send
from router.answer import Answer
from router.bell import Bell
from router.caller import Caller
from router.dialects.contract import NO_FIELDS, Call, Operation, Unfit
from router.headers import meant_for
from router.runtime import Runtime
from router.upstream.transport import UNOPENED, Upstream

TO_MESSAGES: Final[frozenset[Operation]] = frozenset({"chat", "responses", "messages"})
"""Those calls whose answer is one to messages: what bodies have beside them is for these."""


def asked(
    send: Send, upstream: Upstream, call: Call, caller: Caller, runtime: Runtime, bell: Bell
) -> Answer:
    """Send `call`, and what is to come of it. If it cannot be put in the provider's words (for
    `strict` models: all of it), nothing is sent, and the report says so. Raises `Wanting` where
    files have to be there first.
    """
    model, hint, more = send.attempt.model, None, upstream.more
    if more and call.operation not in TO_MESSAGES:
        more = NO_FIELDS
    if model in runtime.hinted and (hint := upstream.hints.get(call.operation)) is not None:
        more = {**hint.fields(call, caller.tenant.name, caller.wishes.session), **more}
    dialect, usage = upstream.speaks[call.operation], upstream.ask_usage
    try:
        path, body, dropped = dialect.ask(call, upstream.model, ask_usage=usage, more=more)
        if dropped and model in runtime.strict:
            raise Unfit(f"{upstream.target} cannot be told its {', '.join(dropped)}")  # noqa: TRY301
    except Unfit as unfit:
        return unsent(send, upstream, call, str(unfit))
    if hint is not None:
        body = hint.pointed(call, body)
    headers = caller.headers
    if upstream.withheld:
        headers = meant_for(headers, upstream.withheld)
    if upstream.headers:
        headers = {**headers, **upstream.headers}
    exchange = upstream.transport.open(upstream, path, headers, body, bell)
    return Answer(send.attempt, upstream, exchange, call, send.limits, dropped)


def unsent(send: Send, upstream: Upstream, call: Call, why: str) -> Answer:
    """Nothing was sent: `upstream` cannot be asked, and `why` in words for the client."""
    answer = Answer(send.attempt, upstream, UNOPENED, call, send.limits)
    answer.report = Report(Outcome.UNFIT, Phase.CONNECT, Scope.REQUEST, detail=why)
    return answer
