"""Servers of chat completions, spoken to for clients of other dialects. See `ForeignDialect`."""

from __future__ import annotations

import re

import msgspec

from policies import Report
from router.dialects.common.events import Event
from router.dialects.common.outside import UNREADABLE
from router.dialects.common.prompt import Prompt
from router.dialects.contract import Asked, EventReader
from router.dialects.errors.judge import NO_ANSWER, Judging
from router.dialects.errors.quirks import EVERYBODY, TABLES
from router.dialects.errors.table import Table
from router.dialects.openai.answers import completion
from router.dialects.openai.chat.bodies import body_of
from router.dialects.openai.chat.events import EventStream, events_of
from router.dialects.openai.chat.quirks import QUIRKS, USUAL, Quirks
from router.dialects.passing import PassedEvents

PATH = "/chat/completions"

_encode = msgspec.json.encode


class Chat(Judging):
    """See `ForeignDialect`. `errors` and `quirks` are what the server is known for; `ask_usage`:
    its streams count their tokens only when asked to.
    """

    def __init__(
        self, quirks: Quirks = USUAL, errors: Table = EVERYBODY, *, ask_usage: bool = True
    ) -> None:
        super().__init__(errors)
        self._quirks = quirks
        self._ask_usage = ask_usage
        self._thinkers = re.compile(quirks.thinkers) if quirks.thinkers else None

    def ask(self, prompt: Prompt, model: str, *, stream: bool) -> Asked:
        thinks = self._thinkers is not None and self._thinkers.match(model) is not None
        body, dropped = body_of(prompt, model, self._quirks, thinks=thinks)
        if stream:
            body["stream"] = True
            if self._ask_usage:
                body["stream_options"] = {"include_usage": True}
        return PATH, _encode(body), dropped

    def reader(self) -> EventReader:
        return PassedEvents(EventStream(self._errors))

    def whole(self, body: bytes) -> tuple[Report, list[Event]]:
        report = completion(body, self._errors)
        if not report.outcome.good:
            return report, []
        try:
            return report, events_of(body)
        except UNREADABLE:
            return NO_ANSWER, []


def chat_of(company: str = "", *, ask_usage: bool = True) -> Chat:
    """How the servers of a preset are spoken to; without one, those of nobody who is known."""
    quirks, errors = QUIRKS.get(company, USUAL), TABLES.get(company, EVERYBODY)
    return Chat(quirks, errors, ask_usage=ask_usage)
