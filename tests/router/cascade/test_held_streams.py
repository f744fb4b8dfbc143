"""The cheap tier first, streamed: its beginning is held back until it is judged. Real routers, real
sockets, providers that do what they are told.
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from router.testing import Answer, Provider, Silence, Status
from tests.router.cascade.climbers import Climbers, climbers
from tests.router.responding import sdk
from tests.router.running import JSON

SHORT, DEAR = Answer("that way"), Answer("this way, certainly")
LONG = Answer(" ".join(f"word{number}" for number in range(100)))
REFUSES = Answer("I'm sorry, but I can't help with that.")
REFUSES_LONG = Answer(f"I'm sorry, but I can't help with that. {LONG.text}")
HEAD = "{checks: [empty, finish, refusal], head: 2KiB}"
CASCADE = "x-router-cascade"
FORM = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}


def events(body: bytes) -> list[Any]:
    """The chunks of a streamed answer."""
    lines = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: {")]
    return [json.loads(line) for line in lines]


def words(body: bytes) -> str:
    """The text of a streamed answer."""
    choices = [choice for chunk in events(body) for choice in chunk.get("choices", ())]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def note(body: bytes) -> Any:
    """The comment that closes a streamed answer."""
    [line] = [line for line in body.split(b"\n") if line.startswith(b": pointsman {")]
    return json.loads(line.removeprefix(b": pointsman "))


async def say(place: Climbers, **fields: Any) -> str:
    """What a client is told that reads to the end."""
    told = await place.chat(stream=True, **fields)
    assert told.status == 200, told.body
    assert told.body.count(b"[DONE]") == 1
    return words(told.body)


async def begun(provider: Provider) -> None:
    """A provider has been asked."""
    for _ in range(400):
        if provider.requests:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("nobody was asked")


async def test_a_refusal_that_streams_never_reaches_the_client(tmp_path: Path) -> None:
    for cheap in (REFUSES, REFUSES_LONG):
        async with climbers(tmp_path, cheap, DEAR, cascade=HEAD) as place:
            told = await place.chat(stream=True)
            assert words(told.body) == "this way, certainly"
            assert b"sorry" not in told.body
            assert told.body.endswith(b"data: [DONE]\n\n")
            assert told.headers[CASCADE] == "climbed; cheap/m=refusal"
            assert told.headers["x-router-target"] == "dear/m"
            assert note(told.body)["cascade"] == "climbed; cheap/m=refusal"
            assert note(told.body)["attempts"] == 2
            assert place.asked == (1, 1)


async def test_a_beginning_that_fails_ends_its_attempt(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES_LONG.stalled(after=90), DEAR, cascade=HEAD) as place:
        assert await say(place) == "this way, certainly"
        await place.cheap.requests[0].until_over()
        assert place.cheap.requests[0].left
        [decision] = (await place.router.ask_admin("GET", "/decisions")).told["decisions"]
        assert decision["climbed"] == {"cheap/m": "refusal"}
        assert [one["kind"] for one in decision["attempts"]] == ["first", "climb"]
        assert [one["outcome"] for one in decision["attempts"]] == ["abandoned", "ok"]
        assert await place.router.says("climbed from cheap/m (refusal)")


async def test_a_good_short_one_is_given_once_it_is_whole(tmp_path: Path) -> None:
    async with climbers(tmp_path, SHORT.paced(0.02), DEAR, cascade=HEAD) as place:
        arrived: list[float] = []
        async with place.router.streamed() as answer:
            assert answer.headers[CASCADE] == "accepted"
            body = b""
            async for piece in answer.content.iter_any():
                arrived.append(time.monotonic())
                body += piece
        assert words(body) == "that way"
        assert note(body)["cascade"] == "accepted"
        assert arrived[-1] - arrived[0] < 0.02  # all at once, though it was paced
        assert place.asked == (1, 0)


async def test_a_long_one_begins_once_its_head_is_full_and_passes_in_its_own_bytes(
    tmp_path: Path,
) -> None:
    async with climbers(tmp_path, LONG.stalled(after=60, seconds=0.2), DEAR) as place:
        plain = (await place.chat(model="cheap/m", stream=True)).body
    async with climbers(tmp_path, LONG.stalled(after=60, seconds=0.2), DEAR, cascade=HEAD) as place:
        began = time.monotonic()
        async with place.router.streamed() as answer:
            assert answer.headers[CASCADE] == "begun"
            first = await answer.content.readany()
            assert time.monotonic() - began < 0.2
            assert 2048 <= len(first) < len(plain)
            body = first + await answer.read()
        assert note(body)["cascade"] == "begun"
        assert without_note(body) == without_note(plain)
        page = await place.page()
        tier = page["tiers"][0]
        assert (tier["checked"], tier["begun"], tier["failed"]) == (1, 1, {})
        assert page["saved"] > 0


def without_note(body: bytes) -> list[bytes]:
    return [event for event in body.split(b"\n\n") if not event.startswith(b":")]


@pytest.mark.parametrize("after", [1, 4, 8])
async def test_a_stream_that_breaks_off_while_it_is_held_is_rescued_in_silence(
    tmp_path: Path, after: int
) -> None:
    for cheap in (LONG.cut(after=after), LONG.reset(after=after)):
        async with climbers(tmp_path, cheap, DEAR, cascade=HEAD) as place:
            told = await place.chat(stream=True)
            assert words(told.body) == "this way, certainly"
            assert b"word" not in told.body
            assert CASCADE not in told.headers  # nobody checked anything
            assert (await place.page())["requests"] == 0


async def test_one_that_falls_silent_while_it_is_held_is_rescued(tmp_path: Path) -> None:
    more = "retry: {attempts: 3}"
    async with climbers(tmp_path, LONG.stalled(after=4), DEAR, cascade=HEAD, more=more) as place:
        place.router.path.write_text(
            place.router.path.read_text().replace("between_tokens: 5s", "between_tokens: 200ms")
        )
        for _ in range(300):
            if "between_tokens" in place.router.stream.getvalue():
                break
            await asyncio.sleep(0.01)
        assert await say(place) == "this way, certainly"


async def test_where_the_dear_tier_fails_too_the_client_gets_what_was_whole(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES, Status(503), cascade=HEAD) as place:
        told = await place.chat(stream=True)
        assert words(told.body) == REFUSES.text
        assert told.headers[CASCADE] == note(told.body)["cascade"] == "best; cheap/m=refusal"
    async with climbers(tmp_path, REFUSES_LONG, Status(503), cascade=HEAD) as place:
        told = await place.chat(stream=True)  # nobody has the rest of it
        assert told.status == 502
        assert b"sorry" not in told.body


async def test_what_could_not_be_given_is_fallen_back_on(tmp_path: Path) -> None:
    more = "when_all_fail: [{text: busy}]"
    async with climbers(tmp_path, REFUSES_LONG, Status(500), cascade=HEAD, more=more) as place:
        assert await say(place) == "busy"
    async with climbers(tmp_path, REFUSES, Status(500), cascade=HEAD, more=more) as place:
        assert await say(place) == REFUSES.text  # there is an answer


async def test_a_dear_stream_that_breaks_off_ends_in_an_error_and_nothing_else(
    tmp_path: Path,
) -> None:
    async with climbers(tmp_path, REFUSES, LONG.cut(after=8), cascade=HEAD) as place:
        told = await place.chat(stream=True)
        assert words(told.body).startswith("word0")
        assert b'"error"' in told.body
        assert b"[DONE]" not in told.body
        assert b"sorry" not in told.body


async def test_what_has_begun_is_gone_on_with_where_it_breaks(tmp_path: Path) -> None:
    more = "interrupted: resume"
    async with climbers(tmp_path, LONG.cut(after=70), LONG, cascade=HEAD, more=more) as place:
        told = await place.chat(stream=True, temperature=0)
        assert words(told.body) == LONG.text
        assert note(told.body)["resumed"] == [{"from": "cheap/m", "at_tokens": 69}]
        assert note(told.body)["cascade"] == "begun"


async def test_streams_of_every_dialect_are_held(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES, DEAR, cascade=HEAD) as place:
        message = {"role": "user", "content": "hello"}
        for path, fields in (
            ("messages", {"max_tokens": 50, "messages": [message]}),
            ("responses", {"input": "hello", "store": False}),
        ):
            body = json.dumps({"model": "chat", "stream": True, **fields}).encode()
            for cheap in (REFUSES, REFUSES_LONG, SHORT, LONG, Answer("half", finish="length")):
                place.cheap.script = cheap
                told = await place.router.ask("POST", f"/v1/{path}", body, JSON)
                climbs = cheap not in (SHORT, LONG)
                assert (b"certainly" in told.body) is climbs, (path, cheap.text)
                assert b"sorry" not in told.body
                assert note(told.body)["cascade"] == told.headers[CASCADE]
                assert (b"message_stop" in told.body) is (path == "messages")


async def test_streams_in_another_dialect_than_the_client_s_are_held(tmp_path: Path) -> None:
    preset = "dialect: anthropic, api_key: k, "
    half = Answer("half an", finish="length")
    async with climbers(tmp_path, REFUSES, DEAR, cascade=HEAD, preset=preset) as place:
        for cheap, check in ((REFUSES, "refusal"), (REFUSES_LONG, "refusal"), (half, "finish")):
            place.cheap.script = cheap
            told = await place.chat(stream=True, stream_options={"include_usage": True})
            assert words(told.body) == "this way, certainly"
            assert told.headers[CASCADE] == f"climbed; cheap/m={check}"
        for cheap, word in ((SHORT, "accepted"), (LONG, "begun")):
            place.cheap.script = cheap
            told = await place.chat(stream=True, stream_options={"include_usage": True})
            assert words(told.body) == cheap.text
            assert told.headers[CASCADE] == note(told.body)["cascade"] == word
            assert told.body.endswith(b"data: [DONE]\n\n")
            [usage] = [chunk["usage"] for chunk in events(told.body) if chunk.get("usage")]
            assert usage["completion_tokens"] == len(cheap.text.split())


async def test_json_that_does_not_begin_as_json_fails_before_it_is_whole(tmp_path: Path) -> None:
    cascade = "{checks: [schema], head: 1KiB}"
    cheap = Answer("Sure! Here is what you asked for: " + LONG.text)
    async with climbers(tmp_path, cheap, Answer('{"a": 1}'), cascade=cascade) as place:
        assert await say(place, response_format=FORM) == '{"a": 1}'
        assert (await place.page())["tiers"][0]["failed"] == {"schema": 1}
        assert await say(place) == cheap.text


async def test_a_judge_is_asked_about_what_is_whole_and_nobody_about_a_beginning(
    tmp_path: Path,
) -> None:
    cascade = "{checks: [empty, {judge: judges}], head: 2KiB}"
    async with climbers(tmp_path, SHORT, DEAR, Answer("NO"), cascade=cascade) as place:
        assert await say(place) == "this way, certainly"
        assert len(place.judge.requests) == 1
        place.cheap.script = LONG
        assert await say(place) == LONG.text
        assert len(place.judge.requests) == 1


async def test_only_what_was_whole_is_audited(tmp_path: Path) -> None:
    audit = "audit: {by: exact, share: 100%, bound: 50%}"
    cascade = f"{{checks: [empty], head: 2KiB, {audit}}}"
    async with climbers(tmp_path, SHORT, DEAR, cascade=cascade) as place:
        assert await say(place) == "that way"
        tier = (await place.audited(1))["tiers"][0]
        assert (tier["audited"], tier["wrong"]) == (1, 1)
        place.cheap.script = LONG
        assert await say(place) == LONG.text
        await asyncio.sleep(0.05)
        assert place.asked == (2, 1)
        assert (await place.page())["tiers"][0]["audited"] == 1


async def test_without_a_head_streams_are_served_as_without_a_cascade(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES, DEAR) as place:
        told = await place.chat(stream=True)
        assert words(told.body) == REFUSES.text
        assert CASCADE not in told.headers
        assert "cascade" not in note(told.body)


async def test_a_stream_that_starts_in_the_last_tier_is_not_held(tmp_path: Path) -> None:
    more = "start: [{if: {stream: true}, tier: 2}]"
    dear = LONG.stalled(after=2, seconds=0.2)
    async with climbers(tmp_path, SHORT, dear, cascade=HEAD, more=more) as place:
        began = time.monotonic()
        async with place.router.streamed() as answer:
            await answer.content.readany()
            assert time.monotonic() - began < 0.2
            assert CASCADE not in answer.headers
            await answer.read()
        assert place.asked == (0, 1)


async def test_a_client_that_leaves_while_its_stream_is_held_settles_everything_once(
    tmp_path: Path,
) -> None:
    async with climbers(tmp_path, LONG.stalled(after=4), DEAR, cascade=HEAD) as place:
        asking = asyncio.create_task(place.chat(stream=True))
        await begun(place.cheap)
        await asyncio.sleep(0.02)
        asking.cancel()
        await place.cheap.requests[0].until_over()
        assert place.cheap.requests[0].left
        for _ in range(200):
            if not place.router.app.pipeline.running:
                break
            await asyncio.sleep(0.005)
        assert place.router.app.state.runtime.engine.in_flight == 0
        [decision] = (await place.router.ask_admin("GET", "/decisions")).told["decisions"]
        assert [one["outcome"] for one in decision["attempts"]] == ["abandoned"]
        assert (await place.page())["requests"] == 0


async def test_a_client_that_leaves_while_its_stream_is_judged_settles_everything_once(
    tmp_path: Path,
) -> None:
    cascade = "{checks: [{judge: judges}], head: 2KiB}"
    async with climbers(tmp_path, SHORT, DEAR, Silence(), cascade=cascade) as place:
        asking = asyncio.create_task(place.chat(stream=True))
        await begun(place.judge)
        asking.cancel()
        for _ in range(200):
            if not place.router.app.pipeline.running:
                break
            await asyncio.sleep(0.005)
        assert place.router.app.state.runtime.engine.in_flight == 0


async def test_streams_that_fail_switch_the_cascade_off_and_explain_says_so(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES_LONG, DEAR, cascade=HEAD) as place:
        for _ in range(24):
            assert await say(place) == "this way, certainly"
        tier = (await place.page())["tiers"][0]
        assert (tier["asked_first"], tier["share_failed"]) == (False, 1.0)
        before = place.asked[0]
        for _ in range(20):
            await place.chat(stream=True)
        assert place.asked[0] - before <= 4  # looks
        question = json.dumps({"model": "chat", "stream": True}).encode()
        told = (await place.router.ask_admin("POST", "/explain", question, JSON)).told
        assert told["start"][0].startswith("starts in tier 2: tier 1 is skipped by its cascade")
        assert "(empty, finish, refusal), of a longer stream the first 2KiB" in told["start"][-1]
        metrics = (await place.router.ask_admin("GET", "/metrics")).body.decode()
        assert 'pointsman_cascade_begun_total{model="chat",tier="1"}' in metrics


async def test_what_a_beginning_cost_is_what_it_came_to(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES_LONG, LONG, cascade=HEAD) as place:
        assert await say(place) == LONG.text
        page = await place.page()
        [decision] = (await place.router.ask_admin("GET", "/decisions")).told["decisions"]
        cheap, dear = (one["money"] for one in decision["attempts"])
        assert cheap < dear / 5
        assert page["spent"] == pytest.approx((cheap + dear) / 1e9)
        assert page["always_dear"] == pytest.approx(dear / 1e9)
        tier = page["tiers"][0]
        assert tier["answer_costs"] == pytest.approx(cheap / 1e9)
        assert tier["above_costs"] == [pytest.approx(dear / 1e9)]


async def test_the_sdk_reads_what_was_held(tmp_path: Path) -> None:
    expected = ((REFUSES, DEAR), (REFUSES_LONG, DEAR), (SHORT, SHORT), (LONG, LONG))
    asked: Any = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
    async with (
        climbers(tmp_path, REFUSES, DEAR, cascade=HEAD) as place,
        sdk(place.router) as client,
    ):
        for cheap, gets in expected:
            place.cheap.script = cheap
            stream = await client.chat.completions.create(**asked, stream=True)
            chunks = [chunk async for chunk in stream]
            told = "".join(one.delta.content or "" for chunk in chunks for one in chunk.choices)
            assert told == gets.text
            assert chunks[-1].choices[0].finish_reason == "stop"
