"""The keys of the file, and how each value is read: the file's grammar.

Why: pydantic finds every fault of a table at once and knows the place of each.
Must not: hold a default (they are `schema`'s), or follow a reference from one table to another.
What is a union in the file (a list or a mapping, a name or a table) has one form here: `normalise`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from router.config import extents, shares, texts, units
from router.config.base_written import Written
from router.config.models import ABILITIES
from router.config.place_written import WrittenOnly, WrittenPlace
from router.config.presets import PRESETS, Dialect
from router.config.rules import Threshold
from router.config.values import Address, Extent, Rate, Secret, Spend

Text = Annotated[str | None, BeforeValidator(texts.text)]
Line = Annotated[str, BeforeValidator(texts.text)]
Span = Annotated[float | None, BeforeValidator(units.span)]
Duration = Annotated[float | None, BeforeValidator(units.duration)]
Count = Annotated[int | None, BeforeValidator(units.count)]
Positive = Annotated[int | None, BeforeValidator(units.positive)]
Price = Annotated[int | None, BeforeValidator(units.price)]
Share = Annotated[float | None, BeforeValidator(units.share)]
Part = Annotated[float | None, BeforeValidator(units.part)]
Percent = Annotated[float, BeforeValidator(shares.percent)]
Points = Annotated[float | None, BeforeValidator(shares.points)]
Ratio = Annotated[float | None, BeforeValidator(shares.ratio)]
Credential = Annotated[Secret | None, BeforeValidator(texts.credential)]
Flag = Annotated[bool | None, BeforeValidator(units.boolean)]
Than = Annotated[Threshold | None, BeforeValidator(units.threshold)]
Bound = Annotated[Address | None, BeforeValidator(texts.address)]
Rates = tuple[Annotated[Rate, BeforeValidator(units.rate)], ...]


class WrittenTimeouts(Written):
    """`timeouts` of a provider or a model."""

    connect: Span = None
    first_token: Span = None
    between_tokens: Span = None


class WrittenRetry(Written):
    """`retry` of the defaults or a route."""

    attempts: Positive = None
    budget: Share = None
    hedge: Annotated[float | None, BeforeValidator(units.hedge)] = None


class WrittenLimits(Written):
    """`limits` of a provider or a model."""

    requests: Rates = ()
    tokens: Rates = ()
    input_tokens: Rates = ()
    output_tokens: Rates = ()
    concurrent: Positive = None


class WrittenPrice(Written):
    """`price` of a model, in dollars per million tokens."""

    input: Price = None
    output: Price = None
    cached: Price = None
    stored: Price = None


class WrittenModel(WrittenPlace):
    """One of a provider's `models`; from `first_token` on, for simulated ones."""

    model: Text = None
    service_tier: Text = None
    provisioned: Flag = None
    context: Positive = None
    output: Positive = None
    lacks: tuple[Annotated[str, BeforeValidator(texts.choice(*ABILITIES))], ...] = ()
    api: Annotated[
        Literal["chat", "responses"] | None, BeforeValidator(texts.choice("chat", "responses"))
    ] = None
    tokenizer: Text = None
    price: WrittenPrice = WrittenPrice()
    limits: WrittenLimits = WrittenLimits()
    timeouts: WrittenTimeouts = WrittenTimeouts()
    first_token: Duration = None
    tokens_per_second: Annotated[float | None, BeforeValidator(units.speed)] = None
    jitter: Share = None
    error_rate: Share = None
    output_tokens: Positive = None
    seed: Count = None


class WrittenTls(Written):
    """`tls` of a provider: paths, relative to the file."""

    ca: Text = None
    cert: Text = None
    key: Text = None


class WrittenProvider(WrittenPlace):
    """One of `providers`."""

    preset: Annotated[str | None, BeforeValidator(texts.choice(*PRESETS))] = None
    like: Text = None
    region: Text = None
    dialect: Annotated[
        Dialect | None,
        BeforeValidator(texts.choice(*get_args(Dialect))),
    ] = None
    auth: Annotated[
        Literal["key", "aws", "google", "azure"] | None,
        BeforeValidator(texts.choice("key", "aws", "google", "azure")),
    ] = None
    api_version: Annotated[str | None, BeforeValidator(texts.version)] = None
    base_url: Annotated[str | None, BeforeValidator(texts.base_url)] = None
    api_key: Credential = None
    tls: WrittenTls = WrittenTls()
    proxy: Annotated[Secret | None, BeforeValidator(texts.proxy)] = None
    connections: Positive = None
    limits: WrittenLimits = WrittenLimits()
    timeouts: WrittenTimeouts = WrittenTimeouts()
    models: dict[str, WrittenModel] = Field(default_factory=dict)


class WrittenTarget(Written):
    """One of a route's `targets`, or of a tier's."""

    weight: Annotated[float, BeforeValidator(units.weight)] = 1.0


class WrittenPolicy(Written):
    """`policy`, `within` or `estimator` of a route; `options` are what stands beside its name."""

    name: Annotated[str | None, BeforeValidator(texts.policy)] = None
    options: dict[str, Any] = Field(default_factory=dict)


class WrittenConditions(Written):
    """`if` of a start rule."""

    input_tokens: Than = None
    output_tokens: Than = None
    stream: Flag = None
    tools: Flag = None
    schema_: Flag = Field(default=None, alias="schema")
    images: Flag = None
    last_tokens: Than = None
    turns: Than = None
    code: Flag = None
    says: tuple[Line, ...] = ()
    metadata: dict[str, Line] = Field(default_factory=dict)
    tenant: tuple[Line, ...] = ()


class WrittenRule(Written):
    """One of a route's `start`."""

    if_: WrittenConditions = Field(default=WrittenConditions(), alias="if")
    tier: Positive = None
    score: Annotated[float | None, BeforeValidator(units.score)] = None


class WrittenStart(Written):
    """`start` of a route: the rules that are shipped, by `name`, and its own."""

    name: Annotated[Literal["auto"] | None, BeforeValidator(texts.choice("auto"))] = None
    rules: tuple[WrittenRule, ...] = ()


class WrittenRung(Written):
    """One of a route's `when_all_fail`."""

    model: Text = None
    text: Annotated[str | None, BeforeValidator(texts.words)] = None


class WrittenGuard(Written):
    """`guard` of a shift."""

    errors: Points = None
    first_token_p95: Ratio = None
    cost: Ratio = None


class WrittenShift(Written):
    """`shift` of a route."""

    to: dict[str, WrittenTarget] = Field(default_factory=dict)
    steps: tuple[Percent, ...] = ()
    interval: Duration = None
    min_requests: Positive = None
    by: Annotated[
        Literal["session", "user", "request"] | None,
        BeforeValidator(texts.choice("session", "user", "request")),
    ] = None
    guard: WrittenGuard = WrittenGuard()
    cool_down: Duration = None


class WrittenShadow(Written):
    """`shadow` of a route."""

    to: Text = None
    share: Part = None
    rate: Annotated[Rate | None, BeforeValidator(units.rate)] = None
    spend: Annotated[Spend | None, BeforeValidator(units.spend)] = None
    concurrent: Positive = None
    judge: Annotated[str | None, BeforeValidator(texts.imported)] = None


class WrittenCheck(Written):
    """One of the `checks` of a cascade."""

    name: Annotated[str | None, BeforeValidator(texts.policy)] = None
    length: Annotated[Extent | None, BeforeValidator(extents.extent)] = None
    match: Annotated[str | None, BeforeValidator(texts.pattern)] = None
    judge: Text = None
    ask: Annotated[str | None, BeforeValidator(texts.words)] = None
    budget: Annotated[Spend | None, BeforeValidator(units.spend)] = None


class WrittenAudit(Written):
    """`audit` of a cascade."""

    by: Annotated[str | None, BeforeValidator(texts.policy)] = None
    share: Annotated[float | None, BeforeValidator(units.part)] = None
    bound: Annotated[float | None, BeforeValidator(units.part)] = None
    spend: Annotated[Spend | None, BeforeValidator(units.spend)] = None


class WrittenCascade(Written):
    """`cascade` of a route."""

    checks: tuple[WrittenCheck, ...] = ()
    audit: WrittenAudit | None = None
    head: Annotated[int | None, BeforeValidator(units.size)] = None


class WrittenRoute(Written):
    """One of `models`."""

    policy: WrittenPolicy | None = None
    within: WrittenPolicy | None = None
    targets: dict[str, WrittenTarget] = Field(default_factory=dict)
    shift: WrittenShift | None = None
    tiers: tuple[dict[str, WrittenTarget], ...] = ()
    only: WrittenOnly | None = None
    start: WrittenStart = WrittenStart()
    tiers_at: tuple[Annotated[float, BeforeValidator(units.share)], ...] = ()
    estimator: WrittenPolicy | None = None
    cascade: WrittenCascade | None = None
    climb: tuple[
        Annotated[
            Literal["failure", "throttled"], BeforeValidator(texts.choice("failure", "throttled"))
        ],
        ...,
    ] = ()
    patience: Duration = None
    embeddings: Annotated[
        Literal["one_model", "any_model"] | None,
        BeforeValidator(texts.choice("one_model", "any_model")),
    ] = None
    interrupted: Annotated[
        Literal["error", "resume", "resume_any"] | None,
        BeforeValidator(texts.choice("error", "resume", "resume_any")),
    ] = None
    unsupported: Annotated[
        Literal["drop", "refuse"] | None, BeforeValidator(texts.choice("drop", "refuse"))
    ] = None
    prompt_cache: Flag = None
    when_all_fail: tuple[WrittenRung, ...] = ()
    decisions: Part = None
    shadow: WrittenShadow | None = None
    deadline: Span = None
    retry: WrittenRetry = WrittenRetry()
