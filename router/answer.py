"""One attempt's answer as it comes in: an exchange, read by a dialect.

Bytes go in on one side; on the other are what passes on to the client, whether there is content
yet, when patience ends, and at last the report of how it ended. It decides nothing about what
is done next.
"""

from __future__ import annotations

from time import time
from typing import Final

from policies import Attempt, Outcome, Phase, Report, Scope, TimeLimits
from router.dialects.contract import Call
from router.quota.hearing import hear
from router.upstream.transport import (
    UNOPENED,
    Exchange,
    NoCredential,
    Upstream,
    UpstreamError,
)

AFTER_THE_END: Final = 1.0
"""Seconds that usage and the formal end may take after the semantic one."""
MOST_REFUSAL: Final = 1024 * 1024
MOST_WHOLE: Final = 64 * 1024 * 1024
"""Bytes of an error, and of an answer read whole: beyond that it is not what it should be."""


class Answer:
    """What has come of one attempt. `stale`: it met the end of an idle connection, and its report
    says nothing of the target. `dropped` is what of the call the provider was not told, `noticed`
    what an operator should know of the limits that it names.
    """

    __slots__ = (
        "_body", "_call", "_ending", "_heard", "_limits", "_out", "_reader", "_size", "attempt",
        "dialect", "dropped", "due", "exchange", "noticed", "report", "stale", "upstream",
    )  # fmt: skip

    def __init__(
        self,
        attempt: Attempt,
        upstream: Upstream,
        exchange: Exchange,
        call: Call,
        limits: TimeLimits,
        dropped: tuple[str, ...] = (),
    ) -> None:
        self.attempt = attempt
        self.upstream = upstream
        self.exchange = exchange
        self.report: Report | None = None
        self.stale = self._heard = False
        self.noticed = ""
        self.due = limits.head
        self.dropped = dropped
        self.dialect = dialect = upstream.speaks[call.operation]
        self._call = call
        self._limits = limits
        read = call.stream and exchange is not UNOPENED
        self._reader = dialect.reader(call) if read else None
        self._body: list[bytes] = []
        self._size = 0
        self._out: list[bytes] = []
        self._ending = False

    @property
    def content(self) -> bool:
        """Content of a stream has come: from here on the client gets what comes."""
        return self._reader is not None and self._reader.content > 0

    @property
    def body(self) -> bytes:
        """The whole of an answer in one piece, or of a refusal, also of one inside a stream."""
        if len(self._body) > 1:
            self._body = [b"".join(self._body)]
        return self._body[0] if self._body else b""

    def passing(self) -> bytes:
        """What is to be passed on to the client; each byte once."""
        out = self._out
        if len(out) == 1:
            return out.pop()
        passing = b"".join(out)
        out.clear()
        return passing

    def closing(self, note: bytes) -> bytes:
        """What is still to be said of a stream that is whole, with `note` as a comment."""
        return self._reader.end(note) if self._reader is not None else b""

    def keep(self, data: bytes) -> None:
        """Have what was to be passed on passed on later: there was no room for it."""
        self._out.insert(0, data)

    def own_words(self) -> bytes | None:
        """What the provider said when it refused, as the client knows such errors; None: nothing in
        its dialect.
        """
        return self.dialect.own_words(self._call, self.body)

    @property
    def malformed(self) -> int:
        """Events of a stream that were left out, since they were not of its dialect."""
        return self._reader.malformed if self._reader is not None else 0

    def resume(self, now: float) -> None:
        """Waiting begins again: the time that the client took to take is not the provider's."""
        if not self._ending and self._reader is not None and self._reader.content:
            self.due = now + self.upstream.timeouts.between_tokens

    def look(self, now: float) -> Report | None:
        """As `advance`, and first hear what the head says of the provider's limits."""
        if not self._heard and (head := self.exchange.head) is not None:
            self._heard = True
            self.noticed = hear(self.attempt, head, now)
        return self.advance(now)

    def advance(self, now: float) -> Report | None:
        """Take what has come; the report once the answer has ended, however it did."""
        try:
            while self.report is None and (data := self.exchange.take()) is not None:
                self._receive(data, now)
        except UpstreamError as error:
            self.report = self._broken(error)
            self.stale = error.stale
        if self.report is None and now >= self.due:
            self.report = self._overdue()
        if self.report is not None:
            if self.report.outcome.good:
                self.exchange.finish()
            else:
                self.exchange.abort()
        return self.report

    def abandon(self, outcome: Outcome = Outcome.ABANDONED) -> Report:
        """Give it up now; the report. What was spent is spent; what never went out was not."""
        phase = self._phase() if self.exchange.sent else Phase.CONNECT
        self.exchange.abort()
        self.report = self._counted(Report(outcome, phase))
        return self.report

    def _receive(self, data: bytes, now: float) -> None:
        head = self.exchange.head
        if head is None:
            self.report = Report(Outcome.FAILED, Phase.HEAD, detail="no answer, only its end")
        elif not 200 <= head.status < 300:
            self._keep(data, MOST_REFUSAL)
            if not data and self.report is None:
                self.report = self.dialect.refusal(
                    self._call, head.status, head.headers, self.body, time()
                )
        elif self._reader is not None:
            self._read(data, now)
        elif data:
            self._keep(data, MOST_WHOLE)
            due, deadline = now + self.upstream.timeouts.between_tokens, self._limits.deadline
            self.due = due if due < deadline else deadline
        else:
            self.report, body = self.dialect.whole(self._call, self.body)
            self._body = [body]

    def _keep(self, data: bytes, most: int) -> None:
        if data:
            self._body.append(data)
        self._size += len(data)
        if self._size > most:
            self.report = Report(
                Outcome.FAILED, Phase.BODY, detail=f"an answer longer than {most} bytes"
            )

    def _read(self, data: bytes, now: float) -> None:
        reader = self._reader
        assert reader is not None  # noqa: S101 - only streams are read
        if not self._size and (begin := data.lstrip()):
            self._size = len(data)
            if begin.startswith(b"<"):
                self.report = self._page()
                return
        if passing := reader.feed(data) if data else reader.finish():
            self._out.append(passing)
        if reader.failure is not None and not reader.ended:
            self._body.append(reader.said)
            self.report = self._counted(reader.failure)
        elif reader.failure is not None or reader.done or not data:
            self.report = self._ended()
        elif reader.ended and not self._ending:
            self._ending = True
            self.due = min(now + AFTER_THE_END, self._limits.deadline)
        elif not self._ending:
            self.resume(now)

    def _ended(self) -> Report:
        reader = self._reader
        if reader is not None and reader.ended:
            return self._counted(Report(Outcome.OK))
        # Not sooner: some serve streams under the type of a page.
        if not self.content and self._kind().startswith("text/html"):
            return self._page()
        return self._failed("the stream ended before its end")

    def _page(self) -> Report:
        """It was for people: a login, an error of a proxy in between."""
        head = self.exchange.head
        page = self._failed("a page instead of a stream")
        return page._replace(unclassified=head.status if head is not None else None)

    def _kind(self) -> str:
        head = self.exchange.head
        return head.headers.get("content-type", "") if head is not None else ""

    def _overdue(self) -> Report | None:
        if self._ending:
            return self._ended()
        if self.due >= self._limits.deadline:
            # The request's own time is over, which says nothing of the target.
            return None
        if self.exchange.head is None:
            return self._failed("no answer in time")
        if self._reader is None and 200 <= self.exchange.head.status < 300:
            if self._body:
                return self._failed("the answer fell silent")
            # Some send the head at once, and the answer when it is there.
            self.due = self._limits.deadline
            return None
        return self._failed("the stream fell silent" if self.content else "no content in time")

    def _broken(self, error: UpstreamError) -> Report:
        if self._ending:
            return self._ended()
        if isinstance(error, NoCredential):
            return Report(Outcome.DENIED, error.phase, Scope.PROVIDER, detail=error.detail)
        phase = self._phase() if error.phase is Phase.BODY else error.phase
        outcome = Outcome.ABANDONED if error.ours else Outcome.FAILED
        return self._counted(Report(outcome, phase, detail=error.detail))

    def _failed(self, detail: str) -> Report:
        return self._counted(Report(Outcome.FAILED, self._phase(), detail=detail))

    def _phase(self) -> Phase:
        if self.exchange.head is None:
            return Phase.HEAD
        return Phase.BODY if self.content else Phase.FIRST_TOKEN

    def _counted(self, report: Report) -> Report:
        """With the tokens it used: as the provider said, else as they were seen."""
        if report.phase is Phase.CONNECT:
            return report
        reader = self._reader
        if reader is not None and (usage := reader.usage) is not None:
            return report._replace(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cached_tokens=usage.cached,
                stored_tokens=usage.written,
                hour_tokens=usage.hour,
                service_tier=usage.service_tier,
            )
        seen = reader.content if reader is not None else 0
        return report._replace(
            input_tokens=self._call.input_tokens, output_tokens=seen, estimated=True
        )
