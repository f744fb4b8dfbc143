"""Whatever three providers do, one request after the other: the whole answer or an honest error,
in time, and nobody is asked again who asked to be left alone.

Each script is a route of its own with three accounts of its own, so that one router runs many of
them side by side; which reply a request gets is drawn from a seed. On half of the routes others go
on with a stream that broke off.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from router.testing import (
    ERROR_EVENT,
    Answer,
    Body,
    HangUp,
    Provider,
    Raw,
    Reply,
    Request,
    Reset,
    Silence,
    Status,
)
from tests.router.running import JSON, Running, completion, running

TEXT = "one two three four five six seven"
GOOD = Answer(TEXT)
DEADLINE = 0.8  # seconds
SLACK = 2.0
"""Seconds beyond the deadline: an error that is on its way, on a machine with others on it."""
ATTEMPTS = 3
REQUESTS = 6
"""Of each script, one after the other."""
SIDE_BY_SIDE = 20
HEAD = """version: 1
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
defaults:
  deadline: 800ms
  timeouts: {connect: 500ms, first_token: 60ms, between_tokens: 60ms}
  retry: {attempts: 3}
"""
HEALTHY: list[Reply] = [
    *[GOOD] * 4,
    GOOD.paced(0.002),
    GOOD.delayed(0.01),
    GOOD.dribbled(7),
    GOOD.closing(),
    GOOD.until_close(),
    GOOD.hung_up(),
    GOOD.preceded(103),
    GOOD.chunked(extension=b";a=b", trailers={"x-sum": "1"}),
    Answer(TEXT, done=False),
    Answer(TEXT, usage=False),
]
BODILESS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 0\r\n\r\n"


def broken(rng: Random) -> Reply:
    """A fault, with its moment."""
    after, some = rng.randrange(11), rng.randrange(1, 1500)
    return rng.choice(
        [
            GOOD.cut(after=after),
            GOOD.cut(after=after).paced(0.002),
            GOOD.cut(after_bytes=some),
            GOOD.reset(after=after),
            GOOD.reset(after=after).paced(0.002),
            GOOD.reset(after_bytes=some),
            GOOD.stalled(after=after),
            GOOD.stalled(after_bytes=some),
            GOOD.stalled(after=after, seconds=0.04),
            GOOD.malformed(after=after).paced(0.002),
            GOOD.inserting(ERROR_EVENT, after=after).paced(0.002),
            GOOD.until_close().cut(after_bytes=some),
            GOOD.slow_head(0.02),
            Answer(TEXT, finish=None).paced(0.002).cut(after=after),
            Answer(TEXT, finish=None, done=False),
            Status(rng.choice([200, 500, 502, 503, 529])),
            Status(429, retry_after=rng.choice([0.05, 0.15, 0.3, 2, 30])),
            Status(429),
            Status(401, code="invalid_api_key"),
            Status(404, code="model_not_found"),
            Status(400, code="context_length_exceeded"),
            Status(400, code="invalid_value"),
            Body("<html>no</html>", rng.choice([200, 403, 502])),
            Body([{"error": {"message": "no", "code": 500}}], 500),
            Body(b"{", kind="application/json"),
            Body(b"", 500),
            Raw([BODILESS]),
            Raw([b"\x16\x03\x01 what?\r\n\r\n"]),
            Reset(),
            HangUp(),
            Silence(),
        ]
    )


@dataclass(eq=False)
class Account:
    """One provider of one script. `until` is the end of the rest that it asked for; `refused`
    counts its refusals of too much.
    """

    rng: Random
    faulty: float
    faults: list[Reply]
    until: float = 0.0
    refused: int = 0
    asked: int = 0
    early: list[float] = field(default_factory=list)

    def reply(self, request: Request) -> Reply:
        """The next reply; how early a request came that came too early is kept."""
        self.asked += 1
        if request.at < self.until:
            self.early.append(self.until - request.at)
        of = self.faults if self.rng.random() < self.faulty else HEALTHY
        reply = self.rng.choice(of)
        if isinstance(reply, Status) and reply.status == 429:
            self.refused += 1
            if isinstance(reply.retry_after, float | int):
                self.until = max(self.until, request.at + min(reply.retry_after, 60))
        return reply


@dataclass(eq=False)
class Script:
    """What three providers are to do, and who asks."""

    seed: int
    accounts: list[Account] = field(init=False)

    def __post_init__(self) -> None:
        rng = Random(self.seed)
        bad = rng.choice([0.2, 0.6, 1.0])
        # A few kinds for all three: what happens everywhere at once is the hard part.
        faults = [broken(rng) for _ in range(rng.randint(1, 4))]
        self.accounts = [Account(Random(rng.random()), bad, faults) for _ in range(3)]
        self.rng = Random(rng.random())
        self.resumes = rng.choice(["", "", "again", "rest"])

    def model(self, number: int) -> str:
        """The upstream's name: the same everywhere, where answers are gone on with."""
        return f"all-{self.seed}" if self.resumes else f"{number}-{self.seed}"

    def providers(self, urls: list[str]) -> Iterator[str]:
        """Lines of the file: three accounts, at three addresses."""
        preset = "preset: vllm, " if self.resumes == "rest" else ""
        for number, url in enumerate(urls):
            model = self.model(number)
            yield f'  p{number}-{self.seed}: {{{preset}base_url: "{url}", models: ["{model}"]}}'

    def route(self) -> str:
        """Its route."""
        targets = ", ".join(f"p{n}-{self.seed}/{self.model(n)}" for n in range(3))
        policy = self.rng.choice(["least_latency", "weighted_round_robin", "priority"])
        pool = f"targets: [{targets}]"
        if policy == "priority":
            pool = "tiers: [" + ", ".join(f"[{target}]" for target in targets.split(", ")) + "]"
        interrupted = "interrupted: resume, " if self.resumes else ""
        return f"  s{self.seed}: {{policy: {policy}, {interrupted}{pool}}}"

    async def run(self, router: Running) -> list[str]:
        """Ask, and say what was not as it must be."""
        wrong = []
        for _ in range(REQUESTS):
            before = sum(account.asked for account in self.accounts)
            streams = self.rng.random() < 0.6
            began = asyncio.get_running_loop().time()
            more: dict[str, Any] = {"temperature": 0} if self.resumes == "again" else {}
            told = await asked(router, f"s{self.seed}", streams=streams, **more)
            took = asyncio.get_running_loop().time() - began
            sent = sum(account.asked for account in self.accounts) - before
            if told:
                wrong.append(told)
            if took > DEADLINE + SLACK:
                wrong.append(f"it took {took:.2f} s")
            if sent > ATTEMPTS + 1:  # one may meet the end of an idle connection
                wrong.append(f"{sent} requests to providers")
        early = [
            f"{by:.3f} s too early"
            for number, account in enumerate(self.accounts)
            if self.heard(router, number) == account.refused
            for by in account.early
        ]
        return [f"script {self.seed}: {told}" for told in wrong + early]

    def heard(self, router: Running, number: int) -> int:
        """How many refusals of too much have reached the router before its patience was over."""
        target = f"p{number}-{self.seed}/{self.model(number)}"
        attempts = router.app.state.counters.attempts
        return sum(
            n for (name, how, _), n in attempts.items() if (name, how) == (target, "throttled")
        )


def of_rest(reply: Reply, request: Request) -> Reply:
    """The same reply, going on with the text that the request asks to be gone on with."""
    messages = request.fields["messages"]
    last = messages[-1] if isinstance(messages, list) else {}
    if last["role"] != "assistant" or not isinstance(reply, Answer):
        return reply
    assert request.fields["continue_final_message"] is True
    assert TEXT.startswith(last["content"])
    return replace(reply, text=TEXT[len(last["content"]) :])


async def asked(router: Running, model: str, *, streams: bool, **more: Any) -> str:
    """Ask once; what was wrong with what came, or nothing."""
    url = f"http://{router.listen}/v1/chat/completions"
    body = completion(model, stream=streams, **more)
    try:
        async with router.client.post(url, data=body, headers=JSON) as answer:
            text = (await answer.read()).decode()
    except aiohttp.ClientError as error:
        return f"no answer in HTTP: {error!r}"
    if int(answer.headers.get("x-router-attempts", 0)) > ATTEMPTS:
        return "more attempts than allowed, by its own word"
    if answer.status != 200:
        return "" if json.loads(text)["error"]["message"] else f"no error: {text}"
    if streams:
        return wrong_stream(text)
    whole = json.loads(text)["choices"][0]["message"]["content"]
    return "" if whole == TEXT else f"another text: {whole!r}"


def wrong_stream(stream: str) -> str:
    """What is wrong with a stream that began well, or nothing."""
    events = [line[6:] for line in stream.splitlines() if line.startswith("data: ")]
    said = [json.loads(event) for event in events if event != "[DONE]"]
    errors = [event for event in said if "error" in event]
    choices = [choice for event in said for choice in event.get("choices", ())]
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    finished = [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == [
        "stop"
    ]
    roles = [choice["delta"]["role"] for choice in choices if choice["delta"].get("role")]
    if len(roles) > 1 or len({event["id"] for event in said if "id" in event}) > 1:
        return f"more answers than one: {stream}"
    if errors:
        honest = errors == said[-1:] and events[-1] != "[DONE]" and TEXT.startswith(text)
        return "" if honest else f"an error that is not the last word: {stream}"
    whole = finished and events[-1] == "[DONE]" and text == TEXT
    return "" if whole else f"{text!r}, without an error: {stream}"


async def all_hold(folder: Path, seeds: range) -> None:
    """Run these scripts, a few side by side; every claim holds for each."""
    scripts = {seed: Script(seed) for seed in seeds}

    def reply(number: int, request: Request) -> Reply:
        _, _, seed = str(request.fields["model"]).partition("-")
        return of_rest(scripts[int(seed)].accounts[number].reply(request), request)

    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def run(script: Script, router: Running) -> list[str]:
        async with turns:
            return await script.run(router)

    with ExitStack() as stack:
        urls = [stack.enter_context(Provider(partial(reply, n))).url for n in range(3)]
        lines = [line for script in scripts.values() for line in script.providers(urls)]
        routes = [script.route() for script in scripts.values()]
        path = folder / "providers.yaml"
        path.write_text("\n".join([HEAD + "providers:", *lines, "models:", *routes]) + "\n")
        async with running(path) as router:
            told = await asyncio.gather(*[run(script, router) for script in scripts.values()])
            assert [wrong for each in told for wrong in each] == []
            snapshot = router.app.state.runtime.engine.snapshot(asyncio.get_running_loop().time())
            assert {target.in_flight for target in snapshot.values()} == {0}
            resumed = Counter[str]()
            for (_, end), count in router.app.state.counters.resumed.items():
                resumed[end] += count
            assert resumed["ok"] > 0


async def test_forty_fault_scripts_end_in_whole_answers_or_honest_errors(tmp_path: Path) -> None:
    await all_hold(tmp_path, range(40))


@pytest.mark.proof
@pytest.mark.parametrize("first", range(40, 540, 50))
async def test_five_hundred_fault_scripts_do_as_well(first: int, tmp_path: Path) -> None:
    await all_hold(tmp_path, range(first, first + 50))
