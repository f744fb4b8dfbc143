"""What a store in memory keeps, for how long, and what it lets go."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.idempotency.claim import Claim, claim_of
from router.idempotency.store import LIFETIME, KeyInUse, KeyReused, Memory, WholeAnswer


def claim(key: str = "k", body: bytes = b"{}", tenant: str = "t", endpoint: str = "/") -> Claim:
    return claim_of(tenant, endpoint, key, body)


def answer(body: bytes = b"12345678") -> WholeAnswer:
    return WholeAnswer(200, {"a": "b"}, body, streamed=False)


async def keep(store: Memory, what: Claim, given: WholeAnswer, now: float = 0.0) -> None:
    assert await store.claim(what, now) is None
    store.keep(what, given, now)


async def test_a_key_is_its_request_s_until_that_has_an_answer() -> None:
    store = Memory()
    assert await store.claim(claim(), 0.0) is None
    with pytest.raises(KeyInUse):
        await store.claim(claim(), 1.0)
    store.keep(claim(), answer(), 2.0)
    assert await store.claim(claim(), 3.0) == answer()
    assert (store.running, len(store), store.bytes) == (0, 1, 10)


async def test_another_body_is_refused_while_the_first_runs_and_afterwards() -> None:
    store = Memory()
    assert await store.claim(claim(), 0.0) is None
    with pytest.raises(KeyReused):
        await store.claim(claim(body=b"[]"), 0.0)
    store.keep(claim(), answer(), 0.0)
    with pytest.raises(KeyReused):
        await store.claim(claim(body=b"[]"), 0.0)
    assert await store.claim(claim(), 0.0) == answer()


async def test_a_key_that_was_freed_begins_anew_with_any_body() -> None:
    store = Memory()
    assert await store.claim(claim(), 0.0) is None
    store.free(claim())
    assert await store.claim(claim(body=b"[]"), 0.0) is None
    assert store.running == 1


async def test_tenants_and_endpoints_share_no_key() -> None:
    store = Memory()
    await keep(store, claim(), answer())
    assert await store.claim(claim(tenant="other"), 0.0) is None
    assert await store.claim(claim(endpoint="/other"), 0.0) is None
    assert await store.claim(claim(key="other"), 0.0) is None


async def test_an_answer_is_kept_for_a_day_from_when_it_was_given() -> None:
    store = Memory()
    assert await store.claim(claim(), 0.0) is None
    store.keep(claim(), answer(), 100.0)
    assert await store.claim(claim(), 100.0 + LIFETIME - 0.001) == answer()
    assert await store.claim(claim(), 100.0 + LIFETIME) is None
    assert (len(store), store.bytes) == (0, 0)


async def test_a_running_request_s_key_does_not_expire() -> None:
    store = Memory()
    assert await store.claim(claim(), 0.0) is None
    with pytest.raises(KeyInUse):
        await store.claim(claim(), 10 * LIFETIME)


async def test_beyond_their_number_the_oldest_answers_go_first() -> None:
    store = Memory(most=3)
    for number in range(5):
        await keep(store, claim(str(number)), answer(), float(number))
    assert [await store.claim(claim(str(number)), 5.0) is None for number in range(5)] == [
        True, True, False, False, False,
    ]  # fmt: skip


async def test_beyond_their_bytes_the_oldest_answers_go_first() -> None:
    store = Memory(most_bytes=100)
    for number in range(5):
        await keep(store, claim(str(number)), answer(b"x" * 28), float(number))
    assert (len(store), store.bytes) == (3, 90)
    await keep(store, claim("large"), answer(b"x" * 98), 6.0)
    assert (len(store), store.bytes) == (1, 100)


async def test_an_answer_larger_than_all_may_be_pushes_nothing_out() -> None:
    store = Memory(most_bytes=100)
    await keep(store, claim("small"), answer())
    await keep(store, claim("large"), answer(b"x" * 99))
    assert await store.claim(claim("small"), 0.0) == answer()
    assert await store.claim(claim("large"), 0.0) is None


def told(waiting: Coroutine[Any, Any, WholeAnswer | None]) -> object:
    """What a claim comes to: an answer, None, or the kind of error."""
    try:
        return asyncio.run(waiting)
    except (KeyInUse, KeyReused) as error:
        return type(error)


KEYS = st.sampled_from("abcd")
BODIES = st.sampled_from([b"1", b"2"])


class Whatever(RuleBasedStateMachine):
    """A memory of three answers, 50 bytes and 10 seconds beside a list of what was kept."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.store = Memory(most=3, most_bytes=50, lifetime=10.0)
        self.running: dict[str, bytes] = {}
        self.kept: list[tuple[str, bytes, WholeAnswer, float]] = []

    @rule(seconds=st.sampled_from([0.5, 3.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(key=KEYS, body=BODIES)
    def claim(self, key: str, body: bytes) -> None:
        self.kept = [one for one in self.kept if one[3] + 10.0 > self.now]
        found = [one for one in self.kept if one[0] == key]
        expected: object = None
        if key in self.running:
            expected = KeyInUse if self.running[key] == body else KeyReused
        elif found:
            expected = found[0][2] if found[0][1] == body else KeyReused
        else:
            self.running[key] = body
        assert told(self.store.claim(claim(key, body), self.now)) == expected

    @rule(key=KEYS, size=st.integers(0, 60))
    def keep(self, key: str, size: int) -> None:
        if (body := self.running.pop(key, None)) is None:
            return
        given = answer(b"x" * size)
        self.store.keep(claim(key, body), given, self.now)
        if given.size <= 50:
            self.kept = [one for one in self.kept if one[3] + 10.0 > self.now]
            self.kept.append((key, body, given, self.now))
        while len(self.kept) > 3 or sum(one[2].size for one in self.kept) > 50:
            del self.kept[0]

    @rule(key=KEYS)
    def free(self, key: str) -> None:
        if (body := self.running.pop(key, None)) is not None:
            self.store.free(claim(key, body))

    @invariant()
    def it_holds_no_more_than_it_may(self) -> None:
        assert self.store.running == len(self.running)
        assert len(self.store) <= 3
        assert 0 <= self.store.bytes <= 50


TestWhatever = Whatever.TestCase
