"""From a configuration to what runs: routes and facts for the engine, an upstream for every target.

Only translation: nothing here opens anything, and nothing is decided that the file does not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256

from policies import Climb, Facts, LeastLatency, Price, PromptCache, Retry, Route, Target
from router.building.abilities import lacks_of
from router.building.canaries import canaries_of, canary
from router.building.choosing import BuildFault, policy_of
from router.building.counting import counting_of, limits_of
from router.building.made import Made
from router.building.reach import Unreachable, transport_of
from router.building.service_tiers import fields_of, headers_of
from router.building.speaks import hints_of, speaks_of, withheld_of
from router.config import Config, Provider, ProviderModel, Shadow
from router.config import Retry as ConfigRetry
from router.config import Route as ConfigRoute
from router.config import Tenant as ConfigTenant
from router.config.variants import identity_of
from router.midnight import SINCE_1970, Clocks
from router.shadow.terms import ARM
from router.stored.accounts import Account
from router.tenants.allowances import Allowances, TenantLimits
from router.tenants.identity import DEFAULT, Tenant, Tenants
from router.upstream.http import Http, HttpTransport
from router.upstream.made_up import Behaviour
from router.upstream.simulated import Simulated
from router.upstream.transport import Timeouts, Transport, Upstream

ONE_TRY = Retry(attempts=1, budget=0.0)


def routes_of(config: Config, made: Made | None = None) -> dict[str, Route]:
    """A route for every model that can serve, and one for every target under its full name; of
    their policies, what is `made` already is not made again.
    """
    made = made or Made()
    routes = {
        route.name: Route(
            [
                Target(target.name, target.weight, tier)
                for tier, targets in enumerate(config.live(route))
                for target in targets
            ],
            policy_of(route, made),
            retry_of(route.retry),
            frozenset(Climb(cause) for cause in route.climb),
            route.patience,
        )
        for route in serving(config)
    }
    retry = retry_of(config.defaults.retry)
    routes |= canaries_of(config, routes)
    routes |= {
        f"{name}{ARM}": Route([Target(shadow.to)], LeastLatency(), ONE_TRY)
        for name, shadow in shadowed(config).items()
    }
    return routes | {
        name: Route([Target(name)], LeastLatency(), retry) for name in live_targets(config)
    }


def shadowed(config: Config) -> dict[str, Shadow]:
    """The shadows of routes that can serve, as far as their targets are switched on."""
    return {
        route.name: route.shadow
        for route in serving(config)
        if route.shadow is not None and config.target(route.shadow.to)[0].enabled
    }


def facts_of(config: Config, clocks: Clocks = SINCE_1970) -> dict[str, Facts]:
    """What is known of every target that is switched on, and the limits of every provider."""
    facts = {
        name: Facts(limits_of(provider.limits, provider.counts, clocks), identity=account(provider))
        for name, provider in config.providers.items()
    }
    for name in live_targets(config):
        provider, model = config.target(name)
        facts[name] = Facts(
            limits=limits_of(model.limits, model.counts, clocks),
            context=model.context,
            price=price_of(model),
            groups=fates_of(provider, model),
            first_token=model.timeouts.first_token,
            lacks=lacks_of(provider, model),
            identity=identity_of(provider, model),
            counting=counting_of(model),
            tokenizer=model.tokenizer or "",
            prompts=PromptCache(*model.prompts),
            provisioned=model.provisioned,
        )
    return facts


def recorded_of(config: Config) -> dict[str, float]:
    """The part of each model's requests of which decisions are written: of those for a target by
    its full name, all. Empty where there is no file.
    """
    if config.server.decisions.file is None:
        return {}
    return {
        **dict.fromkeys(live_targets(config), 1.0),
        **{route.name: route.decisions for route in serving(config) if route.decisions},
    }


def price_of(model: ProviderModel) -> Price | None:
    """A price is known where both of its parts are."""
    price = model.price
    if price.input is None or price.output is None:
        return None
    return Price(price.input, price.output, price.cached)


def fates_of(provider: Provider, model: ProviderModel) -> tuple[str, ...]:
    """What a target shares its fate with: its account, its company's region, its company, its
    upstream model. The signs keep them apart from names that the file gives to providers. Two
    companies in one region share nothing.
    """
    company, region = provider.company, provider.region
    regions = (f"region:{company}/{region}",) if company and region else ()
    companies = (f"company:{company}",) if company else ()
    return (provider.name, *regions, *companies, f"model:{model.name}")


def account(provider: Provider) -> str:
    """What makes it the same account after a reload: with another key, a denial is forgotten."""
    key = provider.api_key.reveal() if provider.api_key else ""
    return f"{provider.base_url} {provider.auth} {sha256(key.encode()).hexdigest()}"


def upstreams_of(config: Config, environ: Mapping[str, str], http: Http) -> dict[str, Upstream]:
    """How every target that is switched on is reached. Raises `BuildFault`."""
    simulated = {
        provider.name: Simulated(
            {
                f"{provider.name}/{name}": behaviour_of(model)
                for name, model in provider.models.items()
            }
        )
        for provider in config.providers.values()
        if provider.dialect == "simulated"
    }
    transports: dict[str, Transport] = dict(simulated)
    upstreams = {}
    for name in live_targets(config):
        provider, model = config.target(name)
        if provider.name not in transports:
            transports[provider.name] = _transport(provider, environ, http)
        upstreams[name] = Upstream(
            target=name,
            model=model.sent or model.name,
            speaks=speaks_of(provider, model),
            transport=transports[provider.name],
            timeouts=Timeouts(model.timeouts.connect, model.timeouts.between_tokens),
            ask_usage=provider.asks_usage,
            withheld=withheld_of(provider),
            more=fields_of(provider, model),
            headers=headers_of(provider, model),
            deploys=model.name if model.sent else "",
            hints=hints_of(provider, model),
        )
    return upstreams


def _transport(provider: Provider, environ: Mapping[str, str], http: Http) -> Transport:
    try:
        return transport_of(provider, environ, http)
    except (Unreachable, ValueError) as error:
        raise BuildFault(f"provider {provider.name}: {error}") from None


def accounts_of(config: Config, upstreams: Mapping[str, Upstream]) -> Mapping[str, Account]:
    """The providers that keep what they made, by their names."""
    found = {}
    for provider in config.providers.values():
        names = [f"{provider.name}/{model}" for model in provider.models]
        targets = frozenset(name for name in names if name in upstreams)
        if not provider.keeps or not targets:
            continue
        upstream = upstreams[min(targets)]
        if isinstance(upstream.transport, HttpTransport):
            found[provider.name] = Account(
                provider.name,
                targets,
                upstream.transport,
                config.defaults.deadline,
                upstream.timeouts.between_tokens,
            )
    return found


def tenants_of(config: Config) -> Tenants:
    """Who is who."""
    tenants = {
        name: Tenant(name, tenant.may, tenant.models, allowances_of(config, tenant))
        for name, tenant in config.tenants.items()
    }
    keys = [(key, tenants[name]) for name, tenant in config.tenants.items() for key in tenant.keys]
    return Tenants(
        keys, tenants.get(DEFAULT.name, DEFAULT) if config.server.auth == "open" else None
    )


def allowances_of(config: Config, tenant: ConfigTenant) -> Allowances | None:
    """What a tenant may ask for in a while; None: nothing bounds it."""
    limits = TenantLimits(
        limits_of(tenant.limits),
        limits_of(tenant.per_user),
        {name: limits_of(one) for name, one in tenant.per_model.items()},
        {name: limits_of(one) for name, one in tenant.per_endpoint.items()},
    )
    fleet = config.shared.fleet if config.shared.redis is not None else None
    return Allowances(tenant.name, limits, fleet) if limits else None


def retry_of(retry: ConfigRetry) -> Retry:
    """The engine's words for a file's retries."""
    return Retry(retry.attempts, retry.budget, retry.hedge)


def live_targets(config: Config) -> list[str]:
    """Every declared target whose provider is switched on."""
    return [name for name in config.targets() if config.target(name)[0].enabled]


def behaviour_of(model: ProviderModel) -> Behaviour:
    """How a simulated model behaves."""
    return Behaviour() if model.simulation is None else Behaviour(**asdict(model.simulation))


def serving(config: Config) -> list[ConfigRoute]:
    """The routes that can serve: one of their targets is switched on, and has a weight."""
    return [
        route
        for route in config.models.values()
        if any(target.weight > 0 for tier in config.live(route) for target in tier)
    ]


def alike(config: Config) -> dict[str, frozenset[str]]:
    """For every route whose targets are not all of one upstream model, and that does not let them
    make embeddings all the same: those of its first target's model that are switched on. Who has
    no endpoint for them is not asked, and so is none of these. Where its traffic moves to another
    one, they stay until it is there.
    """
    found = {}
    for route in serving(config):
        # What operators say for a while must not have other models make a route's embeddings.
        members = [one for tier in (*route.tiers, canary(config, route)) for one in tier]
        named = [target.name for target in members if target.weight > 0 or target.said]
        weighted = [n for n in named if "embeddings" not in lacks_of(*config.target(n))] or named
        models = {name: config.target(name)[1].name for name in weighted}
        first = models[weighted[0]]
        if route.embeddings == "one_model" and set(models.values()) != {first}:
            live = live_targets(config)
            found[route.name] = frozenset(
                name for name, model in models.items() if model == first and name in live
            )
    return found


def resumed(config: Config) -> dict[str, bool]:
    """The routes whose answers are gone on with where they break off; whether by any model."""
    return {
        route.name: route.interrupted == "resume_any"
        for route in serving(config)
        if route.interrupted != "error"
    }


def off(config: Config) -> dict[str, str]:
    """Why each model that cannot serve is off."""
    can = {route.name for route in serving(config)}
    return {name: _why(config, route) for name, route in config.models.items() if name not in can}


def _why(config: Config, route: ConfigRoute) -> str:
    if live := config.live(route):
        said = [
            f"{target.name} is {target.said}" for tier in live for target in tier if target.said
        ]
        return "; ".join(said) or "every weight is 0"
    names = sorted({target.name.partition("/")[0] for tier in route.tiers for target in tier})
    return "; ".join(f"{name}: {config.providers[name].off_because}" for name in names)
