"""What is held back of a stream, and until when, in virtual time."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies import Outcome
from router.cascade.terms import Answered, OwnCheck
from router.ladder import Ladder, Rung
from router.sink import ClientGone
from router.upstream.transport import Head
from tests.router.cascade.holding import Held
from tests.router.clock import in_virtual_time, now
from tests.router.scene import comments_of, events_of, looks_whole, read_by_sdk, words_of
from tests.router.scripted import (
    CUT,
    DONE,
    END,
    ERROR,
    EVENTS,
    FINISH,
    GOOD,
    REFUSED,
    ROLE,
    USAGE,
    Client,
    Script,
    Step,
    body_of,
    text,
)

SORRY = text("I can't help with that, ")
MORE = [text(f"word{number} ") for number in range(30)]
DEAR: Script = [0.1, EVENTS, ROLE, 0.1, text("certainly"), FINISH, USAGE, DONE, END]
REFUSES: Script = [0.1, EVENTS, ROLE, 0.1, SORRY, FINISH, USAGE, DONE, END]
LONG: Script = [0.1, EVENTS, ROLE, *[part for one in MORE for part in (0.1, one)]]
WHOLE: Script = [*LONG, FINISH, USAGE, DONE, END]
SILENT: Script = [0.1, EVENTS, ROLE, text("so "), 1000]


def told(client: Client) -> Any:
    """What the comment says that closes a stream."""
    [note] = [one for one in comments_of(client) if one.startswith("pointsman {")]
    return json.loads(note.removeprefix("pointsman "))


@in_virtual_time
async def test_a_stream_begins_when_its_head_is_full_and_then_passes_as_it_comes() -> None:
    scene = Held({"a/m": [WHOLE], "b/m": [DEAR]}, head=1000)
    client = await scene.stream()
    at, first = client.pieces[0]
    assert 1000 <= len(first) < 1000 + len(MORE[0])
    assert at > 0.5
    times = [at for at, _ in client.pieces]
    assert len(times) > 20
    assert times[1] - times[0] < 0.2
    assert events_of(client) == body_of(WHOLE)[: -len(DONE + USAGE)] + DONE
    assert client.headers["x-router-cascade"] == told(client)["cascade"] == "begun"
    assert scene.request.first == at
    assert (scene.asked, scene.lane.begun, scene.lane.checked) == (["a/m"], [1], [1])
    assert scene.lane.tallies[0].failed == 0


@in_virtual_time
async def test_a_whole_one_is_given_at_once_and_in_its_own_bytes() -> None:
    scene = Held({"a/m": [GOOD], "b/m": [DEAR]})
    client = await scene.stream()
    assert len(client.pieces) == 1
    assert events_of(client) == body_of([ROLE, text("Hel"), text("lo"), FINISH, DONE])
    assert client.headers["x-router-cascade"] == "accepted"
    assert scene.outcomes == ["ok body"]


@in_virtual_time
async def test_while_it_is_held_the_client_is_told_that_somebody_is_there() -> None:
    slow: Script = [1, EVENTS, *[part for one in MORE[:4] for part in (10, one)], CUT]
    scene = Held({"a/m": [slow], "b/m": [[20, *DEAR]]}, head=10_000, deadline=300)
    client = await scene.stream()
    assert comments_of(client)[:3] == ["keep-alive"] * 3
    assert 15 <= client.pieces[0][0] < 15.1
    assert words_of(client) == "certainly"
    assert scene.outcomes == ["failed body", "ok body"]


@in_virtual_time
async def test_what_a_header_can_say_no_more_the_last_comment_says() -> None:
    scene = Held({"a/m": [[20, *REFUSES]], "b/m": [DEAR]})
    client = await scene.stream()
    assert "x-router-cascade" not in client.headers
    assert told(client)["cascade"] == "climbed; a/m=refusal"
    assert told(client)["attempts"] == 2
    assert words_of(client) == "certainly"


@in_virtual_time
async def test_streams_that_were_whole_in_both_tiers_tell_how_long_answers_are() -> None:
    thirty: Script = [*LONG, FINISH, DONE, END]  # tokens; the refusal has three
    scene = Held({"a/m": [REFUSES], "b/m": [thirty]})
    before = scene.lane.dearest(0, 0, 1000)
    await scene.stream()
    await scene.stream()
    assert (before, scene.lane.dearest(0, 0, 1000)) == (10_000, 10_540)
    ended: Script = [0.1, EVENTS, ROLE, SORRY, *MORE, 1000]
    scene = Held({"a/m": [ended], "b/m": [thirty]}, head=600)
    await scene.stream()
    assert scene.lane.dearest(0, 0, 1000) == before  # nobody knows how long it would have been


@in_virtual_time
async def test_a_first_content_that_is_held_is_the_first_token() -> None:
    scene = Held({"a/m": [[0.1, EVENTS, ROLE, 0.4, *WHOLE[2:]]], "b/m": [DEAR]}, head=1000)
    client = await scene.stream()
    [attempt] = scene.kept.attempts
    assert attempt.first is not None
    assert 0.5 < attempt.first < 0.7  # what is measured of the target
    assert scene.request.first is not None
    assert scene.request.first > attempt.first + 0.3  # what the client waited for
    assert told(client)["first_token_ms"] == round(scene.request.first * 1000)


@in_virtual_time
async def test_who_falls_silent_while_held_is_left_after_the_usual_gap() -> None:
    scene = Held({"a/m": [SILENT], "b/m": [DEAR]}, deadline=1000)
    client = await scene.stream()
    assert words_of(client) == "certainly"
    assert scene.outcomes == ["failed body", "ok body"]
    assert 120 < scene.request.ended < 125
    assert scene.lane.checked == [0]  # nobody judged it


@in_virtual_time
async def test_whoever_fails_while_held_may_be_followed_by_a_ladder() -> None:
    ladder = Ladder((Rung("c/m", frozenset({"c/m"})),), None)
    cut: Script = [*LONG[:9], CUT]
    refuses: Script = [0.1, EVENTS, ROLE, SORRY, *MORE, 1000]
    for cheap in (cut, refuses):
        scene = Held(
            {"a/m": [cheap], "b/m": [[0.1, REFUSED]], "c/m": [DEAR]}, ladder=ladder, head=600
        )
        client = await scene.stream()
        assert words_of(client) == "certainly"
        assert client.headers["x-router-degraded"] == "model=c/m"
    scene = Held({"a/m": [REFUSES], "b/m": [[0.1, REFUSED]], "c/m": [DEAR]}, ladder=ladder)
    client = await scene.stream()
    assert words_of(client) == "I can't help with that, "  # there is an answer
    assert client.headers["x-router-cascade"] == "best; a/m=refusal"


@in_virtual_time
async def test_the_deadline_is_one_for_all_tiers() -> None:
    scene = Held({"a/m": [REFUSES], "b/m": [[0.1, EVENTS, ROLE, 1000]]}, deadline=5)
    client = await scene.stream()
    assert words_of(client) == "I can't help with that, "
    assert told(client)["cascade"] == "best; a/m=refusal"
    assert 5 <= scene.request.ended < 5.1
    scene = Held({"a/m": [SILENT], "b/m": [DEAR]}, deadline=5)
    client = await scene.stream()
    assert client.status == 504
    assert scene.outcomes == ["abandoned body"]


@in_virtual_time
async def test_each_tier_before_the_last_is_held() -> None:
    refuses: Script = [0.1, EVENTS, ROLE, SORRY, *MORE, 1000]
    scene = Held({"a/m": [refuses], "b/m": [REFUSES], "c/m": [WHOLE]}, head=600)
    client = await scene.stream()
    assert events_of(client) == body_of(WHOLE)[: -len(DONE + USAGE)] + DONE
    assert client.headers["x-router-cascade"] == "climbed; a/m=refusal, b/m=refusal"
    assert scene.outcomes == ["abandoned body", "ok body", "ok body"]
    assert scene.lane.begun == [1, 0]
    assert scene.lane.checked == [1, 1]
    assert scene.request.climbed == (("a/m", "refusal"), ("b/m", "refusal"))


@in_virtual_time
async def test_a_request_that_is_drained_while_held_says_so() -> None:
    scene = Held({"a/m": [SILENT], "b/m": [DEAR]})
    asking = asyncio.create_task(scene.stream())
    await asyncio.sleep(1)
    scene.pipeline.stop()
    client = await asking
    assert client.status == 503
    assert scene.request.end == "drained"


@in_virtual_time
async def test_a_drain_does_not_wait_for_who_judges() -> None:
    scene = Held({"a/m": [GOOD], "b/m": [DEAR]}, others=[slowly("mine:one", [], good=True)])
    asking = asyncio.create_task(scene.stream())
    await asyncio.sleep(3)
    scene.pipeline.stop()
    client = await asking
    assert words_of(client) == "Hello"
    assert told(client)["cascade"] == "best; a/m=draining"
    assert 3 <= scene.request.ended < 3.1


@in_virtual_time
async def test_the_times_of_the_best_are_its_own_and_its_client_s() -> None:
    scene = Held({"a/m": [REFUSES], "b/m": [[5, REFUSED]]})
    client = await scene.stream()
    assert client.headers["server-timing"] == "before;dur=0.0, upstream;dur=200.0"
    assert told(client)["first_token_ms"] == told(client)["total_ms"] == 5200


@in_virtual_time
async def test_a_client_that_leaves_while_held_settles_everything_once() -> None:
    for at in (0.0, 0.15, 0.35, 1.0):
        scene = Held({"a/m": [SILENT], "b/m": [DEAR]})
        asking = asyncio.create_task(scene.stream())
        await asyncio.sleep(at)
        asking.cancel()
        await asyncio.wait({asking})
        assert len(scene.kept.requests) == (1 if scene.asked else 0)
        assert all(one.report.outcome is Outcome.ABANDONED for one in scene.kept.attempts)
        assert scene.lane.checked == [0]
        assert not scene.lane.account.requests


@in_virtual_time
async def test_a_client_that_leaves_after_it_began_counts_with_what_it_cost() -> None:
    left = 0

    async def leaves(verb: str) -> None:
        nonlocal left
        left += verb == "write"
        if left > 5:
            raise ClientGone

    scene = Held({"a/m": [WHOLE], "b/m": [DEAR]}, head=600)
    with suppress(ClientGone):
        await scene.stream(Client(leaves))
    assert scene.outcomes == ["abandoned body"]
    [attempt] = scene.kept.attempts
    tally = scene.lane.tallies[0]
    assert (scene.lane.begun, tally.failed) == ([1], 0)
    report = attempt.report
    assert tally.cost == (report.input_tokens or 0) + (report.output_tokens or 0)
    assert scene.lane.account.dear == 10 * scene.lane.account.answers


def slowly(name: str, said: list[str], *, good: bool) -> OwnCheck:
    """A check that takes its time."""

    async def holds(answered: Answered) -> bool:
        said.append(answered.said.text)
        await asyncio.sleep(9)
        return good

    return OwnCheck(name, holds)


@in_virtual_time
async def test_while_somebody_judges_the_client_is_told_that_somebody_is_there() -> None:
    said: list[str] = []
    checks = [slowly("mine:one", said, good=True), slowly("mine:other", said, good=False)]
    scene = Held({"a/m": [GOOD], "b/m": [DEAR]}, others=checks)
    client = await scene.stream()
    assert 15 <= client.pieces[0][0] < 15.1
    assert comments_of(client)[0] == "keep-alive"
    assert said == ["Hello", "Hello"]
    assert words_of(client) == "certainly"
    assert told(client)["cascade"] == "climbed; a/m=mine:other"


@in_virtual_time
async def test_a_client_that_leaves_while_somebody_judges_leaves_nothing_behind() -> None:
    scene = Held({"a/m": [GOOD], "b/m": [DEAR]}, others=[slowly("mine:one", [], good=True)])
    asking = asyncio.create_task(scene.stream())
    await asyncio.sleep(3)
    asking.cancel()
    await asyncio.wait({asking})
    assert scene.request.end == "gone"
    assert scene.outcomes == ["ok body"]


def at_once(first: float, *steps: Step) -> Script:
    """A stream whose first content comes so late."""
    return [first, EVENTS, *steps]


@pytest.mark.parametrize("first", [0.15, 0.19, 0.2, 0.21, 0.25])
@pytest.mark.parametrize(
    ("last", "says"),
    [
        ((*MORE[:9], 5, *MORE[9:], FINISH, DONE, END), "word0 "),
        ((MORE[0], 0.01, CUT), "certainly"),
        ((MORE[0], CUT), "certainly"),
        ((SORRY, FINISH, DONE, END), "certainly"),
        ((SORRY, *MORE, 5), "certainly"),
    ],
)
def test_a_held_stream_with_a_rescue_behind_it_is_one_answer(
    first: float, last: tuple[Step, ...], says: str
) -> None:
    """A probe is doubled; both may bring content in one moment."""

    @in_virtual_time
    async def ask() -> None:
        crash: Script = [0.1, Head(500, {}), END]
        dear = [at_once(0.1, text("certainly"), FINISH, DONE, END) for _ in range(40)]
        scene = Held(
            {"a/m": [crash] * 5 + [at_once(first, *last)], "b/m": dear}, head=600, attempts=4
        )
        for _ in range(5):
            await scene.stream()
        await asyncio.sleep(scene.engine.snapshot(now())["a/m"].until - now())
        before = len(scene.transport.sent)
        client = await scene.stream()
        assert scene.asked[before : before + 2] == ["a/m", "b/m"]
        words = words_of(client)
        assert words.startswith((says, "certainly"))
        assert words in ("certainly", "".join(f"word{number} " for number in range(30)))
        assert "sorry" not in words

    ask()


STEPS: list[Step] = [0.1, 20, ROLE, SORRY, *MORE[:6], FINISH, USAGE, DONE, ERROR, CUT, END, 130]
STEPS += [text(""), text("   "), b": note\n\n"]
SCRIPTS: st.SearchStrategy[Script] = st.one_of(
    st.lists(st.sampled_from(STEPS), max_size=14).map(lambda steps: [0.1, EVENTS, *steps]),
    st.sampled_from([WHOLE, REFUSES, GOOD, [0.1, REFUSED], [], [0.1, EVENTS, ROLE, SORRY, *MORE]]),
)


def cut_up(script: Script, sizes: list[int]) -> Script:
    """The same bytes in other pieces."""
    head, data, pieces = [*script[:2]], body_of(script), list[Step]()
    for size in sizes:
        pieces += [data[:size] or b": \n\n", 0.01]
        data = data[size:]
    return [*head, *pieces, *([data] if data else []), END]


@settings(deadline=None)  # a whole life in each example
@given(st.tuples(SCRIPTS, SCRIPTS, SCRIPTS), st.integers(1, 3000))
@example(([0.1, EVENTS, ROLE, SORRY, *MORE], [0.1, REFUSED], GOOD), 600)
@example((REFUSES, [0.1, EVENTS, MORE[0], CUT], [0.1, REFUSED]), 600)
def test_whatever_comes_the_client_gets_one_answer_or_an_error(
    scripts: tuple[Script, Script, Script], head: int
) -> None:
    @in_virtual_time
    async def ask() -> None:
        names = dict(zip(("a/m", "b/m", "c/m"), scripts, strict=True))
        scene = Held({name: [script] for name, script in names.items()}, deadline=300, head=head)
        client = await scene.stream()
        record = scene.request
        if client.status == 200 and record.end == "ok":
            assert client.body.count(b"[DONE]") == 1
            assert passes(events_of(client), names[record.target])
            read_by_sdk(client)
        else:
            assert record.end in ("interrupted", "error")
            assert not looks_whole(client)

    ask()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 400), max_size=20), st.integers(1, 4000), st.booleans())
def test_for_any_pieces_and_any_head_the_client_gets_the_bytes_of_one_tier(
    sizes: list[int], head: int, refuses: bool
) -> None:
    cheap: Script = [
        0.1,
        EVENTS,
        ROLE,
        *([SORRY] if refuses else []),
        *MORE,
        FINISH,
        USAGE,
        DONE,
        END,
    ]

    @in_virtual_time
    async def ask() -> None:
        scene = Held({"a/m": [cut_up(cheap, sizes)], "b/m": [DEAR]}, head=head)
        client = await scene.stream()
        assert passes(events_of(client), cheap if scene.request.target == "a/m" else DEAR)
        judged = head > len(ROLE + SORRY + MORE[0])  # else its beginning says nothing yet
        assert (scene.request.target == "b/m") is refuses or not judged

    ask()


def passes(events: bytes, script: Script) -> bool:
    """Whether a client's events are those that a script has, but for its usage and comments."""
    asked = [one for one in body_of(script).split(b"\n\n") if one and not one.startswith(b":")]
    usage, done = USAGE.strip(), DONE.strip()
    expected = [one for one in asked if one not in (usage, done)]
    got = [one for one in events.split(b"\n\n") if one]
    return got == [*expected[: len(got) - 1], done]
