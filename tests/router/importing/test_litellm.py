"""LiteLLM's files, as people write them: routes, targets and limits mean the same here."""

import hashlib

import pytest

from router.config import ConfigError, Rate
from router.importing import convert
from tests.router.importing.imported import imported, shares


def test_deployments_of_one_name_are_targets_with_their_shares() -> None:
    _, config = imported(
        "litellm",
        """
model_list:
  - {model_name: chat, litellm_params: {model: openai/gpt-4o, api_key: os.environ/ONE, weight: 3}}
  - {model_name: chat, litellm_params: {model: groq/llama-3.3-70b-versatile, weight: 1}}
""",
    )
    assert config.models["chat"].policy.name == "weighted_round_robin"
    assert shares(config, "chat") == [{"openai/gpt-4o": 3, "groq/llama-3.3-70b-versatile": 1}]
    assert config.providers["openai"].company == "openai"
    assert config.providers["groq"].base_url == "https://api.groq.com/openai/v1"


def test_equal_credentials_are_one_provider_and_two_of_a_company_are_two() -> None:
    made, config = imported(
        "litellm",
        """
model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: os.environ/ONE}}
  - {model_name: b, litellm_params: {model: openai/gpt-4o-mini, api_key: os.environ/ONE}}
  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: os.environ/TWO}}
  - {model_name: b, litellm_params: {model: openai/gpt-4o-mini, api_key: os.environ/TWO}}
""",
    )
    assert list(config.providers) == ["openai", "openai-2"]
    assert set(config.providers["openai"].models) == {"gpt-4o", "gpt-4o-mini"}
    assert '  openai-2:\n    like: openai\n    api_key: "${TWO}"\n' in made
    assert config.providers["openai-2"].models.keys() == config.providers["openai"].models.keys()


def test_limits_are_those_of_the_model_and_rpm_its_share() -> None:
    _, config = imported(
        "litellm",
        """
model_list:
  - model_name: chat
    litellm_params: {model: openai/gpt-4o, rpm: 500, tpm: 100000, max_parallel_requests: 8}
  - model_name: chat
    litellm_params: {model: mistral/mistral-large-latest}
    rpm: 100
    model_info: {max_input_tokens: 32000, max_output_tokens: 4096, supports_vision: false,
                 input_cost_per_token: 0.000002, output_cost_per_token: 6e-06}
""",
    )
    openai = config.providers["openai"].models["gpt-4o"].limits
    assert openai.requests == (Rate(500, 60.0),)
    assert openai.tokens == (Rate(100_000, 60.0),)
    assert openai.concurrent == 8
    mistral = config.providers["mistral"].models["mistral-large-latest"]
    assert (mistral.context, mistral.output, mistral.lacks) == (32_000, 4096, frozenset({"images"}))
    assert (mistral.price.input, mistral.price.output) == (2000, 6000)
    assert shares(config, "chat") == [{"openai/gpt-4o": 500, "mistral/mistral-large-latest": 100}]


def test_order_is_tiers_and_the_strategy_is_within_them() -> None:
    _, config = imported(
        "litellm",
        """
model_list:
  - {model_name: chat, litellm_params: {model: openai/gpt-4o, order: 1}}
  - {model_name: chat, litellm_params: {model: xai/grok-4, order: 2}}
  - {model_name: chat, litellm_params: {model: deepseek/deepseek-chat, order: 2}}
router_settings: {routing_strategy: latency-based-routing}
""",
    )
    route = config.models["chat"]
    assert route.policy.name == "priority"
    assert route.within is not None
    assert route.within.name == "least_latency"
    assert shares(config, "chat") == [
        {"openai/gpt-4o": 1},
        {"xai/grok-4": 1, "deepseek/deepseek-chat": 1},
    ]


CHAIN = """
model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-4o}}
  - {model_name: b, litellm_params: {model: anthropic/claude-sonnet-4-5}}
  - {model_name: c, litellm_params: {model: gemini/gemini-2.5-pro}}
"""


def test_fallbacks_are_what_is_done_when_all_fail() -> None:
    _, config = imported("litellm", CHAIN + "router_settings: {fallbacks: [{a: [b, c]}, {b: [c]}]}")
    assert [rung.model for rung in config.models["a"].when_all_fail] == ["b", "c"]
    assert [rung.model for rung in config.models["b"].when_all_fail] == ["c"]
    assert config.models["c"].when_all_fail == ()


def test_fallbacks_in_a_circle_are_tiers() -> None:
    _, config = imported("litellm", CHAIN + "litellm_settings: {fallbacks: [{a: [b]}, {b: [a]}]}")
    a, b = {"openai/gpt-4o": 1.0}, {"anthropic/claude-sonnet-4-5": 1.0}
    assert shares(config, "a") == [a, b]
    assert shares(config, "b") == [b, a]
    assert config.models["a"].when_all_fail == ()


def test_default_fallbacks_are_those_of_all_that_have_none() -> None:
    rest = "litellm_settings: {default_fallbacks: [c], fallbacks: [{a: [b]}]}"
    _, config = imported("litellm", CHAIN + rest)
    models = {name: [r.model for r in route.when_all_fail] for name, route in config.models.items()}
    assert models == {"a": ["b"], "b": ["c"], "c": []}


def test_what_is_too_long_goes_to_a_tier_to_which_nothing_else_climbs() -> None:
    rest = "router_settings: {context_window_fallbacks: [{a: [c]}]}"
    _, config = imported("litellm", CHAIN + rest)
    assert shares(config, "a") == [{"openai/gpt-4o": 1}, {"gemini/gemini-2.5-pro": 1}]
    assert config.models["a"].climb == frozenset()


def test_a_fallback_that_leads_nowhere_is_left_out_and_named() -> None:
    made, config = imported("litellm", CHAIN + "router_settings: {fallbacks: [{a: [gone]}]}")
    assert config.models["a"].when_all_fail == ()
    assert "there is no model gone: left out" in made


def test_aliases_are_models_with_the_same_targets_and_fallbacks() -> None:
    rest = "router_settings: {model_group_alias: {x: a, y: {model: b, hidden: true}}, "
    made, config = imported("litellm", CHAIN + rest + "fallbacks: [{a: [c]}]}")
    assert shares(config, "x") == shares(config, "a")
    assert config.models["x"].when_all_fail == config.models["a"].when_all_fail
    assert "the alias y is listed: none is hidden here" in made


@pytest.mark.parametrize(
    ("params", "keys"),
    [
        ("model: azure/dep, api_base: https://x.openai.azure.com/, api_version: 2024-10-21",
         ("azure", "azure", "https://x.openai.azure.com/openai")),
        ("model: azure/dep, api_base: https://x.openai.azure.com",
         ("azure", "azure", "https://x.openai.azure.com/openai/v1")),
        ("model: azure/dep", ("azure", "azure", "https://azure-api-base.example.com/openai/v1")),
        ("model: azure_ai/claude-sonnet, api_base: https://x.services.ai.azure.com/anthropic",
         ("foundry", "foundry", "https://x.services.ai.azure.com/anthropic")),
        ("model: anthropic/claude-x, api_base: https://proxy.example.com/anthropic",
         ("anthropic", "anthropic", "https://proxy.example.com/anthropic/v1")),
        ("model: bedrock/converse/us-west-2/anthropic.claude-x",
         ("bedrock", "bedrock", "https://bedrock-runtime.us-west-2.amazonaws.com")),
        ("model: vertex_ai/gemini-2.5-pro, vertex_project: p, vertex_location: us-a1",
         ("vertex", None, "https://us-a1-aiplatform.googleapis.com/v1/projects/p/locations/us-a1")),
        ("model: vertex_ai/gemini-2.5-pro, vertex_project: p, vertex_location: global",
         ("vertex", None, "https://aiplatform.googleapis.com/v1/projects/p/locations/global")),
        ("model: ollama_chat/llama3.2", ("ollama", "ollama", "http://localhost:11434/v1")),
        ("model: hosted_vllm/x, api_base: http://gpu:8000/v1", ("vllm", "vllm", "http://gpu:8000/v1")),
        ("model: openai/x, api_base: https://api.groq.com/openai/v1",
         ("groq", "groq", "https://api.groq.com/openai/v1")),
        ("model: openai/x, api_base: https://llm.example.com/v1/chat/completions",
         ("example", None, "https://llm.example.com/v1")),
        ("model: x, custom_llm_provider: openai, api_base: http://10.0.0.5:1234/v1",
         ("server", None, "http://10.0.0.5:1234/v1")),
        ("model: together_ai/meta-llama/Llama-3", ("together", "together",
                                                   "https://api.together.ai/v1")),
        ("model: deepinfra/x", ("deepinfra", None, "https://api.deepinfra.com/v1/openai")),
    ],
)  # fmt: skip
def test_a_prefix_is_a_company_at_its_address(
    params: str, keys: tuple[str, str | None, str]
) -> None:
    text = f"model_list: [{{model_name: m, litellm_params: {{{params}}}}}]"
    _, config = imported("litellm", text)
    [provider] = config.providers.values()
    assert (provider.name, provider.company, provider.base_url) == keys


def test_the_variable_of_a_key_is_the_one_that_was_set_before() -> None:
    made, _ = imported(
        "litellm", "model_list: [{model_name: m, litellm_params: {model: cohere/c}}]"
    )
    assert 'api_key: "${COHERE_API_KEY}"' in made


def test_a_key_is_not_sent_to_a_server_of_ones_own_that_names_none() -> None:
    params = "{model: openai/m, api_base: http://gpu:8000/v1}"
    made, config = imported("litellm", f"model_list: [{{model_name: m, litellm_params: {params}}}]")
    assert config.providers["gpu"].api_key is None
    assert "OPENAI_API_KEY is not sent to a server of one's own" in made


def test_aws_keys_sign_and_a_role_is_what_its_library_finds() -> None:
    text = """
model_list:
  - model_name: m
    litellm_params:
      {model: bedrock/a.b, aws_access_key_id: os.environ/ID, aws_secret_access_key: sk-plain,
       aws_region_name: eu-west-1}
  - {model_name: n, litellm_params: {model: bedrock/a.c, aws_profile_name: dev}}
"""
    made, config = imported("litellm", text)
    assert 'api_key: "${ID}:${BEDROCK_SECRET_ACCESS_KEY}"' in made
    assert [p.auth for p in config.providers.values()] == ["aws", "aws"]
    assert "pip install 'pointsman[aws]'" in made
    assert "sk-plain" not in made


def test_a_route_with_a_targets_name_makes_its_provider_another() -> None:
    text = "model_list: [{model_name: openai/gpt-4o, litellm_params: {model: openai/gpt-4o}}]"
    _, config = imported("litellm", text)
    assert shares(config, "openai/gpt-4o") == [{"openai-account/gpt-4o": 1}]


def test_wildcards_are_the_models_that_are_asked_for() -> None:
    text = 'model_list: [{model_name: "anthropic/*", litellm_params: {model: "anthropic/*"}}, '
    text += '{model_name: "*", litellm_params: {model: "openrouter/*"}}]'
    _, config = imported("litellm", text, "anthropic/claude-x", "gpt-oss")
    assert shares(config, "gpt-oss") == [{"openrouter/gpt-oss": 1}]
    assert "anthropic-account/claude-x" in shares(config, "anthropic/claude-x")[0]
    with pytest.raises(ConfigError, match=r"it names no model .* --model NAME"):
        convert("litellm", text, "old")


def test_timeouts_and_retries_are_defaults() -> None:
    rest = "router_settings: {num_retries: 4, timeout: 20}\nlitellm_settings: {request_timeout: 9}"
    _, config = imported("litellm", CHAIN + rest)
    assert config.defaults.retry.attempts == 5
    assert config.defaults.timeouts.first_token == 20
    assert config.defaults.deadline == 100


def test_a_deployments_timeout_is_its_models() -> None:
    params = "{model: openai/m, timeout: 60, stream_timeout: 2.5}"
    _, config = imported("litellm", f"model_list: [{{model_name: m, litellm_params: {params}}}]")
    assert config.providers["openai"].models["m"].timeouts.first_token == 2.5


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ("redis_host: r.internal, redis_port: 6380, redis_db: 2", "redis://r.internal:6380/2"),
        ("redis_url: os.environ/REDIS_URL", "${REDIS_URL}"),
        ("redis_url: 'redis://:plain@r.internal'", "${REDIS_URL}"),
        ("redis_host: r, redis_password: plain", "redis://:${REDIS_PASSWORD}@r:6379"),
    ],
)
def test_redis_is_what_instances_share(settings: str, url: str) -> None:
    made, config = imported("litellm", CHAIN + f"router_settings: {{{settings}}}")
    assert config.shared.redis is not None
    assert f'redis: "{url}"' in made
    assert "plain@" not in made


def test_the_master_key_is_a_tenants_hashed_where_it_stood_in_plain_text() -> None:
    made, config = imported("litellm", CHAIN + "general_settings: {master_key: sk-1234}")
    digest = hashlib.sha256(b"sk-1234").hexdigest()
    assert config.tenants["master"].keys == (digest,)
    assert config.server.auth == "keys"
    assert "sk-1234" not in made
    made, _ = imported("litellm", CHAIN + "general_settings: {master_key: os.environ/MASTER}")
    assert 'keys: ["${MASTER}"]' in made


def test_a_credential_may_stand_in_a_list_of_its_own() -> None:
    text = """
credential_list:
  - credential_name: eu
    credential_values: {api_key: os.environ/EU_KEY, api_base: "https://x.openai.azure.com"}
    credential_info: {custom_llm_provider: azure}
model_list:
  - {model_name: m, litellm_params: {model: azure/dep, litellm_credential_name: eu}}
"""
    made, config = imported("litellm", text)
    assert config.providers["azure"].base_url == "https://x.openai.azure.com/openai/v1"
    assert '"${EU_KEY}"' in made


def test_variables_of_the_file_are_named_without_their_values() -> None:
    text = "environment_variables: {OPENAI_API_KEY: sk-plain, LANGFUSE: pk-plain}\n" + CHAIN
    made, _ = imported("litellm", text)
    assert "to what stood under environment_variables in line 1" in made
    assert "LANGFUSE" in made
    assert "plain" not in made


@pytest.mark.parametrize(
    ("where", "key"),
    [
        ("litellm_params", "max_budget: 3"),
        ("litellm_params", "unheard_of: 3"),
        ("model_info", "access_groups: [x]"),
        ("router_settings", "allowed_fails: 3"),
        ("router_settings", "unheard_of: {a: 1}"),
        ("litellm_settings", "cache: true"),
        ("general_settings", "database_url: postgres://x"),
        ("", "guardrails: [{a: b}]"),
    ],
)
def test_what_has_no_equal_is_named_with_its_line(where: str, key: str) -> None:
    inside = f"{{{key}}}"
    params = "{model: openai/m, " + (f"{key}}}" if where == "litellm_params" else "}")
    info = inside if where == "model_info" else "{}"
    text = f"model_list:\n- {{model_name: m, model_info: {info}, litellm_params: {params}}}\n"
    if where.endswith("settings"):
        text += f"{where}: {inside}\n"
    elif not where:
        text += key
    made, _ = imported("litellm", text)
    line = 2 if where in ("litellm_params", "model_info") else 3
    name = key.partition(":")[0]
    assert f"# line {line}: {f'{where}.{name}'.strip('.')}: " in made.replace("#   ", "# ")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("model_list: 3", "old:1:13: model_list holds something that is no mapping"),
        ("model_list: []", "old:1:1: it names no model that can be imported"),
        ("[]", "old:1:1: the file is not a mapping; begin it with `model_list:`"),
        ("model_list: [", "old:1:14: a value is missing here"),
        ("model_list: [{model_name: m}]", "1:14: model_list[0].litellm_params.model is missing"),
        ("model_list: [{model_name: m, litellm_params: {model: openai/m, rpm: lots}}]",
         "old:1:69: model_list[0].litellm_params.rpm is not a number, 0 or more"),
        ("model_list: [{model_name: m, litellm_params: {model: azure/m, api_base: '<your base>'}}]",
         "api_base is not a URL"),
        ("a: 1\na: 2", "old:2:1: duplicate key"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_an_error_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ConfigError) as error:
        convert("litellm", text, "old")
    assert place in str(error.value)


def test_yaml_is_read_as_it_is_there() -> None:
    text = """
base: &base {api_key: os.environ/ONE, rpm: 10}
more: &more {rpm: 20, tpm: 30}
model_list:
  - model_name: m
    litellm_params:
      <<: [*base, *more]
      model: openai/m
litellm_settings: {set_verbose: no, drop_params: yes}
"""
    _, config = imported("litellm", text)
    limits = config.providers["openai"].models["m"].limits
    assert (limits.requests, limits.tokens) == ((Rate(10, 60.0),), (Rate(30, 60.0),))
