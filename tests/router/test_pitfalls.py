"""How other routers failed those who called them, as claims: real sockets, and the SDK that most
people have. What needs longer times is claimed of the engine in virtual time.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from router.testing import Answer, Provider, Reply, Request, Script, Silence, Status
from tests.router.running import Running, running

TEXT = "one two three four five"
GOOD = Answer(TEXT)
QUESTION: Any = [{"role": "user", "content": "Which way?"}]
COMMENT = b": still thinking\n\n"
FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
defaults:
  deadline: 5s
  timeouts: {{connect: 200ms, first_token: 200ms, between_tokens: 200ms}}
providers:
  first: {{base_url: "{first}", models: {{m: {{{limits}}}}}}}
  second: {{base_url: "{second}", models: {{n: {{{limits}}}}}}}
models:
  {models}
"""
BOTH = "chat: {policy: weighted_round_robin, targets: {first/m: 1000000, second/n: 1}}"
"""The first is asked as long as it can serve, and neither is alone."""
LADDER = """chat: {{targets: [first/m], when_all_fail: [{{model: spare}}{then}]}}
  spare: {{targets: [second/n]}}"""


@dataclass
class Place:
    """A router between two providers and a client."""

    router: Running
    client: AsyncOpenAI

    async def ask(self, *, stream: bool = False, **more: Any) -> tuple[str, str]:
        """The text, and which provider wrote it. Raises what the SDK raises."""
        create = self.client.chat.completions.with_raw_response.create
        raw = await create(model="chat", messages=QUESTION, stream=stream, **more)
        by = raw.headers.get("x-router-target", "")
        told: Any = raw.parse()
        if not stream:
            return told.choices[0].message.content, by
        words = [choice.delta.content or "" async for chunk in told for choice in chunk.choices]
        return "".join(words), by

    def target(self, name: str) -> Any:
        state = self.router.app.state
        return state.runtime.engine.snapshot(state.clock())[name]


@asynccontextmanager
async def between(
    folder: Path, first: str, second: str, models: str = BOTH, limits: str = "", retries: int = 0
) -> AsyncIterator[Place]:
    path = folder / "providers.yaml"
    path.write_text(FILE.format(first=first, second=second, models=models, limits=limits))
    async with running(path) as router:
        base = f"http://{router.listen}/v1"
        async with AsyncOpenAI(base_url=base, api_key="k", max_retries=retries) as client:
            yield Place(router, client)


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(2.0):
        while not happened():  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(0.002)


def failing(share: int) -> Callable[[Request], Reply]:
    """Every so-manyth request fails."""
    count = 0

    def reply(_: Request) -> Reply:
        nonlocal count
        count += 1
        return Status(500) if count % share == 0 else GOOD

    return reply


# Health.


async def test_a_target_that_fails_a_third_of_its_requests_is_left_and_no_client_notices(
    tmp_path: Path,
) -> None:
    async with Provider(failing(3)) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second.url) as place:
            for _ in range(60):
                assert (await place.ask())[0] == TEXT
                if place.target("first/m").state == "ejected":
                    break
            assert place.target("first/m").state == "ejected"


async def test_429s_and_a_caller_s_own_errors_are_no_sickness(tmp_path: Path) -> None:
    for status in (Status(429, retry_after=0.001), Status(400, code="invalid_value")):
        async with Provider(status) as first, Provider(GOOD) as second:
            async with between(tmp_path, first.url, second.url) as place:
                for _ in range(12):
                    with suppress(openai.BadRequestError):
                        await place.ask()
                snapshot = place.target("first/m")
        assert snapshot.state != "ejected"
        assert snapshot.factors.availability == 1.0


async def test_of_two_rests_the_later_end_wins(tmp_path: Path) -> None:
    replies = iter([Status(429, retry_after=20).delayed(0.05), Status(429, retry_after=1)])
    async with Provider(lambda _: next(replies)) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second.url) as place:
            slow = asyncio.create_task(place.ask())
            await until(lambda: first.requests)
            await asyncio.gather(slow, place.ask())
            rests = place.target("first/m").until - place.router.app.state.clock()
            assert rests > 15
            assert len(first.requests) == 2
            await place.ask()
            assert len(first.requests) == 2


async def test_a_target_alone_with_something_to_fall_back_on_is_left_alone_when_it_fails(
    tmp_path: Path,
) -> None:
    async with Provider(Status(500)) as first, Provider(GOOD) as second:
        models = LADDER.format(then="")
        async with between(tmp_path, first.url, second.url, models) as place:
            for _ in range(30):
                assert (await place.ask())[1] == "second/n"
            assert place.target("first/m").state == "ejected"
            assert len(first.requests) < 15


async def test_what_is_fallen_back_on_keeps_its_limits(tmp_path: Path) -> None:
    async with Provider(Status(401, code="invalid_api_key")) as first, Provider(GOOD) as second:
        models = LADDER.format(then=", {text: sorry}")
        limits = "limits: {requests: 2/day}"
        async with between(tmp_path, first.url, second.url, models, limits) as place:
            told = [(await place.ask())[0] for _ in range(5)]
    assert told == [TEXT, TEXT, "sorry", "sorry", "sorry"]
    assert len(second.requests) == 2


async def test_when_everybody_is_ejected_it_is_never_a_500_and_says_when_to_come_back(
    tmp_path: Path,
) -> None:
    async with Provider(Status(500)) as first, Provider(Status(500)) as second:
        async with between(tmp_path, first.url, second.url) as place:
            errors = []
            for _ in range(25):
                with pytest.raises(openai.InternalServerError) as raised:
                    await place.ask()
                errors.append(raised.value)
    assert {error.status_code for error in errors} <= {502, 503}
    refused = [error for error in errors if error.status_code == 503]
    assert refused
    assert all("retry-after" in error.response.headers for error in refused)


# Retrying.


@pytest.mark.parametrize("stream", [False, True])
async def test_a_failover_does_not_land_on_the_target_that_just_failed(
    stream: bool, tmp_path: Path
) -> None:
    async with Provider(Status(500)) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second.url) as place:
            assert await place.ask(stream=stream) == (TEXT, "second/n")
        assert len(first.requests) == len(second.requests) == 1


async def test_who_said_when_to_come_back_is_not_asked_before(tmp_path: Path) -> None:
    async with Provider(Status(429, retry_after=5)) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second.url) as place:
            for _ in range(5):
                assert (await place.ask())[1] == "second/n"
        assert len(first.requests) == 1


async def test_an_sdk_that_retries_and_a_ladder_multiply_to_no_storm(tmp_path: Path) -> None:
    async with Provider(Status(500)) as first, Provider(Status(500)) as second:
        models = LADDER.format(then="")
        async with between(tmp_path, first.url, second.url, models, retries=2) as place:
            with pytest.raises(openai.InternalServerError):
                await place.ask()
        # Three requests of the SDK's: on each target one, and what the retry budget pays for.
        assert len(first.requests) + len(second.requests) <= 10


async def test_what_another_model_refuses_does_not_hide_the_error_of_the_one_asked_for(
    tmp_path: Path,
) -> None:
    refuses = Status(400, code="prefill_not_supported")
    async with Provider(Status(503)) as first, Provider(refuses) as second:
        async with between(tmp_path, first.url, second.url, LADDER.format(then="")) as place:
            with pytest.raises(openai.InternalServerError) as raised:
                await place.ask()
    assert raised.value.code == "upstream_failed"
    assert "503" in raised.value.message


async def test_streams_that_are_left_leave_their_places(tmp_path: Path) -> None:
    endless = Answer("word " * 500).paced(0.02)
    async with Provider(endless) as first, Provider(GOOD) as second:
        limits = "limits: {concurrent: 2}"
        async with between(tmp_path, first.url, second.url, limits=limits) as place:
            create: Any = place.client.chat.completions.create
            for _ in range(8):
                stream = await create(model="chat", messages=QUESTION, stream=True)
                async for _ in stream:
                    break
                await stream.close()
                await until(lambda: not place.router.app.pipeline.running)
            assert len(first.requests) == 8
            await until(lambda: all(request.left for request in first.requests))
            assert place.target("first/m").in_flight == 0


@contextmanager
def deaf() -> Iterator[str]:
    """An address that accepts no connection and refuses none."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(listening.getsockname())
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            for one in waiting:
                one.close()


@pytest.mark.parametrize("stream", [False, True])
async def test_who_cannot_be_reached_costs_the_time_to_connect_and_no_more(
    stream: bool, tmp_path: Path
) -> None:
    loop = asyncio.get_running_loop()
    with deaf() as first:
        async with Provider(GOOD) as second, between(tmp_path, first, second.url) as place:
            began = loop.time()
            assert await place.ask(stream=stream) == (TEXT, "second/n")
            assert 0.19 < loop.time() - began < 1.0


# Streams.


@pytest.mark.parametrize("script", [GOOD.cut(after=3), GOOD.reset(after=3), GOOD.stalled(after=3)])
async def test_half_an_answer_is_never_taken_for_a_whole_one(script: Reply, tmp_path: Path) -> None:
    async with Provider(script.paced(0.01)) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second.url) as place, asyncio.timeout(2.0):
            with pytest.raises(openai.APIError) as raised:
                await place.ask(stream=True)
    assert raised.value.code == "stream_interrupted"


async def test_a_role_commits_nobody(tmp_path: Path) -> None:
    async with Provider(GOOD.cut(after=1).paced(0.02)) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second.url) as place:
            assert await place.ask(stream=True) == (TEXT, "second/n")


@pytest.mark.parametrize("script", [Silence(), GOOD.stalled(after=0), GOOD.stalled(after=1)])
async def test_a_silent_provider_does_not_hold_its_callers(script: Script, tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with Provider(script) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second.url) as place:
            began = loop.time()
            assert await place.ask(stream=True) == (TEXT, "second/n")
            assert loop.time() - began < 1.0


async def test_comments_are_no_first_content(tmp_path: Path) -> None:
    thinking = GOOD
    for _ in range(20):
        thinking = thinking.inserting(COMMENT, after=1)
    async with Provider(thinking.paced(0.05)) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second.url) as place:
            assert await place.ask(stream=True) == (TEXT, "second/n")


async def test_comments_between_two_pieces_say_that_nobody_has_stalled(tmp_path: Path) -> None:
    thinking = GOOD
    for _ in range(10):
        thinking = thinking.inserting(COMMENT, after=3)
    async with Provider(thinking.paced(0.05)) as first, Provider(GOOD) as second:
        async with between(tmp_path, first.url, second.url) as place:
            assert await place.ask(stream=True) == (TEXT, "first/m")
