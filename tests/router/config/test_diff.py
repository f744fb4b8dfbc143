"""What a reload changes, as people read it."""

from router.config import needs_restart, words
from tests.router.config.samples import loaded

OLD = """
version: 1
server: {plugins: [mine]}
providers:
  sim:
    dialect: simulated
    limits: {requests: 5/min}
    models: {fast: {first_token: 120ms, tokens_per_second: 90}, slow: {context: 8k}}
  groq: {preset: groq, api_key: "${GROQ_API_KEY:-}", models: [m]}
models:
  chat: {policy: weighted_round_robin, targets: {sim/fast: 90, sim/slow: 10}}
  steady: {policy: priority, tiers: [[sim/fast], [sim/slow]]}
  own: {policy: {name: "mine:Own", depth: 1}, targets: [sim/fast]}
tenants:
  a: {keys: ["${KEY:-}"], models: [chat]}
"""


def changed(*edits, environ=None):
    new = OLD
    for before, after in edits:
        assert before in new
        new = new.replace(before, after)
    return words(loaded(OLD), loaded(new, environ))


def test_the_same_file_changes_nothing():
    assert changed() == []
    assert changed(("8k", "8_000"), ("120ms", "0.12s"), ("[sim/fast], [", "{sim/fast: 1}, [")) == []


def test_a_weight_is_shown_before_and_after():
    assert changed(("sim/fast: 90", "sim/fast: 50")) == ["chat: sim/fast 90 → 50"]
    assert changed(("sim/fast: 90", "sim/fast: 0")) == ["chat: sim/fast 90 → 0"]


def test_targets_come_go_and_change_tiers():
    assert changed((", sim/slow: 10}", ", groq/m: 3}")) == [
        "chat: groq/m added",
        "chat: sim/slow removed",
    ]
    assert changed(("[sim/fast], [sim/slow]", "[sim/slow], [sim/fast], [groq/m]")) == [
        "steady: sim/slow from tier 2 to tier 1",
        "steady: sim/fast from tier 1 to tier 2",
        "steady: groq/m added to tier 3",
    ]


def test_a_shadow_comes_changes_and_goes():
    def shadow(written):
        return ("weighted_round_robin, targets", f"weighted_round_robin, {written}targets")

    first = "shadow: {to: groq/m}, "
    [told] = changed(shadow(first))
    assert told == "chat: shadow none → 5% to groq/m, 60/min, $5/day, 8 at once"
    dear = "shadow: {to: sim/slow, share: 50%, spend: none, judge: mine:best}, "
    [told] = changed(shadow(dear))
    assert told.endswith("→ 50% to sim/slow, 60/min, none, 8 at once, judged by mine:best")


def test_routes_come_and_go():
    assert changed(("steady: {policy", "firm: {policy")) == [
        "model firm added",
        "model steady removed",
    ]


def test_a_route_changes_its_policy_its_deadline_and_its_retries():
    assert changed(
        ("policy: weighted_round_robin", "deadline: 90s, retry: {attempts: 2}"),
        ("policy: priority", "policy: priority, within: weighted_round_robin"),
        ("depth: 1", "depth: 2"),
    ) == [
        "chat: policy weighted_round_robin → least_latency",
        "chat: deadline 10m → 90s",
        "chat: retry.attempts 3 → 2",
        "steady: within least_latency → weighted_round_robin",
        "own: other options for policy mine:Own",
    ]


def test_a_default_that_changes_is_one_line_and_not_one_for_each_who_has_it():
    defaults = "defaults: {deadline: 5m, timeouts: {connect: 1s}, retry: {budget: 0.1}}\nmodels:\n"
    assert changed(("\nmodels:\n", "\n" + defaults)) == [
        "defaults.deadline 10m → 5m",
        "defaults.timeouts.connect 3s → 1s",
        "defaults.retry.budget 0.2 → 0.1",
    ]


def test_providers_come_go_and_change():
    assert changed(("requests: 5/min", "concurrent: 5"), ("90}", "45}"), ("8k", "16k")) == [
        "provider sim: limits.requests 5/min → none",
        "provider sim: limits.concurrent none → 5",
        "provider sim: fast: tokens_per_second 90 → 45",
        "provider sim: slow: context 8k → 16k",
    ]
    assert changed(("groq: {preset: groq", "fast: {preset: mistral, base_url: http://x/v1")) == [
        "provider fast added",
        "provider groq removed",
    ]
    assert changed(
        ("preset: groq", "preset: mistral, timeouts: {connect: 1s}"), ("models: [m]", "models: [n]")
    ) == [
        "provider groq: base_url https://api.groq.com/openai/v1 → https://api.mistral.ai/v1",
        "provider groq: another preset",
        "provider groq: n added",
        "provider groq: m removed",
    ]


def test_a_provider_moves_to_another_region():
    assert changed(("preset: groq,", "preset: groq, region: eu-west-1,")) == [
        "provider groq: region none → eu-west-1"
    ]


def test_what_a_route_falls_back_on_changes():
    rungs = "when_all_fail: [{model: other}, {text: sorry}]"
    other = "  other: {targets: [groq/m]}\n"
    before = OLD.replace("tenants:", other + "tenants:")
    after = before.replace("  chat: {", f"  chat: {{{rungs}, ")
    assert words(loaded(before), loaded(after)) == [
        'chat: when_all_fail none → model other, then text "sorry"'
    ]


def test_a_provider_is_switched_on_and_off():
    on = {"GROQ_API_KEY": "x"}
    assert changed(environ=on) == ["provider groq: on"]
    assert words(loaded(OLD, on), loaded(OLD)) == ["provider groq: off: GROQ_API_KEY is not set"]


def test_tenants_come_go_and_change():
    assert changed(("  a: {", "  b: {")) == ["tenant b added", "tenant a removed"]
    assert changed(("models: [chat]}", "may: [target]}"), environ={"KEY": "k"}) == [
        "tenant a: other keys (0 → 1)",
        "tenant a: may none → target",
        "tenant a: models chat → all",
    ]


def test_limits_of_a_tenant_are_shown_by_what_they_bind():
    limits = (
        "models: [chat], limits: {requests: [5/min, 1k/day], concurrent: 3}, "
        "per_user: {tokens: 9/s}, per_model: {chat: {requests: 1/min}}, "
        "per_endpoint: {images/edits: {tokens: 2k/hour}}}"
    )
    assert changed(("models: [chat]}", limits)) == [
        "tenant a: limits.requests none → 1k/day, 5/min",
        "tenant a: limits.concurrent none → 3",
        "tenant a: per_user.tokens none → 9/s",
        "tenant a: per_model.chat.requests none → 1/min",
        "tenant a: per_endpoint.images/edits.tokens none → 2k/hour",
    ]


def test_every_key_of_server_needs_a_restart():
    server = "server: {listen: 127.0.0.1:1, max_body: 1MiB, drain: {wait: 1s}, plugins: [mine]}"
    new = loaded(OLD.replace("server: {plugins: [mine]}", server))
    assert needs_restart(loaded(OLD), new) == ["server.listen", "server.max_body", "server.drain"]
    assert words(loaded(OLD), new) == [
        "server.listen changed: it needs a restart",
        "server.max_body changed: it needs a restart",
        "server.drain changed: it needs a restart",
    ]
    assert needs_restart(loaded(OLD), loaded(OLD)) == []


def test_what_providers_are_told_of_a_cache_is_shown_as_it_is_written():
    on = ("policy: priority, ", "policy: priority, prompt_cache: true, ")
    assert changed(on) == ["steady: prompt_cache false → true"]
