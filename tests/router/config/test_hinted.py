"""A cache that nobody can be told of."""

import pytest

from tests.router.config.samples import PROVIDERS, noted

UNTOLD = (
    'prompt_cache does nothing: no target of "chat" can be told; remove it: they cache prompts '
    "unasked, or not at all"
)
BESIDE = """\
  claude: {preset: anthropic, api_key: "${KEY}", models: [claude-sonnet-5]}
  deep: {preset: deepseek, api_key: "${KEY}", models: [deepseek-v4-flash]}
  bed:
    {preset: bedrock, api_key: "${KEY}", region: eu, models: ["meta.llama3-3-70b-instruct-v1:0"]}
  grok: {preset: xai, api_key: "${KEY}", models: {one: , other: {api: responses}}}
"""


def notes(rest: str) -> list[str]:
    models = f"models: {{chat: {{prompt_cache: true, {rest}}}}}\n"
    return noted(PROVIDERS + BESIDE + models, {"KEY": "x"})


@pytest.mark.parametrize(
    "route",
    [
        "targets: [sim/fast]",
        "targets: [deep/deepseek-v4-flash, sim/fast]",
        'targets: ["bed/meta.llama3-3-70b-instruct-v1:0"]',
        "targets: [sim/fast], shift: {to: [sim/slow]}",
    ],
)
def test_a_route_none_of_whose_targets_can_be_told_of_a_cache_is_noted(route: str) -> None:
    [note] = notes(route)
    assert note.endswith(UNTOLD)
    assert note.startswith("11:17: ")


@pytest.mark.parametrize(
    "route",
    [
        "targets: [claude/claude-sonnet-5]",
        "targets: [sim/fast, claude/claude-sonnet-5]",
        "targets: [sim/fast], shift: {to: [claude/claude-sonnet-5]}",
        "targets: [grok/one]",
        "targets: [grok/other]",
    ],
)
def test_one_of_them_that_can_be_told_is_enough(route: str) -> None:
    assert notes(route) == []
