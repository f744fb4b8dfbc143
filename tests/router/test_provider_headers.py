"""What providers say is left of their limits, over real sockets: who says little is left alone
before it has to refuse, and it is told where operators look.
"""

from __future__ import annotations

import json
from io import StringIO
from itertools import chain, count
from pathlib import Path
from typing import Any

from router.testing import Answer, Provider, Reply, Request, Status
from tests.router.running import Running, running

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
providers:
  first: {{base_url: "{first}", models: {{m: {{{limits}}}}}}}
  second: {{base_url: "{second}", models: [n]}}
models:
  chat: {{policy: weighted_round_robin, targets: {{first/m: 1000000, second/n: 1}}}}
"""
GOOD = Answer("Hello.")


def leaving(left: int, limit: int = 60, reset: str = "20s") -> dict[str, str]:
    return {
        "X-RateLimit-Limit-Requests": str(limit),
        "X-RateLimit-Remaining-Requests": str(left),
        "X-RateLimit-Reset-Requests": reset,
    }


def written(folder: Path, first: Provider, second: Provider, limits: str = "") -> Path:
    path = folder / "providers.yaml"
    path.write_text(FILE.format(first=first.url, second=second.url, limits=limits))
    return path


async def ask(router: Running, *, stream: bool = False) -> tuple[str, list[str]]:
    """Who answered, and the names of the headers that came."""
    answer = await router.chat(stream=stream)
    assert answer.status == 200, answer.body
    return answer.headers["x-router-target"], [name.lower() for name in answer.headers]


async def status(router: Running) -> Any:
    """Of the first target."""
    told = (await router.ask_admin("GET", "/status")).told
    return told["targets"]["first/m"]


async def test_who_says_little_is_left_is_left_alone_before_it_refuses(tmp_path: Path) -> None:
    lefts = chain([2, 1, 0], count(-1, 0))
    script = (GOOD.with_headers(leaving(left)) for left in lefts)
    async with Provider(script) as first, Provider(GOOD) as second:
        async with running(written(tmp_path, first, second)) as router:
            told = [await ask(router, stream=number % 2 == 1) for number in range(6)]
    assert [by for by, _ in told] == ["first/m"] * 3 + ["second/n"] * 3
    assert not any("ratelimit" in name for _, names in told for name in names)


async def test_it_is_told_where_operators_look(tmp_path: Path) -> None:
    says = GOOD.with_headers({**leaving(1), "x-ratelimit-remaining-tokens": "-1"})
    async with Provider(says) as first, Provider(GOOD) as second:
        async with running(written(tmp_path, first, second)) as router:
            await ask(router)
            told = await status(router)
            metrics = (await router.ask_admin("GET", "/metrics")).body.decode()
            question = json.dumps({"model": "chat"}).encode()
            explained = (await router.ask_admin("POST", "/explain", question)).body.decode()
    (level,) = told["provider_says"]
    assert (level["limit_of"], level["left"], level["limit"]) == ("requests", 1, 60)
    assert 15 < level["whole_in_s"] <= 20
    assert told["nonsense_headers"] == 1
    assert 'pointsman_quota_left{target="first/m",dimension="requests"} 1' in metrics
    assert 'pointsman_quota_limit{target="first/m",dimension="requests"} 60' in metrics
    assert 'pointsman_nonsense_headers_total{target="first/m"} 1' in metrics
    assert "its provider leaves 1 of 60 requests, all again in" in explained


async def test_the_headers_of_a_refusal_are_heard_as_well(tmp_path: Path) -> None:
    refuses = Status(429).with_headers(leaving(0, reset="30s"))
    async with Provider(refuses) as first, Provider(GOOD) as second:
        async with running(written(tmp_path, first, second)) as router:
            assert (await ask(router))[0] == "second/n"
            (level,) = (await status(router))["provider_says"]
    assert (level["left"], level["share_in_force"]) == (0, 1.0)


async def test_a_limit_that_the_file_has_otherwise_is_warned_of_once(tmp_path: Path) -> None:
    lefts, log = count(19, -1), StringIO()

    def reply(_: Request) -> Reply:
        return GOOD.with_headers(leaving(next(lefts), limit=100, reset="55s"))

    async with Provider(reply) as first, Provider(GOOD) as second:
        path = written(tmp_path, first, second, "limits: {requests: 600/min}")
        async with running(path, stream=log) as router:
            for _ in range(15):
                await ask(router)
            (level,) = (await status(router))["provider_says"]
    assert (level["limit"], level["in_file"]) == (100, 600)
    warnings = [line for line in log.getvalue().splitlines() if "limits differ" in line]
    assert len(warnings) == 1
    assert "its provider limits requests to 100 in 60 s, the file to 600" in warnings[0]
