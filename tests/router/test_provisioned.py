"""Provisioned capacity, service tiers and models under names of their own, over real sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from router.testing import Answer, Provider, Reply, Status
from tests.router.running import Running, running

SPILLING = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
providers:
  azure:
    preset: azure
    base_url: "{first}"
    api_key: secret
    models:
      gpt-5-ptu: {{model: gpt-5, provisioned: true}}
      gpt-5: {{price: {{input: 1, output: 8}}}}
models:
  chat: {{policy: priority, tiers: [[azure/gpt-5-ptu], [azure/gpt-5]], retry: {{attempts: 1}}}}
"""
TIERED = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
providers:
  it: {{{it}, base_url: "{url}", api_key: secret, models: {{{models}}}}}
models: {{chat: {{targets: [it/m]}}}}
"""
USED = "azure-openai-deployment-utilization"
BY_NAME = Answer("Hello.")


class Deployments:
    """What each deployment says, by its name."""

    def __init__(self, ptu: Reply) -> None:
        self.ptu = ptu

    def __call__(self, request: Any) -> Reply:
        return self.ptu if request.fields["model"] == "gpt-5-ptu" else BY_NAME


def written(folder: Path, provider: Provider) -> Path:
    path = folder / "providers.yaml"
    path.write_text(SPILLING.format(first=provider.origin))
    return path


async def asked(router: Running) -> str:
    answer = await router.chat()
    assert answer.status == 200, answer.body
    return str(answer.headers["x-router-target"])


def refusing(milliseconds: int | None) -> Reply:
    refusal = Status(429, "the provisioned capacity is used up", code="429")
    return (
        refusal
        if milliseconds is None
        else refusal.with_headers(
            {"retry-after-ms": str(milliseconds), "retry-after": "1", USED: "104.5%"}
        )
    )


async def test_a_provisioned_429_sends_on_and_rests_for_its_milliseconds(tmp_path: Path) -> None:
    says = Deployments(refusing(150))
    async with Provider(says) as provider, running(written(tmp_path, provider)) as router:
        first = await router.chat()
        assert (first.status, first.headers["x-router-attempts"]) == (200, "2")
        assert await asked(router) == "azure/gpt-5"
        told = (await router.ask_admin("GET", "/status")).told["targets"]["azure/gpt-5-ptu"]
        says.ptu = BY_NAME
        await asyncio.sleep(0.2)
        assert await asked(router) == "azure/gpt-5-ptu"
    sent = [request.fields["model"] for request in provider.requests]
    assert sent == ["gpt-5-ptu", "gpt-5", "gpt-5", "gpt-5-ptu"]
    assert (told["state"], told["last_failure"]) == ("spilled", None)
    assert told["provisioned_used"] == pytest.approx(1.045)
    assert told["cause"].startswith("its provisioned (or flex) capacity is used up for")


async def test_it_is_counted_as_spilled_and_is_no_line_of_the_log(tmp_path: Path) -> None:
    async with Provider(Deployments(refusing(None))) as provider:
        async with running(written(tmp_path, provider)) as router:
            await asked(router)
            told = (await router.ask_admin("GET", "/status")).told
            metrics = (await router.ask_admin("GET", "/metrics")).body.decode()
            assert await router.says("azure/gpt-5")
            assert "azure/gpt-5-ptu" not in router.stream.getvalue()
    ended = {(one["target"], one["outcome"]): one["count"] for one in told["attempts"]}
    assert ended == {("azure/gpt-5-ptu", "spilled"): 1, ("azure/gpt-5", "ok"): 1}
    assert '{target="azure/gpt-5-ptu",state="spilled"} 1' in metrics
    assert 'attempts_total{target="azure/gpt-5-ptu",outcome="spilled",phase="head"} 1' in metrics
    assert 'rescued_total{model="chat"}' not in metrics


async def test_utilisation_is_shown_and_all_of_it_is_as_a_refusal(tmp_path: Path) -> None:
    says = Deployments(BY_NAME.with_headers({USED: "87.3%"}))
    async with Provider(says) as provider, running(written(tmp_path, provider)) as router:
        assert [await asked(router) for _ in range(2)] == ["azure/gpt-5-ptu"] * 2
        targets = (await router.ask_admin("GET", "/status")).told["targets"]
        metrics = (await router.ask_admin("GET", "/metrics")).body.decode()
        assert targets["azure/gpt-5-ptu"]["provisioned_used"] == pytest.approx(0.873)
        assert 'provisioned_used_ratio{target="azure/gpt-5-ptu"} 0.873' in metrics
        says.ptu = BY_NAME.with_headers({USED: "100.0%", "retry-after-ms": "200"})
        answer = await router.chat()
        assert answer.headers["x-router-target"] == "azure/gpt-5-ptu"
        assert USED not in {name.lower() for name in answer.headers}
        says.ptu = BY_NAME
        assert await asked(router) == "azure/gpt-5"
        await asyncio.sleep(0.25)
        assert await asked(router) == "azure/gpt-5-ptu"


@pytest.mark.parametrize(
    ("it", "tier", "sent"),
    [
        ("preset: openai", "flex", {"service_tier": "flex"}),
        ("preset: azure", "priority", {"service_tier": "priority"}),
        ("preset: groq", "performance", {"service_tier": "performance"}),
        ("preset: anthropic", "standard_only", {"service_tier": "standard_only"}),
        ("preset: gemini", "flex", {"serviceTier": "flex"}),
        ("preset: bedrock, region: eu-west-1", "reserved", {"serviceTier": {"type": "reserved"}}),
    ],
)
async def test_each_dialect_is_told_of_the_tier_in_its_own_words(
    tmp_path: Path, it: str, tier: str, sent: dict[str, Any]
) -> None:
    """Whatever the client asked for, and only where an answer to messages is asked for."""
    async with Provider(Status(400)) as provider:
        path = tmp_path / "providers.yaml"
        models = f"m: {{service_tier: {tier}}}"
        path.write_text(TIERED.format(it=it, url=provider.origin, models=models))
        async with running(path) as router:
            await router.chat(service_tier="auto")
            body = b'{"model": "it/m", "input": "a"}'
            await router.ask("POST", "/v1/embeddings", body, {"content-type": "application/json"})
    chat, *others = provider.requests
    told = {key: value for key, value in chat.fields.items() if "ier" in key}
    assert told == sent
    assert not any("ier" in key for request in others for key in request.fields)


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("provisioned: true", {"x-vertex-ai-llm-request-type": "dedicated"}),
        ("service_tier: flex", {"x-vertex-ai-llm-shared-request-type": "flex"}),
        ("", {}),
    ],
)
async def test_vertex_is_told_of_it_in_its_headers(
    tmp_path: Path, said: str, sent: dict[str, str]
) -> None:
    async with Provider(Status(400)) as provider:
        path = tmp_path / "providers.yaml"
        models = f"m: {{{said}}}"
        path.write_text(TIERED.format(it="dialect: vertex", url=provider.origin, models=models))
        async with running(path) as router:
            await router.chat()
    (request,) = provider.requests
    assert {name: value for name, value in request.headers if "llm" in name} == sent
    assert "service_tier" not in request.fields
    assert "serviceTier" not in request.fields


async def test_a_model_of_another_name_is_asked_for_by_the_upstreams(tmp_path: Path) -> None:
    async with Provider(BY_NAME) as provider:
        path = tmp_path / "providers.yaml"
        models = "m: {model: gpt-5, service_tier: flex}, gpt-5: {}"
        path.write_text(TIERED.format(it="preset: openai", url=provider.url, models=models))
        async with running(path) as router:
            answer = await router.chat()
            assert answer.headers["x-router-target"] == "it/m"
            shown = (await router.ask_admin("GET", "/status")).told["targets"]["it/m"]["model"]
    assert provider.requests[0].fields["model"] == "gpt-5"
    assert (shown["upstream"], shown["service_tier"]) == ("gpt-5", "flex")


async def test_flex_without_resources_is_spilled_to_the_same_model(tmp_path: Path) -> None:
    def says(request: Any) -> Reply:
        flex = request.fields.get("service_tier") == "flex"
        return Status(429, "Resource Unavailable", code="resource_unavailable") if flex else BY_NAME

    async with Provider(says) as provider:
        path = tmp_path / "providers.yaml"
        models = "m: {model: gpt-5, service_tier: flex}, gpt-5: {}"
        text = TIERED.format(it="preset: openai", url=provider.url, models=models)
        tiers = "policy: priority, tiers: [[it/m], [it/gpt-5]], retry: {attempts: 1}"
        path.write_text(text.replace("targets: [it/m]", tiers))
        async with running(path) as router:
            assert await asked(router) == "it/gpt-5"
            told = (await router.ask_admin("GET", "/status")).told
    assert ("it/m", "spilled") in {(one["target"], one["outcome"]) for one in told["attempts"]}
