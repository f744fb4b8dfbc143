import asyncio
import json
from typing import Any, NamedTuple

import pytest

from policies import Outcome
from router.bell import Bell
from router.dialects.openai.dialect import OPENAI, SPOKEN
from router.dialects.openai.stream import ChatStream
from router.upstream.made_up import WORDS, Behaviour
from router.upstream.simulated import Simulated
from router.upstream.transport import Timeouts, Upstream
from tests.router.clock import in_virtual_time, now

CHAT = "/chat/completions"
CALL = OPENAI.parse(b'{"model":"m","messages":[]}')
QUICK = Behaviour(first_token=0.2, tokens_per_second=10, output_tokens=5)


class Told(NamedTuple):
    """An answer: its status, its pieces with the instants at which they came."""

    status: int
    pieces: list[tuple[float, bytes]]

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.pieces)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def words(self) -> list[str]:
        events = [line[6:] for line in self.body.decode().split("\n\n") if "content" in line]
        deltas = [json.loads(event)["choices"][0]["delta"] for event in events]
        return [delta["content"] for delta in deltas if delta.get("content")]


async def ask(provider: Simulated, target: str = "sim/m", **fields: Any) -> Told:
    bell = Bell(asyncio.get_running_loop())
    upstream = Upstream(target, "m", SPOKEN, provider, Timeouts())
    body = json.dumps({"model": "m", "messages": [], **fields}).encode()
    exchange = provider.open(upstream, CHAT, {}, body, bell)
    began, pieces = now(), []
    while (data := exchange.take()) != b"":
        if data is None:
            await bell.wait(now() + 1000)
        else:
            pieces.append((now() - began, data))
    bell.close()
    assert exchange.head is not None
    return Told(exchange.head.status, pieces)


@in_virtual_time
async def test_a_whole_answer_comes_when_its_last_token_would() -> None:
    told = await ask(Simulated({"sim/m": QUICK}))
    assert told.pieces[0][0] == pytest.approx(0.2 + 5 / 10)
    choice = told.json["choices"][0]
    assert choice["message"]["content"] == "This answer is simulated: no"
    assert choice["finish_reason"] == "stop"
    assert told.json["usage"]["completion_tokens"] == 5
    assert OPENAI.whole(CALL, told.body)[0].outcome is Outcome.OK


@in_virtual_time
async def test_a_stream_comes_token_by_token_in_its_time() -> None:
    told = await ask(Simulated({"sim/m": QUICK}), stream=True)
    assert [at for at, _ in told.pieces] == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6])
    assert "".join(told.words) == "This answer is simulated: no"
    reader = ChatStream(1, withhold_usage=True)
    reader.feed(told.body)
    assert (reader.content, reader.ended, reader.done, reader.failure) == (5, True, True, None)
    assert reader.usage is None


@in_virtual_time
async def test_usage_is_told_to_whoever_asks() -> None:
    told = await ask(
        Simulated({"sim/m": QUICK}), stream=True, stream_options={"include_usage": True}
    )
    reader = ChatStream(1, withhold_usage=True)
    reader.feed(told.body)
    assert reader.usage is not None
    assert reader.usage.output_tokens == 5
    assert reader.usage.input_tokens > 0


@pytest.mark.parametrize(
    ("fields", "length", "finish"),
    [
        ({"max_tokens": 3}, 3, "length"),
        ({"max_completion_tokens": 2, "max_tokens": 4}, 2, "length"),
        ({"max_tokens": 5}, 5, "stop"),
        ({"max_tokens": 10**9}, 5, "stop"),
        ({"max_tokens": -1}, 1, "length"),
        ({"max_tokens": None}, 5, "stop"),
    ],
)
@in_virtual_time
async def test_the_callers_bound_is_kept(fields: dict[str, Any], length: int, finish: str) -> None:
    provider = Simulated({"sim/m": QUICK})
    whole = await ask(provider, **fields)
    assert whole.json["usage"]["completion_tokens"] == length
    assert whole.json["choices"][0]["finish_reason"] == finish
    streamed = await ask(provider, stream=True, **fields)
    assert len(streamed.words) == length
    assert f'"finish_reason":"{finish}"'.encode() in streamed.body


@in_virtual_time
async def test_the_same_seed_gives_the_same_bytes_at_the_same_times() -> None:
    wild = Behaviour(first_token=0.2, jitter=0.5, error_rate=0.3, output_tokens=9, seed=7)

    async def day(behaviour: Behaviour) -> list[Told]:
        provider = Simulated({"sim/m": behaviour})
        return [await ask(provider, stream=bool(number % 2)) for number in range(20)]

    def rounded(day: list[Told]) -> list[list[tuple[float, bytes]]]:
        return [[(round(at, 6), data) for at, data in told.pieces] for told in day]

    first = rounded(await day(wild))
    assert rounded(await day(wild)) == first
    assert rounded(await day(Behaviour(0.2, 50, 0.5, 0.3, 9, seed=8))) != first


@in_virtual_time
async def test_jitter_spreads_every_wait_within_its_bounds() -> None:
    provider = Simulated({"sim/m": Behaviour(first_token=1, jitter=0.2, output_tokens=1, seed=3)})
    firsts = [(await ask(provider, stream=True)).pieces[0][0] for _ in range(300)]
    assert 0.8 <= min(firsts) < 0.82
    assert 1.18 < max(firsts) <= 1.2 + 1e-9


@pytest.mark.parametrize(("rate", "least", "most"), [(0, 0, 0), (0.3, 250, 350), (1, 1000, 1000)])
@in_virtual_time
async def test_a_share_of_requests_fails(rate: float, least: int, most: int) -> None:
    provider = Simulated({"sim/m": Behaviour(first_token=0.01, error_rate=rate, output_tokens=1)})
    told = [await ask(provider) for _ in range(1000)]
    failures = [answer for answer in told if answer.status != 200]
    assert least <= len(failures) <= most
    for failure in failures[:1]:
        assert failure.status == 500
        assert OPENAI.refusal(CALL, 500, {}, failure.body).outcome is Outcome.FAILED
        assert failure.pieces[0][0] == pytest.approx(0.01)


@in_virtual_time
async def test_nothing_comes_after_an_abort() -> None:
    provider = Simulated({"sim/m": QUICK})
    bell = Bell(asyncio.get_running_loop())
    upstream = Upstream("sim/m", "m", SPOKEN, provider, Timeouts())
    exchange = provider.open(upstream, CHAT, {}, b'{"messages":[],"stream":true}', bell)
    await asyncio.sleep(0.25)
    assert exchange.take()
    exchange.abort()
    exchange.abort()
    await asyncio.sleep(10)
    assert exchange.take() is None


@in_virtual_time
async def test_a_provider_without_waits_answers_at_once() -> None:
    provider = Simulated(
        {"sim/m": Behaviour(first_token=0, tokens_per_second=1e12, output_tokens=3)}
    )
    told = await ask(provider, stream=True)
    assert told.pieces[-1][0] < 1e-6
    assert len(told.words) == 3


def test_it_says_that_it_is_no_model() -> None:
    assert "simulated:" in WORDS[:5]


@in_virtual_time
async def test_as_many_answers_come_as_were_asked_for() -> None:
    provider = Simulated({"sim/m": QUICK})
    whole = await ask(provider, n=3)
    assert [choice["index"] for choice in whole.json["choices"]] == [0, 1, 2]
    assert whole.json["usage"]["completion_tokens"] == 15
    stream = ChatStream(3, withhold_usage=True)
    stream.feed((await ask(provider, n=3, stream=True)).body)
    assert stream.ended


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_a_prompt_that_begins_as_one_before_is_read_from_a_cache(stream: bool) -> None:
    provider = Simulated({"sim/m": QUICK})
    turns = [{"role": "user", "content": f"{turn} " + "so it was " * 300} for turn in range(4)]
    more: Any = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    told = [await ask(provider, messages=turns[:most], **more) for most in (3, 4, 4)]
    usages = [usage_of(one) for one in told]
    cached = [usage["prompt_tokens_details"]["cached_tokens"] for usage in usages]
    assert cached[0] == 0 < usages[0]["prompt_tokens"] * 0.9 < cached[1] < cached[2]
    assert cached[2] <= usages[2]["prompt_tokens"]


@in_virtual_time
async def test_what_one_target_has_read_another_has_not() -> None:
    provider = Simulated({"sim/m": QUICK, "sim/n": QUICK})
    asked: Any = {"messages": [{"role": "user", "content": "so it was " * 900}]}
    cached = [
        usage_of(await ask(provider, name, **asked))["prompt_tokens_details"]["cached_tokens"]
        for name in ("sim/m", "sim/n", "sim/m", "sim/n")
    ]
    assert cached[:2] == [0, 0]
    assert cached[2] == cached[3] > 1000


def usage_of(told: Told) -> dict[str, Any]:
    if not told.body.startswith(b"data:"):
        return dict(told.json["usage"])
    events = [line[6:] for line in told.body.decode().split("\n\n") if '"usage"' in line]
    return dict(json.loads(events[-1])["usage"])
