"""What operators' words make of a configuration, without anything that runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.building import build
from router.config import Config, words
from router.overrides import asked
from router.overrides.override import (
    MOST,
    Override,
    fault,
    idle,
    left_with_nothing,
    overridden,
    read,
    written,
)
from tests.router.config.samples import loaded

NOW = 1_000_000.0
TEXT = """\
version: 1
providers:
  sim:
    dialect: simulated
    models: {fast: , slow: , spare: }
  dear: {preset: openai, api_key: "${DEAR_KEY:-}", models: [gpt]}
models:
  chat: {policy: weighted_round_robin, targets: {sim/fast: 9, sim/slow: 1, dear/gpt: 1}}
  steady: {policy: priority, tiers: [{sim/fast: 2}, {sim/slow: 0, sim/spare: 1}]}
  solo: {targets: [sim/fast]}
"""
CONFIG = loaded(TEXT)
NAMES = ("sim/fast", "sim/slow", "sim/spare", "dear/gpt", "sim/gone")
MODELS = ("chat", "steady", "solo", "gone")


def said(kind: Any, target: str, model: str | None = None, **more: Any) -> Override:
    one = Override(f"{kind}{target}{model}", kind, target, model, NOW - 10, NOW + 60, "anna", "")
    return msgspec.structs.replace(one, **more)


def weights(config: Config, model: str) -> dict[str, float]:
    return {t.name: t.weight for tier in config.models[model].tiers for t in tier}


anything = st.lists(
    st.builds(
        said,
        st.sampled_from(["drain", "pin"]),
        st.sampled_from(NAMES),
        st.sampled_from(MODELS),
        until=st.sampled_from([NOW - 1, NOW, NOW + 1]),
    )
    | st.builds(said, st.just("drain"), st.sampled_from(NAMES)),
    max_size=6,
)


def test_a_drain_is_a_weight_of_0_wherever_the_target_is():
    after = overridden(CONFIG, [said("drain", "sim/fast")], NOW)
    assert weights(after, "chat") == {"sim/fast": 0, "sim/slow": 1, "dear/gpt": 1}
    assert weights(after, "steady") == {"sim/fast": 0, "sim/slow": 0, "sim/spare": 1}
    assert words(CONFIG, after) == [
        "chat: sim/fast 9 → 0",
        "steady: sim/fast 2 → 0",
        "solo: sim/fast 1 → 0",
    ]


def test_a_drain_in_one_model_leaves_the_others_as_they_are():
    after = overridden(CONFIG, [said("drain", "sim/fast", "chat")], NOW)
    assert weights(after, "chat")["sim/fast"] == 0
    assert after.models["steady"] is CONFIG.models["steady"]


def test_a_pin_leaves_its_model_one_target_in_its_tier_also_one_that_was_drained():
    after = overridden(CONFIG, [said("pin", "sim/slow", "steady")], NOW)
    assert weights(after, "steady") == {"sim/fast": 0, "sim/slow": 1, "sim/spare": 0}
    assert [len(tier) for tier in after.models["steady"].tiers] == [1, 2]
    assert after.models["chat"] is CONFIG.models["chat"]


def test_who_drained_it_and_until_when_stands_beside_the_weight():
    both = [said("pin", "sim/slow", "chat"), said("drain", "sim/fast")]
    after = overridden(CONFIG, both, NOW)
    told = {t.name: t.said for tier in after.models["chat"].tiers for t in tier}
    until = "by an operator until 1970-01-12T13:47:40Z"
    assert told["sim/fast"] == f"drained {until}"
    assert told["sim/slow"] == f"pinned {until}"
    assert told["dear/gpt"] == f"drained for sim/slow, which is pinned {until}"
    forced = overridden(CONFIG, [said("drain", "sim/fast", "solo")], NOW)
    assert build.off(forced)["solo"] == f"sim/fast is drained {until}"


@given(anything)
def test_nothing_but_weights_changes_and_what_is_over_changes_nothing(overrides):
    after = overridden(CONFIG, overrides, NOW)
    assert replace(after, models=CONFIG.models) == CONFIG
    for name, route in CONFIG.models.items():
        assert replace(after.models[name], tiers=route.tiers) == route
        assert list(weights(after, name)) == list(weights(CONFIG, name))
    assert overridden(CONFIG, overrides, NOW + 100) is CONFIG


@given(anything)
def test_what_is_idle_changes_nothing(overrides):
    idle_ones = [one for one in overrides if idle(CONFIG, one) is not None]
    assert overridden(CONFIG, idle_ones, NOW) is CONFIG


@given(anything)
def test_every_override_outlives_being_kept_while_it_holds(overrides):
    holding = tuple(one for one in overrides if one.until > NOW)
    document = written(overrides)
    kept = None if document is None else msgspec.json.decode(msgspec.json.encode(document))
    assert read(kept, NOW) == holding


@pytest.mark.parametrize(
    "document",
    [{}, {"overrides": None}, {"overrides": {"a": 1}}, {"overrides": [1, {"id": "a"}, None]}],
)
def test_what_is_malformed_in_a_document_is_left_out(document):
    assert read(document, NOW) == ()
    good = written([said("drain", "sim/fast")])
    assert good is not None
    rows = [*(document.get("overrides") or ()), *good["overrides"]]
    assert len(read({"overrides": rows}, NOW)) == 1


@pytest.mark.parametrize(
    "row",
    [
        said("drain", "sim/fast", until=1e300),
        said("drain", "sim/fast", until=NOW * 1000),
        said("drain", "sim/fast", since=float("-inf")),
        said("drain", "sim/fast", since=1e300),
        said("drain", "sim/fast", since=-1e15),
        said("pin", "sim/fast"),
    ],
)
def test_what_nobody_can_have_said_is_left_out(row):
    assert read({"overrides": [msgspec.to_builtins(row)]}, NOW) == ()


def test_never_more_hold_than_may():
    many = [said("drain", "sim/fast", id=str(n)) for n in range(MOST + 20)]
    assert len(read(written(many), NOW)) == MOST


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (
            said("pin", "sim/slwo", "chat"),
            'is not a target of model "chat"; did you mean "sim/slow',
        ),
        (said("pin", "sim/spare", "chat"), 'is declared, but no target of model "chat"'),
        (said("pin", "sim/fast", "caht"), 'there is no model "caht"; did you mean "chat"'),
        (said("pin", "dear/gpt", "chat"), "dear/gpt is off: DEAR_KEY is not set"),
        (said("drain", "sim/fats"), "is not a target of any model; did you mean"),
        (said("drain", "sim/fats", "chat"), 'did you mean "sim/fast"'),
    ],
)
def test_what_cannot_be_meant_is_an_error_with_the_nearest_name(one, told):
    assert told in (fault(CONFIG, one) or "")


def test_what_is_off_can_be_drained_and_does_nothing_yet():
    one = said("drain", "dear/gpt")
    assert fault(CONFIG, one) is None
    assert idle(CONFIG, one) == "dear/gpt is off: DEAR_KEY is not set"


def test_models_that_would_have_nothing_are_named():
    assert left_with_nothing(CONFIG, [said("drain", "sim/fast")], NOW) == ["solo"]
    two = [said("drain", "sim/fast", "chat"), said("drain", "sim/slow", "chat")]
    assert left_with_nothing(CONFIG, two, NOW) == ["chat"]
    assert left_with_nothing(CONFIG, [said("pin", "sim/slow", "chat")], NOW) == []


def test_a_drain_never_has_another_model_make_a_route_s_embeddings():
    text = TEXT + "  vectors: {targets: [sim/fast, sim/slow]}\n"
    config = loaded(text)
    after = overridden(config, [said("drain", "sim/fast", "vectors")], NOW)
    assert build.alike(config)["vectors"] == build.alike(after)["vectors"] == {"sim/fast"}


def test_the_file_s_own_weights_say_nothing_of_operators():
    assert not any(t.said for route in CONFIG.models.values() for tier in route.tiers for t in tier)


# what is asked for


def test_what_is_left_out_is_an_hour_by_nobody_for_no_reason():
    one = asked.decoded(b'{"kind": "drain", "target": "sim/fast"}').override("x", NOW)
    assert one == Override("x", "drain", "sim/fast", None, NOW, NOW + 3600, "", "")


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("30d", 30 * 86_400)]
)
def test_how_long_is_said_in_units(written, seconds):
    told = asked.asked_of({"kind": "drain", "target": "sim/fast", "for": written})
    assert told.seconds == seconds


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "kind is missing"),
        ({"kind": "drian", "target": "a/b"}, 'kind is not known here; did you mean "drain"'),
        ({"kind": "drain"}, "target is missing"),
        ({"kind": "pin", "target": "a/b"}, "model is missing"),
        ({"kind": "drain", "target": "a/b", "fro": "1h"}, 'unknown field "fro"'),
        ({"kind": "drain", "target": "a/b", "for": "31d"}, "for is too long; write at most 30d"),
        ({"kind": "drain", "target": "a/b", "for": "0s"}, "for must be longer than 0"),
        ({"kind": "drain", "target": "a/b", "for": "0d"}, "for must be at least 1"),
        ({"kind": "drain", "target": "a/b", "for": "soon"}, "for is not a duration"),
        ({"kind": "drain", "target": "a/b", "for": "xd"}, "for is not a"),
        ({"kind": "drain", "target": "a/b", "reason": "a\nb"}, "reason holds a character"),
        ({"kind": "drain", "target": "a/b", "reason": "x" * 201}, "reason is too long"),
        ({"kind": "drain", "target": "a" * 201}, "target is too long"),
        ({"kind": "drain", "target": "a/b", "by": 3}, "by is not text"),
        ({"kind": "drain", "target": "a/b", "force": "yes"}, "force is neither true nor false"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(fields, told):
    with pytest.raises(asked.Refused) as raised:
        asked.asked_of(fields)
    assert told in str(raised.value)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b'{"kind": "\xff"}'])
def test_a_body_that_is_none_is_refused(body):
    with pytest.raises(asked.Refused, match="as JSON"):
        asked.decoded(body)


@given(st.dictionaries(st.sampled_from([*asked.READERS, "more"]), st.text() | st.integers()))
def test_whatever_is_asked_is_read_or_refused_and_what_is_read_is_bounded(fields):
    try:
        told = asked.asked_of(fields)
    except asked.Refused:
        return
    assert 0 < told.seconds <= asked.LONGEST
    assert max(len(one) for one in (told.target, told.by, told.reason)) <= asked.LONGEST_TEXT
