"""What the file does not say of a model is looked up beside everything else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from router.config import Config, Price, load
from router.knowledge import known
from router.knowledge.known import Known, NotAnswered, completed, look_up, unknown
from tests.router.running import running

FILE = """\
version: 1
server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0}
providers:
  openai:
    preset: openai
    api_key: unused
    models:
      gpt-5-mini:
      gpt-5.4: {context: 7, price: {input: 1, output: 2}}
      half: {context: 9, price: {input: 1}}
      secret-model:
  away: {preset: groq, models: [a]}
  own: {base_url: "http://127.0.0.1:9/v1", models: [gpt-5-mini]}
models:
  chat: {targets: [openai/gpt-5-mini]}
"""
MINI = ("openai", "gpt-5-mini")


def config(folder: Path) -> Config:
    path = folder / "providers.yaml"
    path.write_text(FILE)
    return load(path, {})


def test_what_the_file_says_in_full_is_not_asked_about(tmp_path: Path) -> None:
    names = [model for company, model in unknown(config(tmp_path)) if company == "openai"]
    assert names == ["gpt-5-mini", "half", "secret-model"]
    assert list(unknown(config(tmp_path))) == [("openai", name) for name in names]


def test_the_file_wins_and_a_written_price_is_not_half_completed(tmp_path: Path) -> None:
    told = {("openai", name): Known(100, 10, 20) for name in ("gpt-5-mini", "gpt-5.4", "half")}
    models = completed(config(tmp_path), told).providers["openai"].models
    assert (models["gpt-5-mini"].context, models["gpt-5-mini"].price) == (100, Price(10, 20))
    assert (models["gpt-5.4"].context, models["gpt-5.4"].price) == (7, Price(1000, 2000))
    assert (models["half"].context, models["half"].price) == (9, Price(1000, None))
    assert models["secret-model"].price == Price()
    assert completed(config(tmp_path), told).providers["own"].models["gpt-5-mini"].context is None


async def test_the_list_is_asked_in_a_process_of_its_own() -> None:
    found = await look_up([MINI, ("openai", "secret-model")])
    assert found[MINI].context == 400_000
    assert found["openai", "secret-model"] == Known()


async def test_a_list_that_does_not_answer_is_an_error_and_no_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known, "PATIENCE", 0.0)
    with pytest.raises(NotAnswered, match="did not answer"):
        await look_up([MINI])


async def test_a_list_that_cannot_be_loaded_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(NotAnswered, match="it said nothing"):
        await look_up([MINI])


async def test_a_running_router_shows_what_it_has_learned_and_what_is_unknown(
    tmp_path: Path,
) -> None:
    config(tmp_path)
    async with running(tmp_path / "providers.yaml") as router:
        for _ in range(100):
            targets = (await router.ask_admin("GET", "/status")).told["targets"]
            if targets["openai/gpt-5-mini"]["model"]["context"] is not None:
                break
            await asyncio.sleep(0.05)
        shown = {name: target["model"] for name, target in targets.items()}
        assert shown["openai/gpt-5-mini"]["context"] == 400_000
        assert shown["openai/gpt-5-mini"]["input_price"] > 0
        assert shown["openai/secret-model"] == {
            "context": None,
            "input_price": None,
            "output_price": None,
            "lacks": [],
            "upstream": "secret-model",
            "service_tier": None,
            "provisioned": False,
            "region": None,
            "residency": None,
            "tags": None,
            "tenants": None,
        }


async def test_what_a_file_brings_while_another_is_looked_up_is_looked_up_too(
    tmp_path: Path,
) -> None:
    config(tmp_path)
    path = tmp_path / "providers.yaml"
    async with running(path) as router:
        path.write_text(FILE.replace("      secret-model:\n", "      gpt-5-nano:\n"))
        await router.app.reload()
        for _ in range(200):
            targets = (await router.ask_admin("GET", "/status")).told["targets"]
            if targets["openai/gpt-5-nano"]["model"]["input_price"] is not None:
                return
            await asyncio.sleep(0.05)
    raise AssertionError("it was never looked up")
