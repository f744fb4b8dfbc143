"""How a provider is shown who asks: by a key, or by what a cloud's own library finds.

Why: what is missing for it, a variable or a package, should be known before it is needed.
Must not: fetch anything, or import those libraries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from router.config.presets import Preset
from router.config.problems import Mark, Report
from router.config.tree import Table, find
from router.config.values import Secret
from router.config.written import WrittenProvider

Auth = Literal["key", "aws", "google", "azure"]
PACKAGES: Mapping[Auth, str] = {
    "aws": "botocore.session",
    "google": "google.auth",
    "azure": "azure.identity",
}
"""What an extra brings, by its name."""
AWS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
MOST_PARTS = 3


@dataclass(frozen=True, slots=True)
class Credentials:
    """Resolves those of one provider; faults go to `report`."""

    name: str
    written: WrittenProvider
    preset: Preset | None
    environ: Mapping[str, str]
    tree: Table
    report: Report

    def resolve(self) -> tuple[Auth, Secret | None]:
        """How, and by which key: None where there is none, empty where it is missing. A pair of
        AWS keys is one key, `id:secret` or `id:secret:session`.
        """
        auth, key = self._resolved()
        if auth == "aws" and self.written.region is None:
            what = "keys of AWS sign for a region"
            self.report.problem(self._mark(), what, "write region: us-east-1, or another")
        if auth != "key" and key is None and not _installed(PACKAGES[auth]):
            what = f"auth: {auth} needs a package that is not installed"
            self.report.problem(self._mark("auth"), what, f"pip install 'pointsman[{auth}]'")
        return auth, key

    def _resolved(self) -> tuple[Auth, Secret | None]:
        auth, key = self.written.auth, self.written.api_key
        if auth == "aws":
            return "aws", self._aws_keys() if key is None else self._pair(key)
        if auth in ("google", "azure"):
            if key is not None:
                what = f"auth: {auth} takes no api_key"
                self.report.problem(self._mark("api_key"), what, "remove one of them")
            return auth, None
        if key is not None or self.preset is None or self.preset.key is None:
            return "key", key
        found = self.environ.get(self.preset.key, "").strip()
        if not found and auth is None and self.preset.service and (keys := self._aws_keys()):
            return "aws", keys
        return "key", Secret(found)

    def _aws_keys(self) -> Secret | None:
        """The pair that the environment has, with a session's token if there is one."""
        found = [self.environ.get(name, "").strip() for name in AWS_KEYS]
        return Secret(":".join(filter(None, found))) if found[0] and found[1] else None

    def _pair(self, key: Secret) -> Secret:
        parts = key.reveal().split(":")
        if not any(parts):
            return Secret("")
        if not 1 < len(parts) <= MOST_PARTS or not all(parts):
            what = "api_key is no pair of AWS keys"
            remedy = 'write "${AWS_ACCESS_KEY_ID}:${AWS_SECRET_ACCESS_KEY}"'
            self.report.problem(self._mark("api_key"), what, remedy)
        return key

    def _mark(self, key: str = "") -> Mark:
        """Where the provider says so, or else where it stands."""
        own = self.tree.table("providers").table(self.name).entries.get(key)
        if own is not None:
            return own.key.mark
        return find(self.tree, ("providers", self.name)).key.mark


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
