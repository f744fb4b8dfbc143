import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from policies import (
    Facts,
    LeastLatency,
    Limits,
    Price,
    Priority,
    Rate,
    Retry,
    Target,
    WeightedRoundRobin,
)
from router.building import build, choosing
from router.building.reach import headers_of
from router.config import Config, ProviderModel, load
from router.tenants.identity import DEFAULT, Tenant
from router.upstream.http import Http, HttpTransport
from router.upstream.made_up import Behaviour

PROVIDERS = """
version: 1
defaults: {deadline: 10s, retry: {attempts: 2, budget: 0.1}}
providers:
  sim:
    dialect: simulated
    limits: {requests: [500/min, 10k/day], tokens: 200k/min, concurrent: 64}
    models:
      one: {first_token: 5ms, tokens_per_second: 20, jitter: 0.1, error_rate: 0.5, output_tokens: 7,
            seed: 3}
      two: {limits: {tokens: 100k/min}}
  far:
    dialect: openai
    base_url: https://far.example/v1/
    api_key: "${FAR_KEY:-}"
    models:
      org/three: {context: 8k, timeouts: {connect: 1s, first_token: 2s, between_tokens: 3s}}
  near: {like: far, base_url: http://near.example/v1}
"""
MODELS = """
models:
  shared:
    policy: weighted_round_robin
    targets: {sim/one: 9, sim/two: 1, far/org/three: 2}
    deadline: 5s
    retry: {attempts: 4}
  steady: {policy: priority, within: weighted_round_robin, tiers: [[far/org/three], {sim/one: 2}]}
  plain: {policy: priority, tiers: [[sim/one]]}
  quick: {targets: [sim/two]}
  far: {targets: [far/org/three, near/org/three]}
"""
KEY = {"FAR_KEY": "far-key"}
Loads = Callable[..., Config]


@pytest.fixture
def loads(tmp_path: Path) -> Loads:
    def loads(text: str = PROVIDERS + MODELS, **environ: str) -> Config:
        path = tmp_path / "providers.yaml"
        path.write_text(text)
        return load(path, environ)

    return loads


# Routes.


def test_targets_have_their_weights_and_tiers(loads: Loads) -> None:
    routes = build.routes_of(loads(**KEY))
    assert routes["shared"].targets == [
        Target("sim/one", 9),
        Target("sim/two", 1),
        Target("far/org/three", 2),
    ]
    assert routes["steady"].targets == [Target("far/org/three", 1, 0), Target("sim/one", 2, 1)]


def test_a_target_that_is_off_is_in_no_route_and_the_others_keep_their_tier(loads: Loads) -> None:
    routes = build.routes_of(loads())
    assert routes["shared"].targets == [Target("sim/one", 9), Target("sim/two", 1)]
    assert routes["steady"].targets == [Target("sim/one", 2, 1)]


def test_a_model_that_cannot_serve_has_no_route_but_a_reason(loads: Loads) -> None:
    assert "far" not in build.routes_of(loads())
    assert build.off(loads()) == {"far": "far: FAR_KEY is not set; near: FAR_KEY is not set"}
    assert "far" in build.routes_of(loads(**KEY))
    assert build.off(loads(**KEY)) == {}


def test_every_target_that_is_on_is_a_route_under_its_full_name(loads: Loads) -> None:
    config = loads(FAR_KEY="far-key")
    routes = build.routes_of(config)
    for name in ("sim/one", "sim/two", "far/org/three", "near/org/three"):
        assert routes[name].targets == [Target(name)]
        assert routes[name].retry == Retry(2, 0.1)
    assert [name for name in build.routes_of(loads()) if "/" in name] == ["sim/one", "sim/two"]


def test_a_route_retries_as_it_says_else_as_the_defaults_say(loads: Loads) -> None:
    routes = build.routes_of(loads())
    assert routes["shared"].retry == Retry(4, 0.1)
    assert routes["steady"].retry == Retry(2, 0.1)


def test_policies_are_those_named_and_least_latency_where_none_is(loads: Loads) -> None:
    routes = build.routes_of(loads())
    assert routes["shared"].policy == WeightedRoundRobin()
    assert routes["steady"].policy == Priority(WeightedRoundRobin())
    assert routes["plain"].policy == Priority(LeastLatency())
    assert routes["quick"].policy == LeastLatency()


def test_a_caller_may_name_every_built_in_policy() -> None:
    # But `cost_tiers`: its rules are a route's.
    assert choosing.named_policies() == {
        "weighted_round_robin": WeightedRoundRobin(),
        "least_latency": LeastLatency(),
        "priority": Priority(),
    }


# Facts and upstreams.


def test_limits_of_a_provider_bind_its_models_together_and_those_of_a_model_as_well(
    loads: Loads,
) -> None:
    facts = build.facts_of(loads(**KEY))
    assert facts["sim"].limits == Limits(
        requests=(Rate(500, 60), Rate(10_000, 86_400)), tokens=(Rate(200_000, 60),), concurrent=64
    )
    assert facts["sim/two"].limits == Limits(tokens=(Rate(100_000, 60),))
    assert facts["sim/one"].limits == Limits()
    assert facts["sim/one"].groups[0] == facts["sim/two"].groups[0] == "sim"


def test_what_is_known_of_a_target(loads: Loads) -> None:
    far = build.facts_of(loads(**KEY))["far/org/three"]
    assert isinstance(far, Facts)
    assert (far.context, far.first_token) == (8_000, 2.0)
    assert far.groups == ("far", "model:org/three")
    assert "far/org/three" not in build.facts_of(loads())


def test_a_fate_is_shared_with_the_account_the_region_of_a_company_the_company_and_the_model(
    tmp_path: Path,
) -> None:
    path = tmp_path / "providers.yaml"
    path.write_text("""
version: 1
providers:
  us: {preset: openai, region: us-east, api_key: one, models: [m]}
  eu: {like: us, region: eu-west-1, base_url: https://eu.example/v1}
  eu2: {like: eu, api_key: two}
  any: {preset: openai, api_key: three, models: [m]}
  far: {preset: mistral, region: eu-west-1, api_key: four, models: [m]}
models: {chat: {targets: [us/m, eu/m, eu2/m, any/m, far/m]}}
""")
    facts = build.facts_of(load(path, {}))
    assert {name: told.groups for name, told in facts.items() if "/" in name} == {
        "us/m": ("us", "region:openai/us-east", "company:openai", "model:m"),
        "eu/m": ("eu", "region:openai/eu-west-1", "company:openai", "model:m"),
        "eu2/m": ("eu2", "region:openai/eu-west-1", "company:openai", "model:m"),
        "any/m": ("any", "company:openai", "model:m"),
        "far/m": ("far", "region:mistral/eu-west-1", "company:mistral", "model:m"),
    }


def test_a_target_is_the_same_place_while_its_base_url_and_model_are(loads: Loads) -> None:
    facts = build.facts_of(loads(**KEY))
    again = build.facts_of(loads(FAR_KEY="another"))
    assert facts["far/org/three"].identity == again["far/org/three"].identity
    assert facts["far/org/three"].identity != facts["near/org/three"].identity
    assert facts["sim/one"].identity != facts["sim/two"].identity


async def test_how_a_target_is_reached(loads: Loads) -> None:
    http = Http()
    upstreams = build.upstreams_of(loads(**KEY), {}, http)
    far = upstreams["far/org/three"]
    assert (far.target, far.model) == ("far/org/three", "org/three")
    assert (far.timeouts.connect, far.timeouts.between_tokens) == (1.0, 3.0)
    assert isinstance(far.transport, HttpTransport)
    head = far.transport.head("/chat/completions").split(b"\r\n")
    assert head[0] == b"POST /v1/chat/completions HTTP/1.1"
    assert {b"host: far.example", b"authorization: Bearer far-key"} <= set(head)
    assert upstreams["near/org/three"].transport is not far.transport
    assert upstreams["sim/one"].transport is upstreams["sim/two"].transport
    assert set(build.upstreams_of(loads(), {}, http)) == {"sim/one", "sim/two"}


async def test_an_upstream_does_not_print_its_credential(loads: Loads) -> None:
    assert "far-key" not in repr(build.upstreams_of(loads(**KEY), {}, Http()))


def test_a_provider_without_a_key_is_sent_none(loads: Loads) -> None:
    config = loads()
    assert "authorization" not in headers_of(config.providers["sim"])


def test_a_simulated_model_behaves_as_written(loads: Loads) -> None:
    models = loads().providers["sim"].models
    assert build.behaviour_of(models["one"]) == Behaviour(0.005, 20, 0.1, 0.5, 7, 3)
    two: ProviderModel = models["two"]
    assert build.behaviour_of(two) == Behaviour()


# Tenants.


def tenants(auth: str, **tenant: str) -> str:
    lines = "".join(f"  {name}: {said}\n" for name, said in tenant.items())
    text = PROVIDERS + "models: {chat: {targets: [sim/one]}}\n"
    return f"{text}server: {{auth: {auth}}}\n" + (f"tenants:\n{lines}" if lines else "")


def test_keys_are_known_by_their_text_or_by_their_hash(loads: Loads) -> None:
    hashed = sha256(b"hashed").hexdigest()
    said = f'{{keys: ["${{PLAIN}}", "sha256:{hashed}"], may: [policy], models: [chat]}}'
    found = build.tenants_of(loads(tenants("keys", team=said), PLAIN="plain"))
    for key in ("plain", "hashed"):
        team = found.identify(f"Bearer {key}")
        assert team is not None
        assert team == Tenant("team", frozenset({"policy"}), frozenset({"chat"}))
    assert found.identify(f"Bearer {hashed}") is None


def test_an_empty_key_is_dropped_and_opens_nothing(loads: Loads) -> None:
    found = build.tenants_of(loads(tenants("keys", team='{keys: ["${EMPTY:-}"]}')))
    assert found.identify("Bearer ") is None
    assert found.identify(None) is None


def test_where_auth_is_open_everyone_is_default_as_the_file_has_it(loads: Loads) -> None:
    assert build.tenants_of(loads(tenants("open"))).identify(None) is DEFAULT
    found = build.tenants_of(loads(tenants("open", default="{may: [policy]}"))).identify("Bearer x")
    assert found == Tenant("default", frozenset({"policy"}))


# Policies by their import path.


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], int]]:
    """Writes the module `mine`, which nobody has imported yet."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield (tmp_path / "mine.py").write_text
    sys.modules.pop("mine", None)


def plugged(policy: str = "mine:First") -> str:
    text = f"{PROVIDERS}models: {{chat: {{policy: {policy}, targets: [sim/one, sim/two]}}}}\n"
    return text + "server: {plugins: [mine]}\n"


FIRST = """
from dataclasses import dataclass

@dataclass(frozen=True)
class First:
    step: int = 1
    needs = frozenset()

    def fresh(self):
        return {}

    def choose(self, request, candidates, memory, now, rng):
        return candidates[0]
"""


def test_a_policy_comes_from_a_module_that_server_plugins_lists(
    loads: Loads, module: Callable[[str], int]
) -> None:
    module(FIRST)
    first, again = (build.routes_of(loads(plugged()))["chat"].policy for _ in range(2))
    assert type(first).__name__ == "First"
    assert first == again  # so what it remembers outlives a reload


def test_a_policys_options_are_its_arguments(loads: Loads, module: Callable[[str], int]) -> None:
    module(FIRST)
    policy: Any = build.routes_of(loads(plugged('{name: "mine:First", step: 3}')))["chat"].policy
    assert policy.step == 3


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (None, "mine:First", "ModuleNotFoundError: No module named 'mine'"),
        ("", "mine:First", "AttributeError: module 'mine' has no attribute 'First'"),
        ("def First(:", "mine:First", "SyntaxError: invalid syntax (mine.py, line 1)"),
        ("1 / 0", "mine:First", "ZeroDivisionError: division by zero"),
        ("First = {}['x']", "mine:First", "KeyError: 'x'"),
        ("First = 7", "mine:First", "TypeError: 'int' object is not callable"),
        ("First = list", "mine:First", "it is no policy, which has `needs`, `fresh` and `choose`"),
        (FIRST, '{name: "mine:First", stride: 2}', "unexpected keyword argument 'stride'"),
        (
            FIRST.replace("frozenset()", "frozenset({'language'})"),
            "mine:First",
            "features that nobody extracts: ['language']",
        ),
        (FIRST.replace("(frozen=True)", ""), "mine:First", "unhashable type: 'First'"),
        (FIRST.replace("return {}", "return {}[0]"), "mine:First", "KeyError: 0"),
    ],
)
def test_a_policy_that_cannot_be_made_is_named_with_its_reason(
    loads: Loads, module: Callable[[str], int], text: str | None, name: str, words: str
) -> None:
    if text is not None:
        module(text)
    with pytest.raises(choosing.BuildFault) as caught:
        build.routes_of(loads(plugged(name)))
    assert str(caught.value).startswith("the policy 'mine:First' cannot be made: ")
    assert words in str(caught.value)


def test_another_key_is_another_account_and_no_fact_shows_it(loads: Loads) -> None:
    first, second = (build.facts_of(loads(FAR_KEY=key))["far"] for key in ("key-one", "key-two"))
    assert first.identity != second.identity
    assert "key-one" not in repr(first)


def test_a_price_is_known_where_both_parts_are(tmp_path: Path) -> None:
    def facts(price: str) -> Facts:
        file = tmp_path / "providers.yaml"
        file.write_text(
            "version: 1\n"
            "providers: {sim: {dialect: simulated, models: {one: {price: " + price + "}}}}\n"
            "models: {chat: {targets: [sim/one]}}\n"
        )
        return build.facts_of(load(file, {}))["sim/one"]

    assert facts("{input: 0.25, output: 2.00}").price == Price(250, 2000)
    assert facts("{input: 0.25}").price is None
    assert facts("{}").price is None
