"""How a provider that speaks Anthropic's dialect is spoken to for all other clients."""

from __future__ import annotations

from policies import Outcome, Report
from router.dialects.anthropic import answers
from router.dialects.anthropic.bodies import body_of
from router.dialects.anthropic.dialect import ERRORS, PATHS
from router.dialects.anthropic.stream import MessageEvents
from router.dialects.common.events import Event
from router.dialects.common.prompt import Prompt
from router.dialects.contract import Asked
from router.dialects.errors.judge import NO_ANSWER, Judging


class ForeignAnthropic(Judging):
    """See `ForeignDialect`."""

    def ask(self, prompt: Prompt, model: str, *, stream: bool) -> Asked:
        body, lost = body_of(prompt, model, stream=stream)
        return PATHS["messages"], body, lost

    def reader(self) -> MessageEvents:
        return MessageEvents(self._errors)

    def whole(self, body: bytes) -> tuple[Report, list[Event]]:
        report = answers.message(body, self._errors)
        if report.outcome is not Outcome.OK:
            return report, []
        said = answers.events(body)
        return (NO_ANSWER, []) if said is None else (report, said)


FOREIGN_ANTHROPIC = ForeignAnthropic(ERRORS)
"""A value without state; one serves all."""
