"""What a loaded file means: every default filled in, every reference followed, nothing left to ask.

Why: the rooms of the router read these plain values and never the file's own spelling.
Must not: know how the file is written; that is `written`'s. Times are seconds, sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from router.config.cascade import Cascade
from router.config.counts import AS_WRITTEN, Counts
from router.config.place import ANYWHERE, NOWHERE, Only, Place
from router.config.presets import Dialect
from router.config.problems import Problem
from router.config.prompts import USUAL, Prompts
from router.config.rules import StartRule
from router.config.shadow import Shadow
from router.config.shift import Shift
from router.config.startup import Server, Shared
from router.config.values import Rate, Secret, Tls, WeightedTarget
from router.config.watching import Stamp, unchanged


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be sent. All of them bind; what is not there does not limit."""

    requests: tuple[Rate, ...] = ()
    tokens: tuple[Rate, ...] = ()
    concurrent: int | None = None
    input_tokens: tuple[Rate, ...] = ()
    output_tokens: tuple[Rate, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to a stream's first content, between two of its pieces, and for how long
    a client may take nothing.
    """

    connect: float = 3.0
    first_token: float = 120.0
    between_tokens: float = 120.0
    client_write: float = 30.0


@dataclass(frozen=True, slots=True)
class Retry:
    """`attempts` in all for one request; `budget` is how many retries each first attempt earns;
    `hedge` the share of streamed requests that may be asked for twice when they are late.
    """

    attempts: int = 3
    budget: float = 0.2
    hedge: float = 0.0


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a route, provider or model has when it says nothing else. `deadline` is in seconds."""

    deadline: float = 600.0
    timeouts: Timeouts = Timeouts()
    retry: Retry = Retry()


@dataclass(frozen=True, slots=True)
class Simulation:
    """How a simulated model behaves.

    `first_token` is in seconds. `jitter` is the relative spread of every wait, in [0, 1];
    `error_rate` the share of requests that fail, in [0, 1].
    """

    first_token: float = 0.1
    tokens_per_second: float = 50.0
    jitter: float = 0.0
    error_rate: float = 0.0
    output_tokens: int = 64
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars a token; None where the file does not say. `cached` is for what is read from a
    cache, `stored` for what is written to one.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    stored: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderModel:
    """A model as its provider knows it. `context` and `output`, its longest answer, in tokens; None
    where nobody said; `lacks` are those of `ABILITIES` that it has not. By `api` of OpenAI's it is
    asked for answers to messages, whoever asks. It is asked for by what it is `sent` as, where that
    is not its name, in a `service_tier`, and, if `provisioned`, on capacity that is paid for
    already. `simulation` is None for a real one; `counts` is how what it is sent is counted,
    `tokenizer` with what, None where the file does not say; `prompts` is how what prompts begin
    with is cached, `place` where it is, and whom it serves.
    """

    name: str
    context: int | None
    output: int | None
    lacks: frozenset[str]
    api: Literal["chat", "responses"]
    price: Price
    limits: Limits
    timeouts: Timeouts
    simulation: Simulation | None
    counts: Counts = AS_WRITTEN
    tokenizer: str | None = None
    prompts: Prompts = USUAL
    sent: str | None = None
    service_tier: str | None = None
    provisioned: bool = False
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Provider:
    """One account with one credential. `limits` bind all its models together.

    `enabled` is False when a credential or an address is missing; `off_because` says which.
    `base_url` has no slash at its end and is None for a simulated provider. `asks_usage` is False
    where a stream reports its usage unasked and may refuse to be asked. `native` are the paths of
    kinds of calls that it understands beside its own dialect's; `keeps`: what it made as responses
    can be asked for later. `company` is the preset's name, None without
    one; `region` is where the company serves it, as the file calls that. `proxy` is empty where
    none may be used, None where the environment says; `connections` is how many may be open
    at once, None: any number. `auth` is how it is shown who asks: by `api_key`; by a
    signature for AWS's `service` (None: Bedrock) with that as a pair of keys, `id:secret` or
    `id:secret:session`; or, without an `api_key`, by what a cloud's library finds. With an
    `api_version`, Azure's API is the one that has versions and a path for each deployment. `counts`
    is how it counts what it is sent.
    """

    name: str
    company: str | None
    region: str | None
    dialect: Dialect
    base_url: str | None
    api_key: Secret | None
    headers: Mapping[str, str]
    tls: Tls
    proxy: Secret | None
    connections: int | None
    asks_usage: bool
    native: Mapping[str, str]
    keeps: bool
    limits: Limits
    models: Mapping[str, ProviderModel]
    off_because: str | None
    api_version: str | None = None
    auth: Literal["key", "aws", "google", "azure"] = "key"
    service: str | None = None
    counts: Counts = AS_WRITTEN

    @property
    def enabled(self) -> bool:
        return self.off_because is None


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """A policy by its name, or by its import path `module:attr`, and what it is made with."""

    name: str
    options: Mapping[str, object] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, hash=False
    )


@dataclass(frozen=True, slots=True)
class Rung:
    """What is done when all of a route's targets have failed: another `model` is asked, or a fixed
    `text` is the answer. One of the two is None.
    """

    model: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Route:
    """A model as clients know it. One tier for a file's `targets`; `within` is for policies among
    tiers, `start` for `cost_tiers`, before which the rules that are shipped come if it is `auto`;
    `tiers_at` are the scores from which a request starts in the second tier, the third, and so on,
    and `estimator` is who is asked for the score instead. `climb` are the causes for which a
    request leaves a tier, `patience` the seconds that it waits there first. `embeddings`: whether
    those of targets of other upstream models may stand in for one another. `interrupted`: what
    becomes of a stream that breaks off within its content. `unsupported`: whether what a target
    cannot be told of a request, and only tunes it, is left out. `prompt_cache`: providers are told
    to cache its prompts. `when_all_fail` are its own rungs, in order. `decisions` is the part of
    its requests of which decisions are written to a file, where there is one. `shadow` is where a
    share of them is copied to, `shift` where they move, and `cascade` how the answers of cheap
    tiers are checked. `only` says which targets may serve it.
    """

    name: str
    policy: PolicySpec
    within: PolicySpec | None
    tiers: tuple[tuple[WeightedTarget, ...], ...]
    deadline: float
    retry: Retry
    start: tuple[StartRule, ...] = ()
    climb: frozenset[str] = frozenset({"failure", "throttled"})
    patience: float = 0.0
    embeddings: Literal["one_model", "any_model"] = "one_model"
    interrupted: Literal["error", "resume", "resume_any"] = "error"
    unsupported: Literal["drop", "refuse"] = "drop"
    when_all_fail: tuple[Rung, ...] = ()
    decisions: float = 1.0
    auto: bool = False
    tiers_at: tuple[float, ...] = ()
    estimator: PolicySpec | None = None
    shadow: Shadow | None = None
    cascade: Cascade | None = None
    shift: Shift | None = None
    prompt_cache: bool = False
    only: Only = ANYWHERE


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who is calling. `keys` are SHA-256 digests in lower-case hex: no key itself is kept.

    `models` names the routes it may ask for; None is all of them. `limits` bind all that it asks,
    `per_user` each user that it names, `per_model` and `per_endpoint` what they are for by name.
    Whatever it asks for, `only` says which targets may serve it.
    """

    name: str
    keys: tuple[str, ...] = field(repr=False)
    may: frozenset[str]
    models: frozenset[str] | None
    limits: Limits = Limits()
    per_user: Limits = Limits()
    per_model: Mapping[str, Limits] = field(default_factory=dict, hash=False)
    per_endpoint: Mapping[str, Limits] = field(default_factory=dict, hash=False)
    only: Only = ANYWHERE


@dataclass(frozen=True, slots=True)
class Config:
    """A whole file, resolved. `notes` are what `check --strict` takes for errors; `files` are what
    was read for it, and how that was; `revision` is a short name for what those say.
    """

    version: int
    server: Server
    shared: Shared
    defaults: Defaults
    providers: Mapping[str, Provider]
    models: Mapping[str, Route]
    tenants: Mapping[str, Tenant]
    notes: tuple[Problem, ...]
    path: Path
    files: Mapping[Path, Stamp] = field(default_factory=dict, compare=False)
    revision: str = ""

    def is_as_read(self) -> bool:
        """Whether the files are still those that were read."""
        return unchanged(self.files)

    def target(self, name: str) -> tuple[Provider, ProviderModel]:
        """What stands behind `provider/upstream-model`. KeyError if it is not declared."""
        provider, _, model = name.partition("/")
        return self.providers[provider], self.providers[provider].models[model]

    def targets(self) -> Iterator[str]:
        """Every declared target's full name, in the order of the file, switched on or not."""
        for provider in self.providers.values():
            yield from (f"{provider.name}/{model}" for model in provider.models)

    def live(self, route: Route) -> tuple[tuple[WeightedTarget, ...], ...]:
        """`route`'s tiers without targets whose provider is off. A tier may be empty, so that the
        others keep their numbers; without any target there is no tier.
        """
        tiers = [
            tuple(target for target in tier if self.target(target.name)[0].enabled)
            for tier in route.tiers
        ]
        return tuple(tiers) if any(tiers) else ()
