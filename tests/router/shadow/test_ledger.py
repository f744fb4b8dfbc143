"""What copies have cost outlives the process that paid for them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config import Rate
from router.kept.file import File
from router.redis.down import Down
from router.shadow.lane import Lane
from router.shadow.ledger import HOUR, NAME, OLDEST, Ledger, added, read
from tests.router.shadow.test_lane import CALL, DOLLAR, terms
from tests.router.shadowing import two
from tests.router.test_copying_apart import GOOD

NOW = 1_000_000 * HOUR + 60.0


def nobody(*_: object, **__: object) -> None:
    """Logs nothing."""


def at(kept, wall):
    return Ledger(kept, lambda: wall)


async def kept(folder):
    found = File(folder / "state.json", nobody)
    await found.start()
    return found


async def test_it_is_there_after_a_restart_and_not_for_ever(tmp_path):
    first = await kept(tmp_path)
    ledger = Ledger(first, lambda: NOW)
    ledger.add("chat", 700)
    assert ledger.within("chat", 86_400) == 700  # also before it is written
    await ledger.save()
    assert ledger.within("chat", 86_400) == 700
    await first.close()
    second = await kept(tmp_path)
    for later, spent in ((0, 700), (23 * HOUR, 700), (26 * HOUR, 0)):
        assert at(second, NOW + later).within("chat", 86_400) == spent
    assert Ledger(second, lambda: NOW).within("other", 86_400) == 0
    await second.close()


async def test_what_cannot_be_written_counts_all_the_same_and_is_written_later(tmp_path):
    class Away(File):
        away = True

        async def change(self, name, how):
            if self.away:
                raise Down("away")
            return await super().change(name, how)

    away = Away(tmp_path / "state.json", nobody)
    ledger = Ledger(away, lambda: NOW)
    ledger.add("chat", 700)
    await ledger.save()
    assert ledger.within("chat", HOUR) == 700
    away.away = False
    ledger.add("chat", 1)
    await ledger.save()
    assert read(away.read(NAME)) == {"chat": {1_000_000: 701}}
    await away.close()


async def test_what_is_being_written_counts_and_is_written_once_whoever_ends_meanwhile(
    tmp_path, monkeypatch
):
    class Slow(File):
        asked = 0

        async def change(self, name, how):
            self.asked += 1
            await asyncio.sleep(0.05)
            return await super().change(name, how)

    monkeypatch.setattr("router.shadow.ledger.EVERY", 0.01)
    slow = Slow(tmp_path / "state.json", nobody)
    ledger = Ledger(slow, lambda: NOW)
    ledger.add("chat", 700)
    await ledger.start()
    while not slow.asked:  # noqa: ASYNC110 - a test looks from outside
        await asyncio.sleep(0.005)
    assert ledger.within("chat", HOUR) == 700
    ledger.add("chat", 1)
    await ledger.close()
    assert read(slow.read(NAME)) == {"chat": {1_000_000: 701}}
    assert ledger.within("chat", HOUR) == 701
    await slow.close()


async def test_two_who_keep_it_together_know_what_both_have_spent(tmp_path):
    one = await kept(tmp_path)
    ledgers = [Ledger(one, lambda: NOW) for _ in range(2)]
    for ledger in ledgers:
        ledger.add("chat", 700)
    await asyncio.gather(*(ledger.save() for ledger in ledgers))
    assert [ledger.within("chat", HOUR) for ledger in ledgers] == [1400, 1400]
    await one.close()


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 10**12), max_size=3), st.integers(0, 99))
def test_it_does_not_grow_with_time(owed, hours):
    document = None
    for hour in range(hours):
        document = added(document, owed, hour)
    for kept_hours in read(document).values():
        assert len(kept_hours) <= OLDEST


@pytest.mark.parametrize(
    "document", [{"chat": 7}, {"chat": {"x": 1}}, {"chat": {"1": "many"}}, {"a": {"1": -5}}, {}]
)
def test_what_is_none_of_ours_says_nothing(document):
    assert read(document) == {}
    assert read(added(document, {"chat": 5}, 7)) == {"chat": {7: 5}}


async def test_a_cap_by_the_day_is_what_is_left_of_it_after_a_restart(tmp_path):
    one = await kept(tmp_path)
    before = Ledger(one, lambda: NOW)
    before.add("chat", DOLLAR - 3_000_000)
    await before.save()
    lane = Lane(terms(), lambda: 1, 0.0, Ledger(one, lambda: NOW))
    assert lane.left(0.0) == 3_000_000
    assert lane.reserve(CALL, 10, 0.0) is not None
    assert lane.reserve(CALL, 10, 0.0) is None
    short = Lane(terms(spend=Rate(DOLLAR, 60.0)), lambda: 1, 0.0, Ledger(one, lambda: NOW))
    assert short.left(0.0) == DOLLAR
    await one.close()


async def test_a_router_that_is_started_again_knows_what_was_spent(tmp_path):
    for spent in (1, 2):
        async with two(tmp_path, GOOD, GOOD) as pair:
            await pair.chat()
            page = await pair.settled(1)
            left = 5.0 - spent * page["dollars_spent"]
            assert page["dollars_left"] == pytest.approx(left, abs=1e-9)
