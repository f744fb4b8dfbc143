"""What is known of how providers count."""

import pytest

from router.config.counts import AS_WRITTEN, OF_MODELS, Counts, counted
from router.config.presets import PRESETS

KNOWN = {
    "openai": Counts("larger"),
    "azure": Counts("whole", slice=1.0),
    "anthropic": Counts("written", cached=False),
    "bedrock": Counts("bound", longest=True, cached=False),
    "bedrock-openai": Counts("bound", longest=True, cached=False),
    "gemini": Counts("nothing", midnight="America/Los_Angeles"),
    "groq": Counts("written", cached=False),
    "cerebras": Counts("bound"),
}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_counts_as_its_company_says_and_the_others_all_that_was_used(
    preset: str,
) -> None:
    assert PRESETS[preset].counts == KNOWN.get(preset, AS_WRITTEN)


@pytest.mark.parametrize(
    ("model", "times"),
    [
        ("anthropic.claude-v2:1", 1),
        ("anthropic.claude-instant-v1", 1),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", 1),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", 5),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", 5),
        ("global.anthropic.claude-opus-5", 5),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-haiku-4-5", 5),
        ("amazon.nova-pro-v1:0", 1),
        ("openai.gpt-oss-120b-1:0", 1),
    ],
)
def test_what_claude_writes_at_bedrock_counts_five_times_from_3_7_on(
    model: str, times: int
) -> None:
    told = counted("bedrock", PRESETS["bedrock"].counts, model)
    assert told == Counts("bound", longest=True, cached=False, times=times)


def test_of_anthropic_s_models_an_old_one_counts_what_is_read_from_a_cache() -> None:
    counts = PRESETS["anthropic"].counts
    assert not counted("anthropic", counts, "claude-sonnet-5").cached
    assert counted("anthropic", counts, "claude-3-5-haiku-20241022").cached


def test_models_are_told_apart_only_under_presets_that_there_are() -> None:
    assert OF_MODELS.keys() <= PRESETS.keys()
