"""Azure's API with versions: each deployment has paths of its own."""

from __future__ import annotations

from urllib.parse import quote

from router.dialects.contract import NO_FIELDS, Asked, Call, Fields, Resumable, UpstreamDialect
from router.dialects.seam import Begun


class Deployed:
    """See `UpstreamDialect`: what `dialect` says, sent to the deployment that the model names, by
    the API's `version`.
    """

    def __init__(self, dialect: UpstreamDialect, version: str) -> None:
        self._dialect = dialect
        self._version = version
        self.reader = dialect.reader
        self.whole = dialect.whole
        self.refusal = dialect.refusal
        self.own_words = dialect.own_words

    def ask(self, call: Call, model: str, *, ask_usage: bool, more: Fields = NO_FIELDS) -> Asked:
        path, body, dropped = self._dialect.ask(call, model, ask_usage=ask_usage, more=more)
        deployment = quote(model, safe="")
        return f"/deployments/{deployment}{path}?api-version={self._version}", body, dropped

    def keeping(
        self, call: Call, model: str, begun: Begun, *, same: bool
    ) -> UpstreamDialect | None:
        if not isinstance(self._dialect, Resumable):
            return None
        keeping = self._dialect.keeping(call, model, begun, same=same)
        return None if keeping is None else Deployed(keeping, self._version)
