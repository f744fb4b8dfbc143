"""Google's dialect: the provider's half, for clients who speak otherwise.

`generateContent` and `streamGenerateContent`, of the Gemini API and of Vertex AI, which differ in
where they are and how one is let in, not in what is said.
"""

from __future__ import annotations

from urllib.parse import quote

from policies import Phase, Report
from router.dialects.common.events import Event
from router.dialects.common.outside import UNREADABLE, decoded, first_of, object_of
from router.dialects.common.prompt import Prompt
from router.dialects.contract import Asked
from router.dialects.errors.judge import NO_ANSWER, Judging, failed, good
from router.dialects.errors.quirks import TABLES
from router.dialects.errors.said import told
from router.dialects.gemini.bodies import body_of
from router.dialects.gemini.events import Chunk, Telling, blocked, chunks
from router.dialects.gemini.stream import GeminiStream

ERRORS = TABLES["gemini"]
GOOGLE = "publishers/google/"
"""Whose models they are, below a location of Vertex AI."""


class Gemini(Judging):
    """See `ForeignDialect`. `publisher` stands before a model's name."""

    def __init__(self, publisher: str = "") -> None:
        super().__init__(ERRORS)
        self._publisher = publisher

    def ask(self, prompt: Prompt, model: str, *, stream: bool) -> Asked:
        body, dropped = body_of(prompt, model, stream=stream)
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return path_of(model, verb, self._publisher), body, dropped

    def reader(self) -> GeminiStream:
        return GeminiStream(self._errors)

    def whole(self, body: bytes) -> tuple[Report, list[Event]]:
        try:
            chunk = chunks.decode(body)
        except UNREADABLE:
            chunk = Chunk(error=decoded(body))
        if chunk.error:
            return failed(self._errors, decoded(body), Phase.BODY), []
        telling = Telling()
        events = telling.read(chunk, body)
        if telling.failure is not None:
            return telling.failure, []
        if not telling.ended:
            return NO_ANSWER, []
        return good(telling.usage), events

    def told(self, body: bytes) -> str:
        return message_in(body)


def path_of(model: str, verb: str, publisher: str) -> str:
    """Below a base URL that ends in a version, or at Vertex AI in a location. What is no model of a
    publisher has its kind before its name: `tunedModels/mine`, `endpoints/123`.
    """
    name = model if "/" in model else f"{publisher}models/{model}"
    return f"/{quote(name, safe='/@')}:{verb}"


def message_in(body: bytes) -> str:
    """The message of an error, or why a prompt was not let through; empty if there is neither."""
    answer = decoded(body)
    if why := blocked(object_of(first_of(answer)).get("promptFeedback")):
        return f"the prompt was blocked: {why}"
    return told(answer)


GEMINI = Gemini()
"""The dialect is a value without state; one serves all."""
VERTEX = Gemini(GOOGLE)
"""The same at Vertex AI."""
