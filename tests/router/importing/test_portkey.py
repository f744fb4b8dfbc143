"""Portkey's configs: who is asked, in which order and by which shares."""

import json
from typing import Any

import pytest

from router.config import ConfigError
from router.importing import convert
from tests.router.importing.imported import imported, shares

GPT = {"provider": "openai", "api_key": "sk-plain", "override_params": {"model": "gpt-4o"}}
CLAUDE = {"provider": "anthropic", "api_key": "sk-ant", "override_params": {"model": "claude-x"}}
GROQ = {"provider": "groq", "api_key": "gsk-x", "override_params": {"model": "llama"}}


def config(told: Any, *asked: str) -> Any:
    return imported("portkey", json.dumps(told, indent=1), *asked)


def test_one_provider_is_a_route_by_its_models_name() -> None:
    made, read = config(GPT)
    assert shares(read, "gpt-4o") == [{"openai/gpt-4o": 1}]
    assert "sk-plain" not in made
    assert "OPENAI_API_KEY" in made


def test_a_loadbalance_is_shares() -> None:
    told = {"strategy": {"mode": "loadbalance"},
            "targets": [{**GPT, "weight": 0.7}, {**CLAUDE, "weight": 0.3}]}  # fmt: skip
    _, read = config(told)
    assert read.models["gpt-4o"].policy.name == "weighted_round_robin"
    assert shares(read, "gpt-4o") == [{"openai/gpt-4o": 0.7, "anthropic/claude-x": 0.3}]


def test_a_fallback_is_tiers() -> None:
    _, read = config({"strategy": {"mode": "fallback"}, "targets": [GPT, CLAUDE, GROQ]})
    assert read.models["gpt-4o"].policy.name == "priority"
    assert shares(read, "gpt-4o") == [
        {"openai/gpt-4o": 1}, {"anthropic/claude-x": 1}, {"groq/llama": 1}
    ]  # fmt: skip


def test_shares_within_a_fallback_are_those_of_its_tier() -> None:
    inner = {"strategy": {"mode": "loadbalance"}, "targets": [{**GPT, "weight": 3}, GROQ]}
    _, read = config({"strategy": {"mode": "fallback"}, "targets": [inner, CLAUDE]})
    assert shares(read, "gpt-4o") == [
        {"openai/gpt-4o": 3, "groq/llama": 1}, {"anthropic/claude-x": 1}
    ]  # fmt: skip


def test_fallbacks_within_shares_are_one_tier_and_this_is_said() -> None:
    inner = {"strategy": {"mode": "fallback"}, "targets": [GPT, CLAUDE]}
    made, read = config({"strategy": {"mode": "loadbalance"}, "targets": [inner, GROQ]})
    assert shares(read, "gpt-4o") == [
        {"openai/gpt-4o": 1, "groq/llama": 1}, {"anthropic/claude-x": 1}
    ]  # fmt: skip
    assert "is one tier for all of them here" in made


def test_conditions_on_the_model_are_models() -> None:
    told = {
        "strategy": {
            "mode": "conditional",
            "conditions": [
                {"query": {"params.model": {"$eq": "fast"}}, "then": "groq"},
                {"query": {"params.model": {"$in": ["good", "best"]}}, "then": "claude"},
                {"query": {"metadata.plan": {"$eq": "free"}}, "then": "groq"},
            ],
            "default": "gpt",
        },
        "targets": [{"name": "groq", **GROQ}, {"name": "claude", **CLAUDE}, {"name": "gpt", **GPT}],
    }
    made, read = config(told)
    assert {name: shares(read, name)[0] for name in read.models} == {
        "fast": {"groq/llama": 1},
        "good": {"anthropic/claude-x": 1},
        "best": {"anthropic/claude-x": 1},
        "groq": {"groq/llama": 1},
        "gpt-4o": {"openai/gpt-4o": 1},
    }
    assert "a condition about something else" in made


def test_targets_without_a_model_have_those_that_clients_ask_for() -> None:
    told = {"strategy": {"mode": "loadbalance"},
            "targets": [{"virtual_key": "openai-a1"}, {"virtual_key": "openai-b2"}]}  # fmt: skip
    made, read = config(told, "gpt-4o", "gpt-4o-mini")
    assert shares(read, "gpt-4o-mini") == [{"openai/gpt-4o-mini": 1, "openai-2/gpt-4o-mini": 1}]
    assert "like: openai" in made
    assert "openai-a1" not in made
    with pytest.raises(ConfigError, match="--model NAME"):
        convert("portkey", json.dumps(told), "old")


def test_retries_and_timeouts_are_the_routes_and_the_models() -> None:
    told = {"retry": {"attempts": 4, "on_status_codes": [429]}, "request_timeout": 1500,
            "strategy": {"mode": "fallback"},
            "targets": [GPT, {**CLAUDE, "request_timeout": 9000}]}  # fmt: skip
    made, read = config(told)
    assert read.models["gpt-4o"].retry.attempts == 5
    assert read.providers["openai"].models["gpt-4o"].timeouts.first_token == 1.5
    assert read.providers["anthropic"].models["claude-x"].timeouts.first_token == 9
    assert "retry.on_status_codes" in made


def test_azure_aws_google_and_a_host_of_ones_own() -> None:
    targets = [
        {"provider": "azure-openai", "resource_name": "res", "deployment_id": "dep",
         "api_version": "2024-10-21", "api_key": "k1"},
        {"provider": "bedrock", "aws_access_key_id": "AK", "aws_secret_access_key": "SK",
         "aws_region": "eu-west-1", "override_params": {"model": "amazon.nova-pro-v1:0"}},
        {"provider": "vertex-ai", "vertex_project_id": "p", "vertex_region": "global",
         "override_params": {"model": "gemini-2.5-pro"}},
        {"provider": "openai", "custom_host": "http://gpu.internal:8000/v1",
         "override_params": {"model": "mine"}},
    ]  # fmt: skip
    made, read = config({"strategy": {"mode": "fallback"}, "targets": targets})
    assert [name for tier in shares(read, "amazon.nova-pro-v1:0") for name in tier] == [
        "azure/dep", "bedrock/amazon.nova-pro-v1:0", "vertex/gemini-2.5-pro", "gpu/mine"
    ]  # fmt: skip
    assert 'api_key: "${BEDROCK_ACCESS_KEY_ID}:${BEDROCK_SECRET_ACCESS_KEY}"' in made


def test_keys_in_camel_case_and_slugs_are_read_as_well() -> None:
    told = {"provider": "@anthropic-prod", "requestTimeout": 2000,
            "overrideParams": {"model": "claude-x", "maxTokens": 5}}  # fmt: skip
    made, read = config(told)
    assert read.providers["anthropic"].models["claude-x"].timeouts.first_token == 2
    assert "override_params.maxTokens: clients say it" in made


@pytest.mark.parametrize(
    "key",
    ["cache", "input_guardrails", "forward_headers", "drop_params", "cb_config", "unheard_of"],
)
def test_what_has_no_equal_is_named(key: str) -> None:
    made, _ = config({**GPT, key: {"mode": "simple"}})
    assert f"{key}: " in made


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "old:1:2: a value is missing here"),
        ("[]", "old:1:1: the file is not a mapping; begin it with {"),
        ('{"provider": "nobody", "override_params": {"model": "m"}}', "old:1:1: it names no model"),
        ('{"provider": "openai", "weight": "x", "override_params": {"model": "m"}}',
         "old:1:34: weight is not a number"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_an_error_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ConfigError) as error:
        convert("portkey", text, "old")
    assert place in str(error.value)


def test_what_is_asked_by_a_targets_name_is_the_model_that_clients_ask_for() -> None:
    told = {
        "strategy": {
            "mode": "conditional",
            "conditions": [{"query": {"metadata.plan": {"$eq": "paid"}}, "then": "good"}],
            "default": "cheap",
        },
        "targets": [
            {"name": "good", "provider": "openai", "retry": {"attempts": 3}},
            {"name": "cheap", "provider": "groq"},
        ],
    }
    made, read = config(told, "gpt-oss")
    assert shares(read, "good") == [{"openai/gpt-oss": 1}]
    assert shares(read, "gpt-oss") == [{"groq/gpt-oss": 1}]
    assert "retry.attempts of one target" in made
    with pytest.raises(ConfigError, match="--model NAME"):
        convert("portkey", json.dumps(told), "old")
