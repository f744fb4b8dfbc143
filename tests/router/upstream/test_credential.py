"""Who asks is shown with every request, and a token that runs out is there before it does."""

import asyncio
import gc
from collections.abc import Iterator
from threading import Event
from threading import enumerate as enumerate_threads
from typing import Any

import pytest

from policies import Phase
from router.upstream import credential
from router.upstream.credential import (
    Bearer,
    Fixed,
    Lent,
    Renewals,
    Renewed,
    Signed,
    Unavailable,
)
from router.upstream.sigv4 import Audience, AwsKeys, signature
from router.upstream.transport import NoCredential, UpstreamError
from tests.router.front.wire import on_both_loops
from tests.router.upstream.provider import BODY, asking, client, provider, saying, whole

ANSWER = whole(b"{}", headers="Connection: close\r\n")


class Office:
    """Lends tokens by number: each for so many seconds, or not at all. Waits for `open` first."""

    def __init__(self, *good: float | None) -> None:
        self.good: Iterator[float | None] = iter(good)
        self.lent = 0
        self.asked = 0
        self.open = Event()
        self.open.set()

    def __call__(self) -> Lent[str]:
        self.asked += 1
        self.open.wait(2)
        good = next(self.good)
        if good is None:
            raise Unavailable("the office is closed")
        self.lent += 1
        return Lent(f"token-{self.lent}", good)


async def until(claim: Any) -> None:
    async with asyncio.timeout(2):
        while not claim():  # noqa: ASYNC110 - what is waited for happens in a thread
            await asyncio.sleep(0.001)


async def got(source: Renewed[str]) -> str:
    """The value, or why there is none."""
    told: list[str] = []
    source.when_ready(lambda: told.append(source.value), lambda why: told.append(why.detail))
    await until(lambda: told)
    return told[0]


@on_both_loops
async def test_a_request_is_signed_as_it_is_sent() -> None:
    keys, audience = AwsKeys("AKID", "secret", "session"), Audience("eu-west-1", "bedrock")
    signed = Signed(Fixed(keys), audience, wall=lambda: 1_700_000_000.0)
    async with provider(saying(ANSWER)) as seen, client() as http:
        sent = {"traceparent": "00-1", "content-type": "text/odd"}
        async with asking(http, seen.origin, headers=sent, credential=signed) as ask:
            assert await ask.body() == b"{}"
    (request,) = seen.requests
    covered = {"host": seen.origin.removeprefix("http://"), "content-type": "application/json"}
    path = "/v1/chat/completions"
    expected = signature(keys, audience, "POST", path, covered, BODY, 1_700_000_000.0)
    assert request.line == f"POST {path} HTTP/1.1"
    for name, value in {**expected, **covered, "traceparent": "00-1"}.items():
        assert request.header(name) == [value]
    assert request.body == BODY


@on_both_loops
async def test_the_first_request_waits_for_its_token_and_the_others_do_not() -> None:
    office = Office(3600)
    office.open.clear()
    async with provider(saying(ANSWER)) as seen, client() as http:
        bearer = Bearer(http.renewals.get("here", office))
        async with (
            asking(http, seen.origin, credential=bearer) as first,
            asking(http, seen.origin, credential=bearer) as second,
        ):
            await until(lambda: office.asked)
            assert seen.requests == []
            assert not first.exchange.sent
            office.open.set()
            assert await first.body() == await second.body() == b"{}"
            assert first.exchange.sent
        async with asking(http, seen.origin, credential=bearer) as third:
            assert await third.body() == b"{}"
    assert [request.header("authorization") for request in seen.requests] == [
        ["Bearer token-1"]
    ] * 3
    assert office.asked == 1


async def test_a_request_whose_client_left_while_it_waited_is_not_sent() -> None:
    office = Office(3600)
    office.open.clear()
    async with provider(saying(ANSWER)) as seen, client() as http:
        bearer = Bearer(http.renewals.get("here", office))
        async with asking(http, seen.origin, credential=bearer) as ask:
            ask.exchange.abort()
            office.open.set()
            await until(lambda: office.lent)
            await asyncio.sleep(0.01)
    assert seen.requests == []


async def test_without_a_credential_nothing_is_sent_and_who_waits_is_told() -> None:
    async with provider(saying(ANSWER)) as seen, client() as http:
        bearer = Bearer(http.renewals.get("here", Office(None)))
        async with asking(http, seen.origin, credential=bearer) as ask:
            with pytest.raises(NoCredential, match="no credential: the office is closed") as told:
                await ask.body()
    assert told.value.phase is Phase.CONNECT
    assert seen.requests == []


async def test_a_token_is_renewed_before_it_runs_out_without_anybody_asking(monkeypatch) -> None:
    monkeypatch.setattr(credential, "SOONEST", 0.01)
    office = Office(0.1, 3600)
    source = Renewed(office, asyncio.get_running_loop())
    assert await got(source) == "token-1"
    await until(lambda: office.lent == 2)
    await asyncio.sleep(0.01)
    assert await got(source) == "token-2"
    assert office.asked == 2


async def test_while_a_renewal_fails_the_old_token_serves_and_it_is_tried_again(
    monkeypatch,
) -> None:
    monkeypatch.setattr(credential, "SOONEST", 0.0)
    monkeypatch.setattr(credential, "AGAIN", 0.01)
    office = Office(0.2, None, 3600)
    source = Renewed(office, asyncio.get_running_loop())
    assert await got(source) == "token-1"
    await until(lambda: office.asked == 2)
    assert await got(source) == "token-1"
    await until(lambda: office.lent == 2)


async def test_after_a_failure_the_next_request_asks_again() -> None:
    source = Renewed(Office(None, 3600), asyncio.get_running_loop())
    assert await got(source) == "no credential: the office is closed"
    assert await got(source) == "token-1"


async def test_an_office_that_never_answers_is_waited_for_only_so_long(monkeypatch) -> None:
    monkeypatch.setattr(credential, "PATIENCE", 0.02)
    office = Office(3600, 3600)
    office.open.clear()
    source = Renewed(office, asyncio.get_running_loop())
    assert await got(source) == "no credential: nothing came within 0.02 s"
    office.open.set()  # late, but better than never
    await until(lambda: office.lent)
    await asyncio.sleep(0.01)
    assert await got(source) == "token-1"
    assert office.asked == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_fault_in_what_fetches_is_no_hang() -> None:
    def fetch() -> Lent[str]:
        raise ZeroDivisionError

    source = Renewed(fetch, asyncio.get_running_loop())
    assert await got(source) == "no credential: fetching it broke off"
    await until(lambda: "credential" not in {thread.name for thread in enumerate_threads()})


async def test_what_is_renewed_is_kept_while_somebody_holds_it() -> None:
    renewals = Renewals(asyncio.get_running_loop())
    held = renewals.get("here", Office(3600))
    assert renewals.get("here", Office(None)) is held
    assert await got(held) == "token-1"
    del held
    gc.collect()
    assert await got(renewals.get("here", Office(None))) != "token-1"


async def test_a_value_that_was_never_fetched_is_not_made_up() -> None:
    source = Renewed(Office(None), asyncio.get_running_loop())
    with pytest.raises(LookupError):
        assert source.value


def test_keys_are_not_printed() -> None:
    assert "secret-word" not in repr(Fixed(AwsKeys("AKID", "secret-word")))
    assert isinstance(NoCredential("x"), UpstreamError)
