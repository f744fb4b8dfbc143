"""How a provider that speaks Anthropic's dialect is spoken to for all other clients."""

from __future__ import annotations

from policies import Outcome, Report
from router.dialects.anthropic import answers
from router.dialects.anthropic.bodies import body_of
from router.dialects.anthropic.dialect import ERRORS, PATHS
from router.dialects.anthropic.stream import MessageEvents
from router.dialects.common.events import Event
from router.dialects.common.outside import decoded
from router.dialects.common.prompt import Prompt
from router.dialects.contract import Asked, Headers
from router.dialects.errors.judge import NO_ANSWER, refused
from router.dialects.errors.said import told


class ForeignAnthropic:
    """See `ForeignDialect`."""

    def ask(self, prompt: Prompt, model: str, *, stream: bool) -> Asked:
        body, lost = body_of(prompt, model, stream=stream)
        return PATHS["messages"], body, lost

    def reader(self) -> MessageEvents:
        return MessageEvents(ERRORS)

    def whole(self, body: bytes) -> tuple[Report, list[Event]]:
        report = answers.message(body, ERRORS)
        if report.outcome is not Outcome.OK:
            return report, []
        said = answers.events(body)
        return (NO_ANSWER, []) if said is None else (report, said)

    def refusal(
        self, status: int, headers: Headers, body: bytes, wall: float | None = None
    ) -> Report:
        return refused(ERRORS, status, headers, body, wall)

    def told(self, body: bytes) -> str:
        return told(decoded(body))


FOREIGN_ANTHROPIC = ForeignAnthropic()
"""A value without state; one serves all."""
