"""How a file's limits bind, as its providers mean them."""

from pathlib import Path

from policies import Charge, Counting, Limits, Rate
from router.building import build
from router.building.counting import by_midnight
from router.config import Config, load
from router.midnight import Clocks

DAY = 86_400.0
NOON = 1_772_366_400.0
"""2026-03-01 12:00 UTC: 4 in the morning, Pacific time."""


def loaded(path: Path, *lines: str) -> Config:
    file = path / "providers.yaml"
    told = ["version: 1", "models: {sim: {targets: [sim/m]}}", "providers:"]
    told += ["  sim: {dialect: simulated, models: [m]}", *(f"  {line}" for line in lines)]
    file.write_text("\n".join(told))
    return load(file, {})


def test_limits_on_input_and_output_bind_beside_those_on_both(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "a:",
        "  preset: anthropic",
        "  api_key: one",
        "  limits: {input_tokens: 50k/min, output_tokens: [8k/min, 1M/day]}",
        "  models: {m: {limits: {input_tokens: 1k/s}}}",
    )
    facts = build.facts_of(config)
    assert facts["a"].limits == Limits(
        input=(Rate(50_000, 60.0),), output=(Rate(8_000, 60.0), Rate(1_000_000, DAY))
    )
    assert facts["a/m"].limits == Limits(input=(Rate(1_000, 1.0),))


def test_a_model_is_counted_as_its_preset_says(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "aws: {preset: bedrock, region: us-east-1, api_key: one, models: {",
        "  us.anthropic.claude-opus-5: {output: 32k}, amazon.nova-pro-v1:0: {}}}",
        "own: {base_url: 'http://127.0.0.1:9/v1', models: [m]}",
        "openai: {preset: openai, api_key: one, models: [m]}",
    )
    facts = build.facts_of(config)
    assert facts["aws/us.anthropic.claude-opus-5"].counting == Counting(
        Charge.BOUND, cached=False, times=5, unbounded=32_000
    )
    assert facts["aws/amazon.nova-pro-v1:0"].counting == Counting(Charge.BOUND, cached=False)
    assert facts["openai/m"].counting == Counting(Charge.LARGER)
    assert facts["own/m"].counting == Counting()


def test_azure_s_minute_is_counted_by_the_second_and_nothing_else_is(tmp_path: Path) -> None:
    limits = "limits: {requests: [600/min, 10/s, 9k/day], tokens: 100k/min}"
    config = loaded(
        tmp_path,
        f"a: {{preset: azure, base_url: 'https://a.example', api_key: one, {limits}, models: [m]}}",
    )
    assert build.facts_of(config)["a"].limits == Limits(
        requests=(Rate(600, 60.0, 1.0), Rate(10, 1.0), Rate(9_000, DAY)),
        tokens=(Rate(100_000, 60.0),),
    )


def test_gemini_s_day_ends_at_midnight_in_california(tmp_path: Path) -> None:
    limits = "limits: {requests: [10/min, 250/day], tokens: 1M/day}"
    config = loaded(
        tmp_path,
        f"g: {{preset: gemini, api_key: one, models: {{m: {{{limits}}}}}}}",
        f"o: {{preset: openai, api_key: one, {limits}, models: [m]}}",
    )
    facts = build.facts_of(config, Clocks(5.0, NOON))
    assert facts["g/m"].limits == Limits(
        requests=(Rate(10, 60.0), Rate(250, DAY, resets=5.0 + 20 * 3600)),
        tokens=(Rate(1_000_000, DAY),),
    )
    assert facts["o"].limits.requests == (Rate(10, 60.0), Rate(250, DAY))
    assert by_midnight(config)
    assert not by_midnight(loaded(tmp_path, "o: {preset: openai, api_key: one, models: [m]}"))
