"""Going on with a streamed answer that broke off, on the routes that do.

For one request it knows what its client has, who broke that off, and who could go on with it. What
is sent and what passes is the dialect's, who is asked is the course's.
"""

from __future__ import annotations

from dataclasses import replace

from policies import Attempt, Next, Outcome, Report
from router.answer import Answer
from router.dialects.contract import Call, Resumable, UpstreamDialect
from router.dialects.seam import Begun
from router.runtime import NO_TARGETS, Runtime
from router.telemetry.journal import Resumed
from router.upstream.transport import Upstream

NOTHING = Report(Outcome.ABANDONED)
LAST = frozenset({Next.DONE, Next.CLIENT})
"""After what nobody is asked."""


def resumption_of(call: Call, runtime: Runtime) -> Resumption | None:
    """For a request whose route goes on with what broke off; None: it does not."""
    any_model = runtime.resume.get(call.model) if call.stream else None
    return None if any_model is None else Resumption(call, runtime, any_model=any_model)


class Resumption:
    """What is kept of one answer. `broken` is how it broke off last, `resumed` where it did, and
    others were asked.
    """

    __slots__ = (
        "_any_model", "_begun", "_call", "_first", "_kept", "_model", "_runtime", "_without",
        "broken", "resumed",
    )  # fmt: skip

    def __init__(self, call: Call, runtime: Runtime, *, any_model: bool) -> None:
        self._call = call
        self._runtime = runtime
        self._any_model = any_model
        self._begun = Begun()
        self._kept: dict[Attempt, Begun] = {}
        self._without: set[str] = set()
        self._model = ""
        self._first: Report | None = None
        self.broken: Report | None = None
        self.resumed: tuple[Resumed, ...] = ()

    def kept(self, upstream: Upstream, attempt: Attempt) -> Upstream:
        """How the attempt's target is reached by somebody who keeps what comes."""
        begun = self._begun.fork()
        keeping = self._keeping(upstream, begun)
        if keeping is None:
            return upstream
        self._kept[attempt] = begun
        return replace(upstream, speaks={self._call.operation: keeping})

    def broke(self, answer: Answer) -> frozenset[str]:
        """The answer that the client was getting has ended before its end: who of the route could
        go on with it.
        """
        report, begun = answer.report, self._kept.get(answer.attempt)
        if report is None or begun is None or report.outcome.effect.next in LAST:
            return frozenset()
        self._begun, self.broken = begun, report
        self._model = self._model or answer.upstream.upstream
        self._first = self._first or report
        self._without.add(answer.upstream.target)
        begun.input_spent += report.input_tokens or 0
        begun.output_spent += report.output_tokens or 0
        others = self._runtime.targets.get(answer.attempt.model, NO_TARGETS) - self._without
        able = frozenset(filter(self._goes_on, others))
        if able:
            self.resumed += (Resumed(answer.upstream.target, begun.tokens),)
        return able

    def in_all(self, report: Report) -> Report:
        """The report of the last attempt with what those before it had used."""
        if not self.resumed:
            return report
        begun = self._begun
        if report is self.broken:
            report = NOTHING  # what it used is among what was spent
        return report._replace(
            input_tokens=begun.input_spent + (report.input_tokens or 0),
            output_tokens=begun.output_spent + (report.output_tokens or 0),
            estimated=True,
        )

    def joined(self, last: Answer | None) -> Report | None:
        """What the answer would have come to if the first who began it had ended it, where the
        `last` did; None: nobody had to go on with it.
        """
        if self._first is None or not self.resumed:
            return None
        report = None if last is None else last.report
        written = 0 if report is None else report.output_tokens or 0  # all of it, if it began anew
        have = max([written, *(begun.tokens for begun in self._kept.values())])
        return self._first._replace(output_tokens=have, estimated=True)

    def _goes_on(self, target: str) -> bool:
        upstream = self._runtime.upstreams.get(target)
        if upstream is None or not (self._any_model or upstream.upstream == self._model):
            return False
        return self._keeping(upstream, self._begun) is not None

    def _keeping(self, upstream: Upstream, begun: Begun) -> UpstreamDialect | None:
        dialect, model = upstream.speaks[self._call.operation], upstream.upstream
        if not isinstance(dialect, Resumable):
            return None
        return dialect.keeping(self._call, model, begun, same=model == self._model)
