"""Where a route's traffic moves: what may be said of it, and what a change of it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config import Guard, Shift, WeightedTarget, shares, words
from tests.router.config.samples import PROVIDERS, loaded, noted, said

TO = "to: {sim/slow: 1}"


def file(shift: str = TO, route: str = "targets: [sim/fast]") -> str:
    return f"{PROVIDERS}models: {{chat: {{{route}, shift: {{{shift}}}}}}}\n"


def test_only_where_it_goes_must_be_said():
    shift = loaded(file()).models["chat"].shift
    assert shift == Shift((WeightedTarget("sim/slow", 1.0),))
    assert shift.steps == (0.01, 0.05, 0.25, 0.5, 1.0)
    assert (shift.interval, shift.min_requests, shift.by) == (60.0, 200, "session")
    assert (shift.guard, shift.cool_down) == (Guard(0.01, 1.5, 1.3), 600.0)
    assert shift.share == 0


def test_everything_else_may_be_said():
    shift = (
        loaded(
            file(
                "to: [sim/slow, sim/fast], steps: [0.5, 10, 100], interval: 5m, by: user, "
                'guard: {errors: "+0.5%", first_token_p95: 2x, cost: 1.05x}, '
                "min_requests: 1k, cool_down: 1h"
            )
        )
        .models["chat"]
        .shift
    )
    assert shift == Shift(
        to=(WeightedTarget("sim/slow", 1.0), WeightedTarget("sim/fast", 1.0)),
        steps=(0.005, 0.1, 1.0),
        interval=300.0,
        min_requests=1000,
        by="user",
        guard=Guard(0.005, 2.0, 1.05),
        cool_down=3600.0,
    )


def test_what_a_guard_does_not_name_keeps_its_default():
    shift = loaded(file(f"{TO}, guard: {{cost: 4x}}")).models["chat"].shift
    assert shift is not None
    assert shift.guard == Guard(cost=4.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (file(route="policy: priority, tiers: [[sim/fast]]"), "shift is for a route with weighted"),
        (file("steps: [1, 100]"), "shift leads nowhere: it has no `to`"),
        (file("to: {sim/slow: 0}"), "shift leads nowhere: every weight is 0"),
        (file("to: {sim/fast: 1}"), "shift leads nowhere: `to` is what targets are"),
        (file("to: {sim/slw: 1}"), 'declares no such model: "sim/slw"; did you mean "sim/slow"?'),
        (file(f"{TO}, steps: [5, 1, 100]"), "steps [5, 1, 100] do not rise to 100"),
        (file(f"{TO}, steps: [1, 5]"), "steps [1, 5] do not rise to 100"),
        (file(f"{TO}, steps: []"), "steps [] do not rise to 100"),
        (file(f"{TO}, steps: [0, 100]"), 'steps "0" is not a percentage above 0'),
        (file(f"{TO}, steps: [1, 101]"), 'steps "101" is not a percentage above 0'),
        (file(f"{TO}, by: tenant"), "by"),
        (file(f"{TO}, guard: {{errors: 1%}}"), 'errors "1%" is not a number of points'),
        (file(f"{TO}, guard: {{errors: +0%}}"), "must be above +0%"),
        (file(f"{TO}, guard: {{cost: 1.3}}"), 'cost "1.3" is not a ratio'),
        (file(f"{TO}, guard: {{cost: 1x}}"), 'cost "1x" must be above 1x'),
        (file(f"{TO}, guard: {{latency: 2x}}"), 'unknown key "latency"'),
        (file(f"{TO}, min_requests: 0"), "must be at least 1"),
        (f"{PROVIDERS}models: {{chat: {{targets: [sim/fast], shift: 5}}}}", "is not a mapping"),
        (f"{PROVIDERS}models: {{chat→to: {{targets: [sim/fast]}}}}", "has an arrow in it"),
    ],
)
def test_what_cannot_be_followed_is_said_once_in_its_place(text: str, told: str):
    [line] = said(text)
    assert told in line


def test_a_shift_to_where_everything_is_off_is_noted():
    text = file("to: [dear/gpt]")
    far = "  dear: {preset: openai, api_key: '${DEAR_KEY:-}', models: [gpt]}\n"
    notes = noted(text.replace("models: {chat", f"{far}models: {{chat"))
    assert any('nothing of "chat" moves: the providers of `to` are off' in note for note in notes)


def changed(before: str, after: str) -> list[str]:
    return words(loaded(before), loaded(after))


def test_a_change_is_said_in_words():
    bare = file().replace(f", shift: {{{TO}}}", "")
    assert changed(bare, file()) == ["chat: shift none → to sim/slow 1"]
    assert changed(file(), bare) == ["chat: shift to sim/slow 1 → none"]
    assert changed(file(), file("to: {sim/slow: 3, sim/fast: 1}")) == [
        "chat: shift.to sim/slow 1 → sim/slow 3, sim/fast 1"
    ]
    assert changed(
        file(),
        file(
            f"{TO}, steps: [2.5, 100], interval: 2m, min_requests: 50, by: request, "
            "guard: {errors: +2%, first_token_p95: 2x, cost: 4x}, cool_down: 5m"
        ),
    ) == [
        "chat: shift.steps 1, 5, 25, 50, 100 → 2.5, 100",
        "chat: shift.interval 1m → 2m",
        "chat: shift.min_requests 200 → 50",
        "chat: shift.by session → request",
        "chat: shift.guard.errors +1% → +2%",
        "chat: shift.guard.first_token_p95 1.5x → 2x",
        "chat: shift.guard.cost 1.3x → 4x",
        "chat: shift.cool_down 10m → 5m",
    ]


@given(st.integers(1, 9999))
def test_points_percentages_and_ratios_come_back_as_they_are_written(number: int):
    share = number / 10_000
    assert shares.points(shares.show_points(share)) == pytest.approx(share)
    assert shares.percent(float(shares.show_percent(share))) == pytest.approx(share)
    assert shares.ratio(shares.show_ratio(1 + share)) == pytest.approx(1 + share)
