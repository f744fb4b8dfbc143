"""One provider of ours for each account that a foreign file speaks of.

Why: there a credential stands beside every deployment, here once: equal ones are one account, with
one health and one set of limits.
Must not: let a credential out. One in plain text becomes a variable, and a comment says which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from router.config.presets import PRESETS
from router.config.values import Secret
from router.importing import companies
from router.importing.companies import Company
from router.importing.draft import Account, Draft, Value

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ENDPOINT = re.compile(
    r"(/v1)?(/chat/completions|/completions|/embeddings|/messages)/?$|(/models)/?$|/+$"
)
_GENERIC = {"api", "www", "llm", "gateway", "inference"}
IN_PLAIN_TEXT = "what stood in plain text in"
"""Why a variable is to be set; the line follows."""
_KEY = ("API_KEY",)
_AWS = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of where a deployment is; `${NAME}` is a variable. `by_cloud`: whoever asks
    is known by what a cloud's library finds; `kept`: what stands for the key is a name of it, which
    a service has.
    """

    company: Company
    model: str
    line: int
    api_key: str | None = None
    base_url: str | None = None
    version: str | None = None
    region: str | None = None
    aws: tuple[str, ...] = ()
    project: str | None = None
    location: str | None = None
    by_cloud: bool = False
    kept: bool = False


@dataclass(slots=True)
class Accounts:
    """All that were met, and which credential is whose."""

    draft: Draft
    _known: dict[object, Account] = field(default_factory=dict)
    _plain: dict[int, tuple[tuple[str, ...], tuple[Secret, ...], str]] = field(default_factory=dict)

    def of(self, said: Said) -> Account:
        """The account that this is of."""
        name, keys = _place(said)
        pieces = _credential(said, keys)
        told = tuple(sorted((key, str(value)) for key, value in keys.items()))
        identity = (name, told, pieces)
        if identity in self._known:
            return self._known[identity]
        account = Account(dict(keys), name=name)
        if pieces and all(_VARIABLE.fullmatch(piece) for piece in pieces):
            account.keys["api_key"] = ":".join(pieces)
        elif pieces:
            suffixes = _AWS if len(pieces) > 1 else _KEY
            why = "the key that is kept elsewhere by the name in" if said.kept else IN_PLAIN_TEXT
            why = f"to {why} line {said.line}"
            self._plain[id(account)] = (suffixes, tuple(map(Secret, pieces)), why)
            account.keys["api_key"] = ""
        self._known[identity] = account
        self.draft.accounts.append(account)
        _remark(account, said, keys)
        return account

    def finish(self) -> None:
        """Give each its name, and each credential that stood in plain text a variable."""
        taken: set[str] = set()
        for account in self.draft.accounts:
            account.name = _name(account.name, taken, self.draft.routes)
            taken.add(account.name)
        for account in self.draft.accounts:
            for value in account.keys.values():
                for variable in _VARIABLE.findall(str(value)):
                    self.draft.variables.setdefault(variable, "")
        for account in self.draft.accounts:
            if id(account) in self._plain:
                self._name_variables(account, *self._plain[id(account)])

    def _name_variables(
        self, account: Account, suffixes: tuple[str, ...], secrets: tuple[Secret, ...], why: str
    ) -> None:
        names = []
        for suffix, secret in zip(suffixes, secrets, strict=False):
            variable = _VARIABLE.fullmatch(secret.reveal())
            name = variable[1] if variable else self._free(f"{account.name}_{suffix}")
            if not variable:
                self.draft.variables[name] = why
            names.append(f"${{{name}}}")
        account.keys["api_key"] = ":".join(names)

    def _free(self, wish: str) -> str:
        name = re.sub(r"[^A-Z0-9]+", "_", wish.upper())
        name = f"KEY_{name}" if name[0].isdigit() else name
        number, found = 2, name
        while found in self.draft.variables:
            found, number = f"{name}_{number}", number + 1
        return found


def _place(said: Said) -> tuple[str, dict[str, Value]]:
    """What the account is called before another has its name, and its keys but the credential."""
    company, keys = said.company, dict[str, Value]()
    base = cleaned(said.base_url or "") or _from_environment(company)
    if company is companies.VERTEX:
        return company.name, _vertex(said, base)
    if company is companies.BEDROCK:
        region = said.region or "${AWS_REGION_NAME}"
        keys |= {"preset": "bedrock", "region": region}
        return company.name, keys | _base(said.base_url and base)
    if company is companies.FOUNDRY and "claude" not in said.model.lower():
        company = companies.Company("azure-ai", "azure")
    if company.preset == "azure":
        version: dict[str, Value] = {"api_version": said.version} if said.version else {}
        keys |= {"preset": "azure", "base_url": base.partition("/openai")[0], **version}
        return company.name, keys | ({"region": said.region} if said.region else {})
    if company.preset == "anthropic" and urlsplit(base).path and not base.endswith("/v1"):
        base += "/v1"
    there = PRESETS[company.preset].base_url if company.preset else None
    if not base or (there and _host(there) == _host(base)):
        return company.name, {"preset": company.preset, **keys}
    if there is None or company.preset in ("anthropic", "gemini"):
        name = company.name if company is not companies.ANY else _named(base)
        return name, ({"preset": company.preset} if company.preset else {}) | _base(base)
    for name, preset in PRESETS.items():
        if preset.base_url and preset.dialect == "openai" and _host(preset.base_url) == _host(base):
            return name, {"preset": name}
    return _named(base), _base(base)


def _base(base: str | None) -> dict[str, Value]:
    return {"base_url": base} if base else {}


def _from_environment(company: Company) -> str:
    return f"${{{company.base}}}" if company.base else company.base_url


def _vertex(said: Said, base: str) -> dict[str, Value]:
    project, location = said.project or "${VERTEXAI_PROJECT}", said.location or ""
    location = location or "${VERTEXAI_LOCATION}"
    host = "aiplatform" if location == "global" else f"{location}-aiplatform"
    path = f"/v1/projects/{project}/locations/{location}"
    return {
        "dialect": "vertex",
        "auth": "google",
        "base_url": base if "/projects/" in base else f"https://{host}.googleapis.com{path}",
    }


def _credential(said: Said, keys: dict[str, Value]) -> tuple[str, ...]:
    """Its pieces, variables or plain text; adds `auth` to `keys` where they are no single key."""
    company = said.company
    if company is companies.VERTEX:
        return ()
    if company is companies.BEDROCK and (said.aws or said.by_cloud):
        keys["auth"] = "aws"
        return said.aws
    if said.by_cloud and company.preset == "azure":
        keys["auth"] = "azure"
        return ()
    key = (said.api_key or "").removeprefix("Bearer ")
    if "preset" not in keys or not company.key:
        return (key,) if key and key.lower() not in companies.NO_KEYS else ()
    return (key or f"${{{company.key}}}",)


def _remark(account: Account, said: Said, keys: dict[str, Value]) -> None:
    if keys.get("auth") in ("google", "azure"):
        extra = f"pip install 'pointsman[{keys['auth']}]'"
        account.remark(said.line, f"who asks is known by what the cloud's library finds: {extra}")
    elif keys.get("auth") == "aws" and not said.aws:
        extra = "pip install 'pointsman[aws]'"
        account.remark(said.line, f"a profile or a role is what AWS's library finds: {extra}")
    elif said.company.key and "preset" not in keys and not said.api_key:
        told = f"no key is said; {said.company.key} is not sent to a server of one's own"
        account.remark(said.line, f"{told}: write api_key if it asks for one")
    if account.name == "azure-ai":
        told = "taken for an address that has Azure's API under /openai/v1: correct it if not"
        account.remark(said.line, told)


def cleaned(url: str) -> str:
    """An address without a single endpoint at its end. Another gateway's may name one."""
    url = url.partition("?")[0] if url.startswith("http") else url
    while (shorter := _ENDPOINT.sub(r"\1", url)) != url:
        url = shorter
    return url


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _named(base: str) -> str:
    """A name for whoever is at an address: what is special in its host's name."""
    labels = [label for label in _host(base).split(".") if label not in _GENERIC]
    name = re.sub(r"[^a-z0-9-]+", "-", labels[0].lower()).strip("-") if labels else ""
    return name if name and not name.isdigit() else "server"


def _name(wish: str, taken: Iterable[str], routes: Iterable[str]) -> str:
    """`wish`, or what is next to it: no other provider's name, and none that would make a target's
    full name one of a route.
    """
    prefixes = {route.partition("/")[0] for route in routes if "/" in route}
    name = f"{wish}-account" if wish in prefixes else wish
    number, found = 2, name
    while found in taken or found in prefixes:
        found, number = f"{name}-{number}", number + 1
    return found
