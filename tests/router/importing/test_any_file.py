"""Whatever is in a file: a file of ours that loads, or errors with their places."""

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config import ConfigError
from router.importing import READERS, convert
from router.importing.companies import LITELLM, PORTKEY
from router.importing.reasons import REASONS
from tests.router.importing.imported import loaded

WORDS = st.sampled_from(
    [
        "gpt-4o", "openai/gpt-4o", "azure/dep", "claude-x", "*", "openai/*", "bedrock/us-east-1/m",
        "vertex_ai/gemini-2", "os.environ/NAME", "os.environ/NA-ME", "https://h.example.com/v1",
        "http://10.0.0.5:8000", "${X}", "${", "sk-word", "", "yes", "1.5", "a b", "none",
        "@openai-x", "@x/gpt-4o", "simple-shuffle", "loadbalance", "fallback", "conditional", "a:b",
        "#x", "é", "\u200b", "redis://:p@h:1", "2024-10-21", "openai", "azure-openai",
    ]
)  # fmt: skip
SCALARS = st.one_of(
    WORDS,
    st.none(),
    st.booleans(),
    st.integers(-3, 2000),
    st.integers(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=8),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(WORDS, st.text(max_size=4)), inner, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip
PARAMS = [
    "model", "api_key", "api_base", "api_version", "custom_llm_provider", "rpm", "tpm", "weight",
    "order", "timeout", "stream_timeout", "max_parallel_requests", "aws_access_key_id",
    "aws_secret_access_key", "aws_region_name", "aws_profile_name", "vertex_project",
    "vertex_location", "azure_ad_token", "input_cost_per_token", "temperature", "region_name",
    "litellm_credential_name", "unheard_of",
]  # fmt: skip
INFO = ["max_input_tokens", "max_tokens", "mode", "supports_vision", "id", "base_model"]
ROUTER = [
    "routing_strategy", "num_retries", "timeout", "redis_host", "redis_port", "redis_password",
    "redis_url", "redis_db", "model_group_alias", "default_max_parallel_requests", "cooldown_time",
]  # fmt: skip
NAMES = st.sampled_from(["a", "b", "c", "openai/gpt-4o", "a b", "*", "os.environ/N"])


def some(keys: list[str], values: st.SearchStrategy[Any] = SCALARS) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(keys), st.one_of(values, values, ANYTHING), max_size=5)


def having(key: str, value: st.SearchStrategy[Any], others: st.SearchStrategy[Any]) -> Any:
    return st.tuples(value, others).map(lambda pair: {key: pair[0], **pair[1]})


FALLBACKS = st.lists(st.dictionaries(NAMES, st.lists(NAMES, max_size=3), max_size=2), max_size=3)
MODELS = st.sampled_from([f"{prefix}/m" for prefix in LITELLM] + ["gpt-4o", "claude-x", "m"])
ENTRIES = st.fixed_dictionaries(
    {
        "model_name": NAMES,
        "litellm_params": having("model", MODELS, some([key for key in PARAMS if key != "model"])),
    },
    optional={"model_info": some(INFO), "rpm": SCALARS, "unheard_of": ANYTHING},
)
FILES = st.fixed_dictionaries(
    {"model_list": st.lists(st.one_of(ENTRIES, ENTRIES, ANYTHING), max_size=4)},
    optional={
        "router_settings": having("fallbacks", FALLBACKS, some(ROUTER)),
        "litellm_settings": having(
            "context_window_fallbacks", FALLBACKS, some(["default_fallbacks", "request_timeout"])
        ),
        "general_settings": some(["master_key", "database_url", "max_request_size_mb"]),
        "credential_list": ANYTHING,
        "environment_variables": ANYTHING,
        "unheard_of": ANYTHING,
    },
)
LEAVES = having(
    "provider",
    st.one_of(st.sampled_from([*PORTKEY, "@openai-x", "nobody"])),
    some(
        ["api_key", "apiKey", "virtual_key", "weight", "custom_host", "override_params", "name",
         "request_timeout", "retry", "cache", "resource_name", "deployment_id", "api_version",
         "aws_access_key_id", "aws_secret_access_key", "aws_region", "vertex_region", "unheard_of"]
    ),
)  # fmt: skip
MODES = st.sampled_from(["single", "loadbalance", "fallback", "conditional", "other"])
CONFIGS = st.recursive(
    LEAVES,
    lambda below: st.fixed_dictionaries(
        {
            "strategy": having("mode", MODES, some(["conditions", "default", "on_status_codes"])),
            "targets": st.lists(st.one_of(below, below, ANYTHING), max_size=3),
        },
        optional={"weight": SCALARS, "name": WORDS, "retry": ANYTHING, "unheard_of": ANYTHING},
    ),
    max_leaves=5,
)


def judge(kind: str, text: str, *asked: str) -> None:
    try:
        made, _ = convert(kind, text, "old", asked)
    except ConfigError as error:
        for problem in error.problems:
            assert re.match(r"old:\d+:\d+: .+; .+", str(problem), re.DOTALL)
        return
    assert convert(kind, text, "old", asked)[0] == made
    assert made.isascii() or made.replace("\n", "").isprintable()
    assert loaded(made).models


@settings(deadline=None, max_examples=75)
@given(FILES)
def test_any_mapping_of_litellm_s_is_a_file_that_loads_or_errors_with_places(told: Any) -> None:
    judge("litellm", yaml.safe_dump(told, allow_unicode=True), "openai/gpt-4o", "x")


@settings(deadline=None, max_examples=75)
@given(CONFIGS)
def test_any_config_of_portkey_s_is_a_file_that_loads_or_errors_with_places(told: Any) -> None:
    judge("portkey", json.dumps(told), "gpt-4o")
    judge("portkey", json.dumps(told, indent="\t"))


COUNT = st.integers(0, 10**6)
KEY = st.sampled_from(["os.environ/KEY_A", "os.environ/KEY_B", "sk-secret", "sk-secret-2", ""])
URL = st.sampled_from(["https://h.example.com/v1/", "http://10.0.0.5:8000", "os.environ/A_BASE",
                       "https://api.groq.com/openai/v1/chat/completions"])  # fmt: skip
NAME = st.sampled_from(["a", "b", "c", "openai/gpt-4o", "azure/x", "gone"])
SOUND_PARAMS: dict[str, st.SearchStrategy[Any]] = {
    "api_key": KEY, "api_base": URL, "api_version": st.just("2024-10-21"), "rpm": COUNT,
    "tpm": COUNT, "weight": st.one_of(COUNT, st.floats(0, 1)), "order": st.integers(0, 3),
    "timeout": st.floats(0, 900), "stream_timeout": COUNT, "max_parallel_requests": COUNT,
    "aws_access_key_id": KEY, "aws_secret_access_key": KEY, "temperature": st.floats(0, 2),
    "aws_region_name": st.just("eu-west-1"), "azure_ad_token": KEY,
    "unheard_of": st.one_of(KEY, ANYTHING),
    "input_cost_per_token": st.floats(0, 1e-4), "vertex_location": st.sampled_from(["global"]),
}  # fmt: skip
SOUND_ENTRY = st.fixed_dictionaries(
    {
        "model_name": NAME.filter(lambda name: name != "gone"),
        "litellm_params": st.fixed_dictionaries({"model": MODELS}, optional=SOUND_PARAMS),
    },
    optional={
        "model_info": st.fixed_dictionaries(
            {}, optional={"max_input_tokens": COUNT, "mode": st.sampled_from(["chat", "responses"]),
                          "supports_vision": st.booleans(), "unheard_of": ANYTHING}
        )
    },
)  # fmt: skip
SOUND_FALLBACKS = st.lists(
    st.dictionaries(NAME, st.lists(NAME, max_size=3), max_size=2), max_size=4
)
SOUND = st.fixed_dictionaries(
    {"model_list": st.lists(SOUND_ENTRY, max_size=6).map(
        lambda some: [*some, {"model_name": "c", "litellm_params": {"model": "groq/llama"}}]
    )},
    optional={
        "router_settings": st.fixed_dictionaries({}, optional={
            "routing_strategy": st.sampled_from(["simple-shuffle", "least-busy", "other"]),
            "fallbacks": SOUND_FALLBACKS, "default_fallbacks": st.lists(NAME, max_size=2),
            "context_window_fallbacks": SOUND_FALLBACKS, "num_retries": COUNT, "timeout": COUNT,
            "redis_host": st.sampled_from(["r.internal", "os.environ/REDIS_HOST"]),
            "redis_password": KEY, "redis_port": st.just(6379), "unheard_of": ANYTHING,
            "model_group_alias": st.dictionaries(NAME, NAME, max_size=2),
        }),
        "general_settings": st.fixed_dictionaries({}, optional={
            "master_key": KEY, "database_url": KEY, "max_request_size_mb": COUNT,
        }),
        "unheard_of": ANYTHING,
    },
)  # fmt: skip


@settings(deadline=None, max_examples=75)
@given(SOUND)
def test_a_sound_file_of_litellm_s_always_becomes_one_that_loads(told: Any) -> None:
    text = yaml.safe_dump(told, allow_unicode=True)
    made, _ = convert("litellm", text, "old")
    assert "sk-secret" not in made
    config = loaded(made)
    assert "c" in config.models
    for provider in config.providers.values():
        assert provider.models


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(READERS)), st.one_of(st.text(), ANYTHING.map(yaml.safe_dump)))
def test_so_is_any_text(kind: str, text: str) -> None:
    judge(kind, text)


@pytest.mark.parametrize("key", sorted(REASONS))
def test_every_reason_is_one_line_and_plain(key: str) -> None:
    assert REASONS[key] == "" or REASONS[key].isprintable()
