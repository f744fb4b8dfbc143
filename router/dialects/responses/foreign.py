"""Providers that are asked through Responses for other clients. See `ForeignDialect`."""

from __future__ import annotations

import msgspec

from policies import Report
from router.dialects.common.events import Event
from router.dialects.common.outside import decoded
from router.dialects.common.prompt import Prompt
from router.dialects.contract import Asked, EventReader
from router.dialects.errors.judge import Judging
from router.dialects.errors.quirks import EVERYBODY, TABLES
from router.dialects.errors.table import Table
from router.dialects.passing import PassedEvents
from router.dialects.responses.answers import response
from router.dialects.responses.bodies import body_of
from router.dialects.responses.events import Answer, EventStream

PATH = "/responses"
_encode = msgspec.json.encode


class ForeignResponses(Judging):
    """See `ForeignDialect`. `errors` is what the provider means by its errors; `openai`: it is
    OpenAI itself.
    """

    def __init__(self, errors: Table = EVERYBODY, *, openai: bool = False) -> None:
        super().__init__(errors, usual=False)  # not every server has the endpoint
        self._openai = openai

    def ask(self, prompt: Prompt, model: str, *, stream: bool) -> Asked:
        body, dropped = body_of(prompt, model, openai=self._openai)
        if stream:
            body["stream"] = True
        return PATH, _encode(body), dropped

    def reader(self) -> EventReader:
        return PassedEvents(EventStream(self._errors))

    def whole(self, body: bytes) -> tuple[Report, list[Event]]:
        report = response(body, None, self._errors)
        return report, [*Answer().whole(decoded(body))] if report.outcome.good else []


def responses_of(company: str | None) -> ForeignResponses:
    """How the providers of a preset are spoken to; None: those of nobody who is known."""
    name = company or ""
    return ForeignResponses(TABLES.get(name, EVERYBODY), openai=name == "openai")
