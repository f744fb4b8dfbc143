"""What a right file means."""

import hashlib
import math
from dataclasses import FrozenInstanceError

import pytest

from router.config import (
    Address,
    ConfigError,
    Decisions,
    Defaults,
    Drain,
    Limits,
    PolicySpec,
    Rate,
    Retry,
    Server,
    Simulation,
    Timeouts,
    WeightedTarget,
)
from tests.router.config.samples import MODELS, PROVIDERS, loaded, noted, said

BASE = PROVIDERS + MODELS


def test_a_short_file_has_the_defaults():
    config = loaded(BASE)
    assert config.version == 1
    assert config.server == Server()
    assert config.defaults == Defaults()
    assert config.models["chat"].policy == PolicySpec("least_latency")
    assert config.models["chat"].deadline == 600
    assert config.providers["sim"].models["fast"].simulation == Simulation()
    assert config.tenants == {}
    assert config.notes == ()
    assert config.path.name == "providers.yaml"


def test_every_key_of_server_and_defaults_is_read():
    config = loaded(
        BASE
        + """
server:
  listen: "[::1]:0"
  admin: localhost:8081
  admin_token: "${TOKEN}"
  auth: keys
  max_body: 10kB
  drain: {announce: 0, wait: 1m}
  decisions: {keep: 20, rate: 5/min}
  fetch: {hosts: ["Images.internal", "10.0.0.7:8000", "[::1]:80"]}
  hosts: [Router.example.com]
  origins: ["https://App.example.com:8443"]
  plugins: [mine.policies]
defaults:
  deadline: 1m
  timeouts: {connect: 1s, first_token: 2s, between_tokens: 3s, client_write: 4s}
  retry: {attempts: 5, budget: 1}
""",
        {"TOKEN": "t"},
    )
    server = config.server
    assert server.admin_token is not None
    assert server.admin_token.reveal() == "t"
    assert (server.listen, server.admin) == (Address("::1", 0), Address("localhost", 8081))
    assert str(server.listen) == "[::1]:0"
    assert (server.auth, server.max_body, server.drain) == ("keys", 10_000, Drain(0, 60))
    assert server.decisions == Decisions(20, Rate(5, 60.0))
    assert server.fetch == ("images.internal", "10.0.0.7:8000", "[::1]:80")
    assert server.hosts == ("router.example.com",)
    assert server.origins == ("https://app.example.com:8443",)
    assert server.plugins == ("mine.policies",)
    assert config.defaults == Defaults(60, Timeouts(1, 2, 3, 4), Retry(5, 1))


def test_every_key_of_a_provider_is_read():
    config = loaded(
        """
version: 1
providers:
  p:
    base_url: http://127.0.0.1:9/v1/
    api_key: " key\\n"
    limits: {requests: [500/min, 10k/day], tokens: 200k/min, concurrent: 64}
    timeouts: {connect: 1s}
    models:
      m: {context: 400k, limits: {tokens: 1k/s}, timeouts: {first_token: 9s}}
      a/b: null
models: {chat: {targets: [p/m, p/a/b]}}
"""
    )
    provider = config.providers["p"]
    assert provider.enabled
    assert provider.base_url == "http://127.0.0.1:9/v1"
    assert provider.api_key is not None
    assert provider.api_key.reveal() == "key"
    assert provider.limits == Limits(
        (Rate(500, 60), Rate(10_000, 86_400)), (Rate(200_000, 60),), 64
    )
    model = provider.models["m"]
    assert model.context == 400_000
    assert model.limits == Limits(tokens=(Rate(1000, 1),))
    assert model.timeouts == Timeouts(connect=1, first_token=9)
    assert model.simulation is None
    assert provider.models["a/b"].timeouts == Timeouts(connect=1)
    assert config.target("p/a/b") == (provider, provider.models["a/b"])
    assert list(config.targets()) == ["p/m", "p/a/b"]


def test_a_simulated_model_takes_its_parameters():
    text = PROVIDERS.replace(
        "fast: ,",
        "fast: {first_token: 120ms, tokens_per_second: 90, jitter: 0.1, error_rate: 0.02, "
        "output_tokens: 1k, seed: 7},",
    )
    model = loaded(text + MODELS).providers["sim"].models["fast"]
    assert model.simulation == Simulation(0.12, 90, 0.1, 0.02, 1000, 7)


@pytest.mark.parametrize(
    "targets",
    [
        "[sim/fast, sim/slow]",
        "{sim/fast: 1, sim/slow: 1.0}",
        "{sim/fast: {weight: 1}, sim/slow: {}}",
        '{sim/fast: "${ONE:-1}", sim/slow: }'.replace(": }", ': "1"}'),
    ],
)
def test_targets_have_one_form_whatever_they_are_written_as(targets):
    route = loaded(PROVIDERS + f"models: {{chat: {{targets: {targets}}}}}\n").models["chat"]
    assert route.tiers == ((WeightedTarget("sim/fast", 1.0), WeightedTarget("sim/slow", 1.0)),)
    assert route.within is None


def test_tiers_keep_their_order_and_have_a_policy_within():
    text = "models: {chat: {policy: priority, tiers: [[sim/slow], {sim/fast: 3}]}}\n"
    route = loaded(PROVIDERS + text).models["chat"]
    assert route.tiers == ((WeightedTarget("sim/slow", 1),), (WeightedTarget("sim/fast", 3),))
    assert route.within == PolicySpec("least_latency")


def test_a_route_has_its_own_deadline_and_retry_over_the_defaults():
    text = MODELS.replace("{targets", "{deadline: 5s, retry: {attempts: 1}, targets")
    route = loaded(PROVIDERS + text + "defaults: {retry: {budget: 0.5}}\n").models["chat"]
    assert (route.deadline, route.retry) == (5, Retry(1, 0.5))


def test_a_policy_of_a_plugin_takes_options():
    text = "models: {chat: {policy: {name: 'my.own:Policy', depth: 3}, targets: [sim/fast]}}\n"
    route = loaded(PROVIDERS + "server: {plugins: [my.own]}\n" + text).models["chat"]
    assert route.policy == PolicySpec("my.own:Policy", {"depth": 3})


LIKE = """
version: 1
providers:
  b: {like: a, api_key: two}
  a:
    preset: openai
    api_key: one
    limits: {concurrent: 3}
    models: [m]
models: {chat: {targets: [a/m, b/m]}}
"""


def test_a_provider_that_is_like_another_differs_in_what_it_says():
    providers = loaded(LIKE).providers
    a, b = providers["a"], providers["b"]
    assert (b.base_url, b.limits, b.models) == (a.base_url, a.limits, a.models)
    assert b.api_key is not None
    assert b.api_key.reveal() == "two"
    assert b.name == "b"


def test_a_region_is_text_and_passes_to_who_is_like_it():
    providers = loaded(
        LIKE.replace("preset: openai", "preset: openai\n    region: us east")
    ).providers
    assert (providers["a"].region, providers["b"].region) == ("us east", "us east")
    assert loaded(LIKE).providers["a"].region is None


def test_a_circle_of_likenesses_is_named_at_each_of_its_members():
    problems = said(LIKE.replace("preset: openai", "like: b"))
    assert [p.partition(";")[0] for p in problems] == [
        "4:13: like goes round in a circle: b → a → b",
        "6:11: like goes round in a circle: a → b → a",
    ]


def test_a_preset_reads_its_own_variable_when_no_key_is_written():
    text = LIKE.replace("    api_key: one\n", "").replace(", api_key: two", "")
    on = loaded(text, {"OPENAI_API_KEY": "secret"}).providers
    assert on["a"].api_key == on["b"].api_key
    assert on["a"].enabled
    off = loaded(text).providers["a"]
    assert not off.enabled
    assert off.off_because == "OPENAI_API_KEY is not set"


@pytest.mark.parametrize(
    ("written", "base_url"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        ("http://proxy/ollama/v1", "http://proxy/ollama/v1"),
    ],
)
def test_a_preset_adds_its_path_to_a_bare_host_and_to_nothing_else(written, base_url):
    text = f"""
version: 1
providers: {{o: {{preset: ollama, base_url: "{written}", models: [m]}}}}
models: {{chat: {{targets: [o/m]}}}}
"""
    provider = loaded(text).providers["o"]
    assert provider.base_url == base_url
    assert provider.enabled
    assert provider.api_key is None


def test_a_provider_without_a_preset_has_the_address_that_is_written():
    text = "providers: {o: {base_url: http://localhost, models: [m]}}"
    config = loaded(f"version: 1\n{text}\nmodels: {{chat: {{targets: [o/m]}}}}\n")
    assert config.providers["o"].base_url == "http://localhost"


@pytest.mark.parametrize("key", ["api_key", "base_url"])
@pytest.mark.parametrize(("value", "why"), [('"${X:-}"', "X is not set"), ('""', "is empty")])
def test_an_empty_credential_or_address_switches_a_provider_off(key, value, why):
    text = LIKE.replace("    api_key: one\n", f"    api_key: one\n    {key}: {value}\n")
    if key == "api_key":
        text = text.replace("    api_key: one\n", "")
    config = loaded(text)
    assert not config.providers["a"].enabled
    assert why in (config.providers["a"].off_because or "")
    assert [t.name for tier in config.live(config.models["chat"]) for t in tier] == (
        ["b/m"] if key == "api_key" else []
    )


def test_a_key_of_a_tenant_is_kept_as_its_digest():
    config = loaded(
        BASE
        + f"""
server: {{auth: keys}}
tenants:
  a: {{keys: ["${{KEY}}", "sha256:{"AB" * 32}"], may: [policy, target], models: [chat]}}
  b: {{keys: ["${{NONE:-}}"]}}
""",
        {"KEY": "plain"},
    )
    a, b = config.tenants["a"], config.tenants["b"]
    assert a.keys == (hashlib.sha256(b"plain").hexdigest(), "ab" * 32)
    assert a.may == frozenset({"policy", "target"})
    assert a.models == frozenset({"chat"})
    assert (b.keys, b.may, b.models) == ((), frozenset(), None)


def test_a_hashed_key_may_come_from_a_variable():
    text = BASE + 'tenants: {a: {keys: ["${KEY}"]}}\n'
    config = loaded(text, {"KEY": "sha256:" + "ab" * 32})
    assert config.tenants["a"].keys == ("ab" * 32,)


def test_a_variable_stands_for_any_value():
    config = loaded(
        PROVIDERS
        + "models:\n  chat:\n    deadline: ${DEADLINE:-5s}\n"
        + '    targets: {sim/fast: "${WEIGHT}", "sim/slow": 1}\n',
        {"WEIGHT": "90", "DEADLINE": ""},
    )
    assert config.models["chat"].deadline == 5
    assert config.models["chat"].tiers[0][0].weight == 90


def test_a_variable_may_stand_inside_text_and_is_not_searched_for_others():
    text = LIKE.replace("api_key: one", 'api_key: "a${X}${Y:-c}"')
    key = loaded(text, {"X": "${Y}"}).providers["a"].api_key
    assert key is not None
    assert key.reveal() == "a${Y}c"


def test_a_table_without_anything_in_it_is_as_if_it_were_not_there():
    empty = BASE + "server:\ndefaults:\n  timeouts:\n  retry: {}\ntenants:\n"
    assert loaded(empty).server == Server()


def test_all_mistakes_are_named_at_once_and_in_the_order_of_the_file():
    problems = said(
        """version: 2
providers:
  a: {dialect: simulatd, models: {m: {first_token: fast}}}
  b: {like: c}
models:
  chat: {targets: [a/m, a/n], deadline: soon, colour: red}
server: {listen: 0.0.0.0:80, hosts: "x"}
tenants:
  t: {models: [chart], may: [everything]}
  t: {}
"""
    )
    assert [problem.partition(" ")[0] for problem in problems] == [
        "1:10:",
        "3:3:",
        "3:16:",
        "3:39:",
        "3:52:",
        "4:13:",
        "6:25:",
        "6:41:",
        "6:47:",
        "7:18:",
        "7:37:",
        "9:16:",
        "9:30:",
        "10:3:",
    ]


def test_a_duplicate_key_is_an_error_that_names_both_lines():
    (problem,) = said(BASE + "  chat: {targets: [sim/fast]}\n")
    assert problem == '8:3: duplicate key "chat": it is on line 7 already; remove one of the two'


def test_a_configuration_cannot_be_changed():
    config = loaded(BASE)
    with pytest.raises(FrozenInstanceError):
        config.version = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        config.models["other"] = config.models["chat"]  # type: ignore[index]


def test_two_loads_of_one_file_are_equal():
    first, second = loaded(BASE), loaded(BASE)
    assert (first.server, first.providers, first.models) == (
        second.server,
        second.providers,
        second.models,
    )


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            LIKE.replace(": one", ': "${A_KEY:-one}"').replace(": two", ': "${B_KEY:-}"'),
            '4:25: provider "b" is off: B_KEY is not set; set it to switch the provider on',
        ),
        (
            PROVIDERS + "models: {chat: {targets: {sim/fast: 0}}}\n",
            '6:10: route "chat" serves nothing: every weight is 0; give one target a weight',
        ),
        (
            BASE + "server: {admin_token: ''}\n",
            (
                "8:23: admin_token is empty: the admin listener asks for none; "
                "give it a value, or remove the key"
            ),
        ),
        (
            BASE + "server: {auth: keys}\n",
            (
                "8:10: no tenant has a key: every request will be refused; "
                "give a tenant under `tenants:` a key"
            ),
        ),
        (
            BASE + f"tenants: {{a: {{keys: ['sha256:{'a' * 64}']}}}}\n",
            (
                "8:1: tenants have keys, but auth is open: nobody is asked for one; "
                "write `auth: keys` under server"
            ),
        ),
        (
            BASE + "tenants: {a: {keys: ['${A_KEY:-}']}}\n",
            (
                '8:22: tenant "a": an empty key is dropped (A_KEY is not set); '
                "set it, or remove it from the list"
            ),
        ),
    ],
    ids=["off", "drained", "no token", "no key", "open", "empty key"],
)
def test_what_is_allowed_but_worth_knowing_is_a_note(text, note):
    assert noted(text) == [note]


def test_a_key_that_stands_in_the_file_is_noted_and_not_shown():
    [note] = noted(LIKE.replace(": two", ': "${B_KEY:-two}"').replace(": one", ": sk-1"))
    assert "stands in the file" in note
    assert "sk-1" not in note


def test_a_weight_without_a_space_after_its_colon_is_told_how_to_write_it():
    with pytest.raises(ConfigError) as caught:
        loaded(PROVIDERS + "models: {chat: {targets: {sim/fast:90, sim/slow: 10}}}\n")
    told = [str(problem) for problem in caught.value.problems]
    assert any("one word to YAML; put a space after the colon" in line for line in told)


def test_a_route_whose_providers_are_all_off_gets_a_note():
    notes = noted(LIKE.replace("one", '""').replace("two", '""'))
    assert [note.partition(":")[0] for note in notes] == ["4", "7", "10"]
    assert notes[-1].endswith(
        'route "chat" serves nothing: its providers are off; switch one on: a, b'
    )


def test_weights_are_finite():
    (problem,) = said(PROVIDERS + "models: {chat: {targets: {sim/fast: .inf}}}\n")
    assert 'weight ".inf" is not a number, 0 or more' in problem
    assert math.isfinite(loaded(BASE).models["chat"].tiers[0][0].weight)


def test_a_tenant_s_limits_bind_all_it_asks_its_users_models_and_endpoints():
    config = loaded(
        BASE
        + """\
tenants:
  a:
    limits: {requests: 100/min, tokens: [200k/min, 5M/day], concurrent: 20}
    per_user: {requests: 10/min}
    per_model: {chat: {tokens: 50k/min}}
    per_endpoint: {embeddings: {requests: 600/min}, images/generations: }
  b:
"""
    )
    a, b = config.tenants["a"], config.tenants["b"]
    assert a.limits == Limits((Rate(100, 60),), (Rate(200_000, 60), Rate(5_000_000, 86400)), 20)
    assert a.per_user == Limits((Rate(10, 60),))
    assert a.per_model == {"chat": Limits(tokens=(Rate(50_000, 60),))}
    assert a.per_endpoint == {
        "embeddings": Limits((Rate(600, 60),)),
        "images/generations": Limits(),
    }
    assert (b.limits, b.per_user, b.per_model, b.per_endpoint) == (Limits(), Limits(), {}, {})
