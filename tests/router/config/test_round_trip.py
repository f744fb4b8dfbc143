"""What is written, however it is spelled, is what is read."""

from typing import Any, Literal

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config import (
    ABILITIES,
    Limits,
    Price,
    Provider,
    ProviderModel,
    Rate,
    Retry,
    Route,
    Simulation,
    Timeouts,
    Tls,
    WeightedTarget,
    units,
)
from tests.router.config.samples import loaded

# Pairs of what a file says and what that means.
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
MODEL_NAMES = st.from_regex(r"[A-Za-z0-9é._:/-]{1,12}", fullmatch=True)
SPANS = st.integers(1, 10**8).flatmap(
    lambda ms: st.sampled_from([f"{ms}ms", units.show_duration(ms / 1000)]).map(
        lambda text: (text, ms / 1000)
    )
)
COUNTS = st.integers(1, 10**12).flatmap(
    lambda n: st.sampled_from([n, str(n), f"{n:_}", units.show_count(n)]).map(lambda w: (w, n))
)
RATES = st.tuples(COUNTS, st.sampled_from(sorted(units.PERIODS))).map(
    lambda drawn: (f"{drawn[0][0]}/{drawn[1]}", Rate(drawn[0][1], units.PERIODS[drawn[1]]))
)
RATE_LISTS = st.one_of(
    RATES.map(lambda rate: (rate[0], (rate[1],))),
    st.lists(RATES, max_size=3).map(lambda rs: ([w for w, _ in rs], tuple(r for _, r in rs))),
)
SHARES = st.integers(0, 1000).map(lambda n: (n / 1000, n / 1000))
WEIGHTS = st.one_of(
    st.integers(0, 10**6).map(lambda n: (n, float(n))),
    st.floats(0, 10**6).filter(lambda f: f == 0 or f > 1e-3).map(lambda f: (f, f)),
)


def tables(**keys: st.SearchStrategy[tuple[Any, Any]]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Tables with some of `keys`: as they are written, and what they mean."""
    return st.fixed_dictionaries({}, optional=keys).map(
        lambda drawn: (
            {key: pair[0] for key, pair in drawn.items()},
            {key: pair[1] for key, pair in drawn.items()},
        )
    )


LIMITS = tables(
    requests=RATE_LISTS,
    tokens=RATE_LISTS,
    input_tokens=RATE_LISTS,
    output_tokens=RATE_LISTS,
    concurrent=COUNTS,
).map(lambda pair: (pair[0], Limits(**pair[1])))
TIMEOUTS = tables(connect=SPANS, first_token=SPANS, between_tokens=SPANS)
SIMULATION = {
    "first_token": SPANS,
    "tokens_per_second": WEIGHTS.filter(lambda pair: pair[1] > 0),
    "jitter": SHARES,
    "error_rate": SHARES,
    "output_tokens": COUNTS,
    "seed": COUNTS,
}
PRICES = st.integers(0, 10**9).map(lambda nano: (units.show_price(nano), nano))
PRICE = tables(input=PRICES, output=PRICES).map(lambda pair: (pair[0], Price(**pair[1])))
SIMULATED = tables(context=COUNTS, price=PRICE, limits=LIMITS, timeouts=TIMEOUTS, **SIMULATION)
LACKS = st.frozensets(st.sampled_from(ABILITIES)).map(lambda lacks: (sorted(lacks), lacks))
APIS = st.sampled_from(["chat", "responses"]).map(lambda api: (api, api))
TOKENIZERS = st.sampled_from(["o200k_base", "mine"]).map(lambda name: (name, name))
REAL = tables(
    context=COUNTS,
    output=COUNTS,
    lacks=LACKS,
    api=APIS,
    tokenizer=TOKENIZERS,
    price=PRICE,
    limits=LIMITS,
    timeouts=TIMEOUTS,
)


@st.composite
def providers(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], Provider]:
    simulated = draw(st.booleans())
    names = draw(st.lists(MODEL_NAMES, min_size=1, max_size=3, unique=True))
    drawn = {model: draw(SIMULATED if simulated else REAL) for model in names}
    limits, timeouts = draw(LIMITS), draw(TIMEOUTS)
    written: dict[str, Any] = {
        "limits": limits[0],
        "timeouts": timeouts[0],
        "models": {model: pair[0] or None for model, pair in drawn.items()},
    }
    written |= {"dialect": "simulated"} if simulated else {"base_url": "http://127.0.0.1:9/v1"}
    models = {
        model: ProviderModel(
            name=model,
            context=means.get("context"),
            output=means.get("output"),
            lacks=means.get("lacks", frozenset()),
            api=means.get("api", "chat"),
            price=means.get("price", Price()),
            limits=means.get("limits", Limits()),
            timeouts=Timeouts(**(timeouts[1] | means.get("timeouts", {}))),
            simulation=Simulation(**{k: v for k, v in means.items() if k in SIMULATION})
            if simulated
            else None,
            tokenizer=means.get("tokenizer"),
        )
        for model, (_, means) in drawn.items()
    }
    url = None if simulated else "http://127.0.0.1:9/v1"
    dialect: Literal["openai", "simulated"] = "simulated" if simulated else "openai"
    return written, Provider(
        name=name,
        company=None,
        region=None,
        dialect=dialect,
        base_url=url,
        api_key=None,
        headers={},
        tls=Tls(),
        proxy=None,
        connections=None,
        asks_usage=True,
        native={},
        keeps=False,
        limits=limits[1],
        models=models,
        off_because=None,
    )


@st.composite
def files(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Provider], dict[str, Any]]:
    drawn = {
        name: draw(providers(name))
        for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    }
    targets = [f"{name}/{model}" for name, (_, p) in drawn.items() for model in p.models]
    routes: dict[str, Any] = {}
    written: dict[str, Any] = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)):
        mine = draw(st.lists(st.sampled_from(targets), min_size=1, unique=True))
        tiered = draw(st.booleans())
        weights = [draw(WEIGHTS) for _ in mine]
        parts = [[i] for i in range(len(mine))] if tiered else [list(range(len(mine)))]
        tiers = [{mine[i]: weights[i][0] for i in part} for part in parts]
        written[name] = {"policy": "priority", "tiers": tiers} if tiered else {"targets": tiers[0]}
        routes[name] = tuple(
            tuple(WeightedTarget(mine[i], weights[i][1]) for i in part) for part in parts
        )
    file = {"version": 1, "providers": {n: w for n, (w, _) in drawn.items()}, "models": written}
    return file, {name: provider for name, (_, provider) in drawn.items()}, routes


@settings(deadline=None)
@given(files(), st.booleans())
def test_a_file_that_is_dumped_loads_to_what_it_was_made_from(file, flow):
    written, expected, routes = file
    text = yaml.safe_dump(written, sort_keys=False, default_flow_style=flow, allow_unicode=True)
    config = loaded(text)
    assert dict(config.providers) == expected
    assert {name: route.tiers for name, route in config.models.items()} == routes
    for route in config.models.values():
        assert route == Route(
            route.name, route.policy, route.within, routes[route.name], 600, Retry()
        )
