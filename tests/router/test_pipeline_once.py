"""The same key gets the same answer: what is run once, what again, what a replay costs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from policies import Facts, Limits
from router.dialects.contract import ClientError
from router.idempotency.store import LIFETIME, Memory
from router.sink import ClientGone, SlowClient
from router.telemetry.counters import Counters
from router.tenants.identity import EVERYTHING, Tenant
from tests.router.clock import in_virtual_time
from tests.router.scene import Scene, words_of
from tests.router.scripted import (
    CUT,
    EVENTS,
    GOOD,
    RESET,
    ROLE,
    Client,
    Script,
    answer,
    refusal,
    text,
)

BEGUN: Script = [0.1, EVENTS, ROLE, 0.1, text("Hel")]


class Place:
    """A scene with a store in sight."""

    def __init__(self, *scripts: Script, **options: Any) -> None:
        self.store = Memory()
        self.scene = Scene({"a/m": scripts}, answers=self.store, **options)

    async def ask(self, sink: Client | None = None, key: str | None = "k", **fields: Any) -> Client:
        return await self.scene.ask(sink, key=key, **fields)

    @property
    def sent(self) -> int:
        return len(self.scene.transport.sent)

    @property
    def ends(self) -> list[str]:
        return [record.end for record in self.scene.kept.requests]


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_the_same_key_gets_the_same_bytes_and_is_told_so(stream: bool) -> None:
    place = Place(GOOD if stream else answer("one"), answer("two"))
    first = await place.ask(stream=stream, request_id="req_1")
    again = await place.ask(stream=stream, request_id="req_2")
    assert place.sent == 1
    assert (again.status, again.body, again.ended) == (200, first.body, True)
    changed = {"x-request-id": "req_2", "idempotent-replayed": "true"}
    of_its_time = ("server-timing", "idempotent-replayed")
    same = {name: told for name, told in first.headers.items() if name not in of_its_time}
    assert again.headers == same | changed
    assert "idempotent-replayed" not in first.headers
    if stream:
        assert words_of(again) == "Hello"


@in_virtual_time
async def test_a_replay_is_in_the_journal_and_counted_but_took_nothing() -> None:
    limits = Limits(concurrent=1)
    place = Place(answer(), [50.0, *answer()], facts={"a/m": Facts(limits=limits)}, deadline=100)
    await place.ask(request_id="req_1")
    occupied = asyncio.ensure_future(place.ask(key=None, request_id="req_2"))
    await asyncio.sleep(1)
    again = await place.ask(request_id="req_3")
    assert again.headers["idempotent-replayed"] == "true"
    assert place.scene.pipeline.running == 1
    record = place.scene.kept.requests[-1]
    assert (record.request_id, record.end, record.attempts) == ("req_3", "replayed", 0)
    assert (record.status, record.target, record.cause) == (200, "", "answered by req_1")
    assert (record.input_tokens, record.output_tokens) == (None, None)
    assert record.ended == record.started
    assert place.sent == 2
    counters = Counters()
    counters.request(record)
    assert counters.requests == {("all", "chat", 200, "replayed"): 1}
    assert (await occupied).status == 200


@in_virtual_time
async def test_without_a_key_nothing_is_remembered() -> None:
    place = Place(answer("one"), answer("two"))
    first, second = await place.ask(key=None), await place.ask(key=None)
    assert first.body != second.body
    assert (len(place.store), place.sent) == (0, 2)


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_while_the_first_runs_the_key_is_409_and_then_replayed(stream: bool) -> None:
    place = Place(GOOD if stream else answer())
    first = asyncio.ensure_future(place.ask(stream=stream))
    await asyncio.sleep(0.05)
    with pytest.raises(ClientError) as caught:
        await place.ask(stream=stream)
    error = caught.value
    assert (error.status, error.code) == (409, "idempotency_key_in_use")
    assert error.headers() == {}  # coming back can help, and nobody knows when
    assert (await first).body == (await place.ask(stream=stream)).body
    assert place.sent == 1


@in_virtual_time
async def test_another_body_is_422_and_harms_neither_the_first_nor_its_answer() -> None:
    place = Place(answer())
    first = asyncio.ensure_future(place.ask())
    await asyncio.sleep(0.05)
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            await place.ask(temperature=1)
        error = caught.value
        assert (error.status, error.code) == (422, "idempotency_key_reused")
        assert error.headers() == {"x-should-retry": "false"}
        await first
    assert (await place.ask()).body == first.result().body
    assert place.sent == 1


@in_virtual_time
async def test_tenants_do_not_get_each_others_answers() -> None:
    place = Place(answer("one"), answer("two"))
    one = await place.ask(tenant=Tenant("one", EVERYTHING))
    two = await place.ask(tenant=Tenant("two", EVERYTHING))
    assert one.body != two.body
    assert (await place.ask(tenant=Tenant("one", EVERYTHING))).body == one.body


FAILURES: dict[str, tuple[bool, Script, str]] = {
    "refused": (False, refusal(400), "error"),
    "denied": (False, refusal(401), "error"),
    "failed": (False, [0.1, RESET], "error"),
    "failed before content": (True, [*BEGUN[:3], CUT], "error"),
    "interrupted": (True, [*BEGUN, 0.1, CUT], "interrupted"),
}


@pytest.mark.parametrize("failure", FAILURES)
@in_virtual_time
async def test_what_failed_is_tried_again(failure: str) -> None:
    stream, bad, end = FAILURES[failure]
    place = Place(bad, GOOD if stream else answer(), attempts=1)
    await place.ask(stream=stream)
    assert (place.ends, place.store.running, len(place.store)) == ([end], 0, 0)
    await asyncio.sleep(600)  # what was denied rests
    again = await place.ask(stream=stream)
    assert again.status == 200
    assert "idempotent-replayed" not in again.headers
    assert place.ends == [end, "ok"]
    assert len(place.store) == 1


@in_virtual_time
async def test_what_a_drain_ended_is_not_kept() -> None:
    place = Place(BEGUN)
    asking = asyncio.ensure_future(place.ask(stream=True))
    await asyncio.sleep(1)
    place.scene.pipeline.stop()
    await asking
    assert place.ends == ["drained"]
    assert (place.store.running, len(place.store)) == (0, 0)


@in_virtual_time
async def test_a_request_that_is_not_admitted_claims_no_key() -> None:
    place = Place(answer())
    with pytest.raises(ClientError) as caught:
        await place.ask(model="unknown")
    assert caught.value.status == 404
    assert place.store.running == 0
    assert (await place.ask()).status == 200


@in_virtual_time
async def test_a_replay_is_for_those_who_may_still_ask() -> None:
    place = Place(answer())
    assert (await place.ask(tenant=Tenant("t", EVERYTHING))).status == 200
    with pytest.raises(ClientError) as caught:
        await place.ask(tenant=Tenant("t", EVERYTHING, models=frozenset()))
    assert caught.value.status == 404


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("after", [0.0, 0.05, 0.15, 0.25, 0.35])
@in_virtual_time
async def test_a_client_that_leaves_frees_its_key(after: float, stream: bool) -> None:
    slow: Script = [0.4, *answer()]
    place = Place(GOOD if stream else slow)
    asking = asyncio.ensure_future(place.ask(stream=stream))
    await asyncio.sleep(after)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (place.store.running, len(place.store)) == (0, 0)
    assert (await place.ask(stream=stream)).ended


def leaving(gone: type[ClientGone], verbs: int) -> Callable[[str], Awaitable[None]]:
    """Be there for so many verbs."""
    left = verbs

    async def leave(verb: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise gone

    return leave


@pytest.mark.parametrize("verbs", range(5))
@in_virtual_time
async def test_so_does_one_whose_connection_is_gone(verbs: int) -> None:
    place = Place(GOOD)
    with pytest.raises(ClientGone):
        await place.ask(Client(leaving(ClientGone, verbs)), stream=True)
    assert (place.store.running, len(place.store)) == (0, 0)
    again = await place.ask(stream=True)
    assert words_of(again) == "Hello"
    assert "idempotent-replayed" not in again.headers


@pytest.mark.parametrize(("gone", "end"), [(ClientGone, "gone"), (SlowClient, "slow")])
@pytest.mark.parametrize("verbs", range(3))
@in_virtual_time
async def test_a_client_that_leaves_a_replay_may_have_another(
    gone: type[ClientGone], end: str, verbs: int
) -> None:
    place = Place(GOOD)
    first = await place.ask(stream=True)
    with pytest.raises(gone):
        await place.ask(Client(leaving(gone, verbs)), stream=True)
    assert (await place.ask(stream=True)).body == first.body
    assert place.ends == ["ok", end, "replayed"]
    assert place.scene.pipeline.running == 0


@in_virtual_time
async def test_a_replay_to_a_slow_reader_is_under_way() -> None:
    place = Place(GOOD)
    await place.ask(stream=True)

    async def wait(verb: str) -> None:
        await asyncio.sleep(1)

    asking = asyncio.ensure_future(place.ask(Client(wait), stream=True))
    await asyncio.sleep(0.5)
    assert place.scene.pipeline.running == 1
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert place.ends == ["ok", "gone"]


@in_virtual_time
async def test_a_long_stream_is_replayed_in_pieces_that_make_the_same_bytes() -> None:
    words = "word " * 40_000
    script: Script = [*BEGUN, text(words), *GOOD[-4:]]
    place = Place(script)
    first, again = await place.ask(stream=True), await place.ask(stream=True)
    assert again.body == first.body
    assert max(len(data) for _, data in again.pieces) <= 64 * 1024
    assert len(again.pieces) > 2


@in_virtual_time
async def test_after_its_lifetime_a_key_begins_anew() -> None:
    place = Place(answer("one"), answer("two"))
    first = await place.ask()
    await asyncio.sleep(LIFETIME - 1)
    assert (await place.ask()).body == first.body
    await asyncio.sleep(2)
    assert (await place.ask()).body != first.body
    assert place.sent == 2


@in_virtual_time
async def test_an_answer_that_a_rescue_made_whole_is_kept() -> None:
    store = Memory()
    scene = Scene({"a/m": [[0.1, RESET]], "b/m": [GOOD]}, answers=store)
    first = await scene.ask(stream=True, key="k")
    again = await scene.ask(stream=True, key="k", request_id="req_2")
    assert again.headers["x-router-target"] == "b/m"
    assert again.body == first.body
    assert scene.asked == ["a/m", "b/m"]
