import asyncio

import pytest

from router.bell import Bell
from tests.router.clock import in_virtual_time, now


def a_bell() -> Bell:
    return Bell(asyncio.get_running_loop())


@in_virtual_time
async def test_a_ring_wakes_whoever_waits() -> None:
    bell = a_bell()
    asyncio.get_running_loop().call_later(2, bell.ring)
    await bell.wait(100)
    assert now() == pytest.approx(2)
    bell.close()


@in_virtual_time
async def test_a_ring_before_the_wait_is_not_missed_and_counts_once() -> None:
    bell = a_bell()
    bell.ring()
    bell.ring()
    await bell.wait(100)
    assert now() == 0
    await bell.wait(100)
    assert now() == pytest.approx(100)
    bell.close()


@in_virtual_time
async def test_a_wait_ends_in_time_without_a_ring() -> None:
    bell = a_bell()
    for until in (1, 3, 2, 2.5, 7):
        before = now()
        while now() < until:
            await bell.wait(until)
        assert now() == pytest.approx(max(before, until))
    bell.close()


@in_virtual_time
async def test_an_earlier_instant_moves_the_timer_forward() -> None:
    bell = a_bell()
    bell.ring()
    await bell.wait(50)
    asyncio.get_running_loop().call_later(1, bell.ring)
    await bell.wait(50)
    await bell.wait(5)
    assert now() == pytest.approx(5)
    bell.close()


@in_virtual_time
async def test_a_wait_for_the_past_returns_without_time_passing() -> None:
    await asyncio.sleep(10)
    bell = a_bell()
    await bell.wait(3)
    assert now() == pytest.approx(10)
    bell.close()


@in_virtual_time
async def test_a_cancelled_wait_leaves_the_bell_usable() -> None:
    bell = a_bell()
    waiting = asyncio.ensure_future(bell.wait(100))
    await asyncio.sleep(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    bell.ring()
    await bell.wait(100)
    assert now() == pytest.approx(1)
    bell.close()


@in_virtual_time
async def test_closing_drops_the_timer() -> None:
    bell = a_bell()
    asyncio.get_running_loop().call_soon(bell.ring)
    await bell.wait(100)
    bell.close()
    bell.close()
    await asyncio.sleep(200)
    waiting = asyncio.ensure_future(bell.wait(500))
    await asyncio.sleep(1)
    assert not waiting.done()  # the timer of the first wait would have rung
    bell.ring()
    await waiting
    bell.close()


@in_virtual_time
async def test_a_relay_that_has_done_all_lets_whoever_waits_sleep() -> None:
    bell = a_bell()
    relayed: list[float] = []

    def relay() -> bool:
        relayed.append(now())
        return len(relayed) < 3

    bell.relay = relay
    bell.ring()
    await bell.wait(100)
    assert relayed == []  # nobody waited: it is looked at anyway
    for at in (1, 2, 3, 3):
        asyncio.get_running_loop().call_at(at, bell.ring)
    await bell.wait(100)
    assert now() == pytest.approx(3)
    assert relayed == pytest.approx([1, 2, 3])
    bell.close()
    assert bell.relay is None


@in_virtual_time
async def test_what_more_has_changed_and_time_itself_wake_past_a_relay() -> None:
    bell = a_bell()
    bell.relay = lambda: True
    await bell.wait(5)
    assert now() == pytest.approx(5)
    assert not bell.woken
    asyncio.get_running_loop().call_later(1, bell.wake)
    await bell.wait(100)
    assert now() == pytest.approx(6)
    assert bell.woken
    bell.close()


@in_virtual_time
async def test_a_relay_that_breaks_wakes_whoever_waits() -> None:
    bell = a_bell()

    def relay() -> bool:
        raise ZeroDivisionError

    bell.relay = relay
    waiting = asyncio.ensure_future(bell.wait(100))
    await asyncio.sleep(1)
    with pytest.raises(ZeroDivisionError):
        bell.ring()
    await waiting
    assert now() == pytest.approx(1)
    bell.close()


@in_virtual_time
async def test_a_bell_that_was_cleared_serves_another() -> None:
    bell = a_bell()
    bell.relay = lambda: True
    asyncio.get_running_loop().call_later(1, bell.wake)
    await bell.wait(5)
    bell.wake()
    bell.clear()
    assert bell.relay is None
    assert not bell.woken
    while now() < 9:
        await bell.wait(9)
    assert now() == pytest.approx(9)
    bell.close()
