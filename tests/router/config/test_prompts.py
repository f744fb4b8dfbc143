"""How companies cache prompts is data, and the docs show it."""

from __future__ import annotations

import re

import pytest

from router.config.prompts import OF_MODELS, OF_PRESETS, OWN, USUAL, Prompts, prompts_of
from tests.house.source import ROOT


@pytest.mark.parametrize(
    ("preset", "model", "expected"),
    [
        ("openai", "gpt-5-mini", USUAL),
        (None, "anything", USUAL),
        ("gemini", "gemini-2.5-pro", Prompts(2_048)),
        ("gemini", "gemini-3-pro", Prompts(4_096)),
        ("openrouter", "google/gemini-3-pro", Prompts(4_096)),
        ("vllm", "Qwen/Qwen3", OWN),
        ("anthropic", "claude-opus-4-7", Prompts(2_048)),
        ("bedrock", "eu.anthropic.claude-haiku-4-5-20251001-v1:0", Prompts(4_096)),
    ],
)
def test_a_model_is_as_its_name_or_its_preset_says(
    preset: str | None, model: str, expected: Prompts
) -> None:
    assert prompts_of(preset, model) == expected


def test_the_table_in_the_docs_is_true() -> None:
    text = (ROOT / "docs/policies.md").read_text()
    table = text.partition("<!-- caches: kept true by a test -->")[2].partition("\n\n")[0]
    told = {}
    for names, least, life in re.findall(
        r"^\| (.*?) \| ([\d,]+) \| (\d+) min \|$", table, re.MULTILINE
    ):
        for name in re.findall(r"`([^`]+)`", names) or ["any other"]:
            told[name] = Prompts(int(least.replace(",", "")), float(life) * 60)
    assert told == {**OF_PRESETS, **dict(OF_MODELS), "any other": USUAL}
