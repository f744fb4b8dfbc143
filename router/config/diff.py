"""What a reload changes, in words.

Why: whoever saves the file should read what the router understood by it.
Must not: show a credential, old or new; that one changed is all there is to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from typing import TypeVar

from router.config.place import place_words
from router.config.problems import quoted
from router.config.rules import Asked, StartRule, Threshold
from router.config.schema import (
    Config,
    Limits,
    PolicySpec,
    Provider,
    ProviderModel,
    Retry,
    Route,
    Rung,
    Simulation,
    Tenant,
    Timeouts,
)
from router.config.shadow import Shadow
from router.config.shifts import shift_changes
from router.config.units import (
    show_count,
    show_duration,
    show_number,
    show_part,
    show_price,
    show_rate,
    show_score,
    show_spend,
    show_threshold,
)
from router.config.values import Rate

_T = TypeVar("_T")
_Values = Timeouts | Retry | Simulation


def words(old: Config, new: Config) -> list[str]:
    """One line for each thing that is another in `new`, in the order of the file."""

    def provider(before: Provider, after: Provider) -> Iterator[str]:
        return _provider(before, after, (old.defaults.timeouts, new.defaults.timeouts))

    def route(before: Route, after: Route) -> Iterator[str]:
        yield from _route(before, after)
        if (before.deadline, after.deadline) != (old.defaults.deadline, new.defaults.deadline):
            yield from _change("deadline", before.deadline, after.deadline, show_duration)
        if (before.retry, after.retry) != (old.defaults.retry, new.defaults.retry):
            yield from _table(before.retry, after.retry, "retry.")

    return [
        *(f"{key} changed: it needs a restart" for key in needs_restart(old, new)),
        *_defaults(old, new),
        *_each("provider ", "provider ", old.providers, new.providers, provider),
        *_each("model ", "", old.models, new.models, route),
        *_each("tenant ", "tenant ", old.tenants, new.tenants, _tenant),
    ]


def needs_restart(old: Config, new: Config) -> list[str]:
    """The keys that differ and that a running router cannot take over: those of `server`, and
    `shared`.
    """
    names = (key.name for key in fields(new.server))
    found = [f"server.{n}" for n in names if getattr(old.server, n) != getattr(new.server, n)]
    return [*found, *(["shared"] if old.shared != new.shared else [])]


def _defaults(old: Config, new: Config) -> Iterator[str]:
    before, after = old.defaults, new.defaults
    yield from _change("defaults.deadline", before.deadline, after.deadline, show_duration)
    yield from _table(before.timeouts, after.timeouts, "defaults.timeouts.")
    yield from _table(before.retry, after.retry, "defaults.retry.")


def _provider(old: Provider, new: Provider, defaults: tuple[Timeouts, Timeouts]) -> Iterator[str]:
    if old.off_because != new.off_because:
        yield f"off: {new.off_because}" if new.off_because else "on"
    elif old.api_key != new.api_key:
        yield "another api_key"
    if old.proxy != new.proxy:
        yield "another proxy"
    for name in ("ca", "cert", "key"):
        yield from _change(f"tls.{name}", getattr(old.tls, name), getattr(new.tls, name))
    yield from _change("connections", old.connections, new.connections)
    yield from _change("dialect", old.dialect, new.dialect)
    yield from _change("base_url", old.base_url, new.base_url)
    yield from _change("api_version", old.api_version, new.api_version)
    yield from _change("region", old.region, new.region)
    yield from _change("auth", old.auth, new.auth)
    if _of_preset(old) != _of_preset(new):
        yield "another preset"
    yield from _limits(old.limits, new.limits)
    yield from _each("", "", old.models, new.models, partial(_model, defaults))


def _model(
    defaults: tuple[Timeouts, Timeouts], before: ProviderModel, after: ProviderModel
) -> Iterator[str]:
    yield from _change("model", before.name, after.name)
    yield from _change("service_tier", before.service_tier, after.service_tier)
    if before.provisioned != after.provisioned:
        yield "provisioned" if after.provisioned else "no longer provisioned"
    yield from _change("context", before.context, after.context, show_count)
    yield from _change("output", before.output, after.output, show_count)
    yield from _change("lacks", before.lacks, after.lacks, _listed)
    yield from _change("api", before.api, after.api)
    yield from _change("tokenizer", before.tokenizer, after.tokenizer)
    yield from _change("price.input", before.price.input, after.price.input, show_price)
    yield from _change("price.output", before.price.output, after.price.output, show_price)
    yield from _change("price.cached", before.price.cached, after.price.cached, show_price)
    yield from _change("price.stored", before.price.stored, after.price.stored, show_price)
    for key, was in place_words(before.place).items():
        yield from _change(key, was, place_words(after.place)[key], _listed)
    yield from _limits(before.limits, after.limits)
    if (before.timeouts, after.timeouts) != defaults:
        yield from _table(before.timeouts, after.timeouts, "timeouts.")
    if before.simulation and after.simulation:
        yield from _table(before.simulation, after.simulation, "")


def _of_preset(provider: Provider) -> tuple[object, ...]:
    return dict(provider.headers), provider.asks_usage, provider.counts


def _route(old: Route, new: Route) -> Iterator[str]:
    yield from _policy("policy", old.policy, new.policy)
    if old.within and new.within:
        yield from _policy("within", old.within, new.within)
    before = {t.name: (i, t.weight) for i, tier in enumerate(old.tiers, 1) for t in tier}
    after = {t.name: (i, t.weight) for i, tier in enumerate(new.tiers, 1) for t in tier}
    yield from _change("start", old, new, _start) if _starts(old) != _starts(new) else ()
    yield from _change("tiers_at", old.tiers_at, new.tiers_at, _numbers)
    if old.estimator and new.estimator:
        yield from _policy("estimator", old.estimator, new.estimator)
    else:
        yield from _change("estimator", old.estimator, new.estimator, lambda spec: spec.name)
    yield from _change("only", old.only or None, new.only or None)
    yield from _change("climb", old.climb, new.climb, _listed)
    yield from _change("patience", old.patience, new.patience, show_duration)
    yield from _change("embeddings", old.embeddings, new.embeddings)
    yield from _change("when_all_fail", old.when_all_fail, new.when_all_fail, _rungs)
    yield from _change("interrupted", old.interrupted, new.interrupted)
    yield from _change("unsupported", old.unsupported, new.unsupported)
    yield from _change("prompt_cache", old.prompt_cache, new.prompt_cache, _flag)
    for key, before_it, after_it, show in shift_changes(old.shift, new.shift):
        yield from _change(key, before_it, after_it, show)
    yield from _change("decisions", old.decisions, new.decisions, show_part)
    yield from _change("shadow", old.shadow, new.shadow, _shadow)
    yield from _change("cascade", old.cascade, new.cascade, lambda cascade: cascade.words)
    for name, (tier, weight) in after.items():
        if name not in before:
            yield f"{name} added" + (f" to tier {tier}" if len(new.tiers) > 1 else "")
            continue
        yield from _change(name, before[name][1], weight, lambda w: f"{w:g}")
        if before[name][0] != tier:
            yield f"{name} from tier {before[name][0]} to tier {tier}"
    yield from (f"{name} removed" for name in before if name not in after)


def _shadow(shadow: Shadow) -> str:
    judge = f", judged by {shadow.judge}" if shadow.judge else ""
    return (
        f"{show_part(shadow.share)} to {shadow.to}, {show_rate(shadow.rate)}, "
        f"{show_spend(shadow.spend)}, {shadow.concurrent} at once{judge}"
    )


def _rungs(rungs: Iterable[Rung]) -> str:
    told = (
        f"model {r.model}" if r.model is not None else f"text {quoted(r.text or '')}" for r in rungs
    )
    return ", then ".join(told) or "none"


def _numbers(numbers: Iterable[float]) -> str:
    return ", ".join(map(show_number, numbers)) or "none"


def _starts(route: Route) -> tuple[bool, tuple[StartRule, ...]]:
    return route.auto, route.start


def _start(route: Route) -> str:
    def condition(name: str, asked: Asked) -> str:
        if isinstance(asked, Threshold):
            return f"{name} {show_threshold(asked)}"
        if isinstance(asked, tuple):
            each = (one if isinstance(one, str) else "=".join(one) for one in asked)
            return f"{name} {' or '.join(map(quoted, each))}"
        return name if asked else f"no {name}"

    def given(rule: StartRule) -> str:
        return f"tier {rule.tier}" if rule.tier is not None else show_score(rule.score)

    told = (
        f"{given(rule)} if {' and '.join(condition(*asked) for asked in rule.conditions)}"
        for rule in route.start
    )
    return "; ".join([*(["auto"] if route.auto else []), *told]) or "none"


def _tenant(old: Tenant, new: Tenant) -> Iterator[str]:
    if set(old.keys) != set(new.keys):
        yield f"other keys ({len(old.keys)} → {len(new.keys)})"
    yield from _change("may", old.may, new.may, _listed)
    if old.models != new.models:
        was, now = (_listed(m) if m is not None else "all" for m in (old.models, new.models))
        yield f"models {was} → {now}"
    yield from _change("only", old.only or None, new.only or None)
    yield from _limits(old.limits, new.limits)
    yield from _limits(old.per_user, new.per_user, "per_user")
    for key, before, after in (
        ("per_model", old.per_model, new.per_model),
        ("per_endpoint", old.per_endpoint, new.per_endpoint),
    ):
        for name in {**before, **after}:
            none = Limits()
            yield from _limits(before.get(name, none), after.get(name, none), f"{key}.{name}")


def _policy(key: str, old: PolicySpec, new: PolicySpec) -> Iterator[str]:
    yield from _change(key, old.name, new.name)
    if old.name == new.name and dict(old.options) != dict(new.options):
        yield f"other options for {key} {new.name}"


def _limits(old: Limits, new: Limits, key: str = "limits") -> Iterator[str]:
    def rates(given: Iterable[Rate]) -> str:
        return _listed(show_rate(r) for r in given)

    yield from _change(f"{key}.requests", old.requests, new.requests, rates)
    yield from _change(f"{key}.tokens", old.tokens, new.tokens, rates)
    yield from _change(f"{key}.input_tokens", old.input_tokens, new.input_tokens, rates)
    yield from _change(f"{key}.output_tokens", old.output_tokens, new.output_tokens, rates)
    yield from _change(f"{key}.concurrent", old.concurrent, new.concurrent)


def _table(old: _Values, new: _Values, prefix: str) -> Iterator[str]:
    for key in fields(new):
        is_time = isinstance(new, Timeouts) or key.name == "first_token"
        show = show_duration if is_time else lambda value: f"{value:g}"
        before, after = getattr(old, key.name), getattr(new, key.name)
        yield from _change(prefix + key.name, before, after, show)


def _each(
    kind: str,
    prefix: str,
    old: Mapping[str, _T],
    new: Mapping[str, _T],
    changes: Callable[[_T, _T], Iterable[str]],
) -> Iterator[str]:
    """Lines about what stands by name in a table."""
    for name, after in new.items():
        if name not in old:
            yield f"{kind}{name} added"
        else:
            yield from (f"{prefix}{name}: {change}" for change in changes(old[name], after))
    yield from (f"{kind}{name} removed" for name in old if name not in new)


def _change(
    key: str, old: _T | None, new: _T | None, show: Callable[[_T], str] = str
) -> Iterator[str]:
    if old != new:
        was, now = ("none" if value is None else show(value) for value in (old, new))
        yield f"{key} {was} → {now}"


def _flag(on: bool) -> str:  # noqa: FBT001 - it is what is shown
    return "true" if on else "false"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
