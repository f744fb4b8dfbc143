"""AWS Bedrock's dialect: the provider's half, for clients who speak otherwise.

Converse says the same to every model behind it, so one half serves all of them; what only some know
goes along in a field of its own.
"""

from __future__ import annotations

from urllib.parse import quote

from policies import Report
from router.dialects.bedrock.answers import whole_of
from router.dialects.bedrock.bodies import body_of
from router.dialects.bedrock.stream import ConverseStream
from router.dialects.common.events import Event
from router.dialects.common.outside import decoded, object_of
from router.dialects.common.prompt import Prompt
from router.dialects.contract import Asked
from router.dialects.errors.judge import Judging
from router.dialects.errors.quirks import TABLES
from router.dialects.errors.said import told


class Bedrock(Judging):
    """See `ForeignDialect`."""

    def ask(self, prompt: Prompt, model: str, *, stream: bool) -> Asked:
        body, dropped = body_of(prompt, model)
        verb = "converse-stream" if stream else "converse"
        return f"/model/{quote(model, safe='')}/{verb}", body, dropped

    def reader(self) -> ConverseStream:
        return ConverseStream(self._errors)

    def whole(self, body: bytes) -> tuple[Report, list[Event]]:
        return whole_of(decoded(body))

    def told(self, body: bytes) -> str:
        said = decoded(body)
        return "" if "output" in object_of(said) else told(said)


BEDROCK = Bedrock(TABLES["bedrock"])
"""The dialect is a value without state; one serves all."""
