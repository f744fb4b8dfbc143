"""The arithmetic of `benchmarks.wire`, its load, and one small run of everything it has here."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.wire import account
from benchmarks.wire.account import Time
from benchmarks.wire.canned import CHUNKS, Provider, message, provided
from benchmarks.wire.figures import Sample, Verdict, per_stream, ratio, sample, spread
from benchmarks.wire.load import Asking, Client, Streaming, Tally, counted, held, run

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")

WRK = """Running 1s test @ http://127.0.0.1:1/small/chat/completions
  1 threads and 64 connections
  1000 requests in 1.01s, 2.00MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 30
"""


def taken(cost: float, busy: float = 1.0) -> Sample:
    return Sample(cost, busy, 1000.0, 0)


def test_a_cost_is_the_time_on_a_core_for_each_thing_done():
    spent = Time(3.0, 1.0, 14.0).since(Time(1.0, 0.5, 10.0))
    told = sample(spent, done=1000, errors=2)
    assert told == Sample(cost=2000.0, busy=0.625, rate=250.0, errors=2)


def test_nothing_done_costs_more_than_anything():
    assert sample(Time(1.0, 0.0, 1.0), done=0, errors=5).cost == float("inf")


def test_ratios_are_taken_in_each_round():
    mine, others = [taken(20.0), taken(60.0), taken(40.0)], [taken(10.0), taken(20.0), taken(40.0)]
    assert ratio(mine, others) == spread([2.0, 3.0, 1.0])
    assert spread([2.0, 3.0, 1.0]).told(1) == "2.0 (1.0–3.0)"


@pytest.mark.parametrize("idle", [0, 1])
def test_who_had_time_to_spare_is_not_compared(idle):
    samples = [[taken(1.0)], [taken(1.0)]]
    samples[idle] = [taken(1.0, busy=0.5)]
    assert ratio(*samples) is None


def test_a_verdict_says_pass_miss_or_nothing():
    told = [Verdict("x", 2.0, measured).told() for measured in (2.0, 2.1, None)]
    assert [line.split()[-1] for line in told] == ["pass", "MISS", "compared"]


def test_a_stream_s_memory_is_what_was_added_by_it():
    assert per_stream(50_000_000, 70_000_000, 1000) == 20.0


def test_what_wrk_says_is_counted():
    assert counted(WRK) == (970, 40)
    with pytest.raises(RuntimeError, match="unable to connect"):
        counted("unable to connect to 127.0.0.1:1")


def test_a_canned_answer_is_about_as_long_as_asked():
    for size in (500, 20_000):
        body = message(size).partition(b"\r\n\r\n")[2]
        assert abs(len(body) - size) <= 10


def test_a_busy_process_is_seen_to_be_busy():
    before = account.time(os.getpid())
    while (spent := account.time(os.getpid()).since(before)).wall < 0.05:
        pass
    assert spent.busy > 0.5
    assert account.resident(os.getpid()) > 1_000_000


def asks(answer: bytes, user: int) -> bytes:
    body = b'{"user": "%d"}' % user
    return b"POST /%b/x HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (answer, len(body), body)


async def test_clients_count_whole_answers(tmp_path):
    def make(number: int, tally: Tally) -> Client:
        return Asking(asks(b"large", number), tally)

    async with provided(tmp_path) as provider:
        tally = await run(provider.ports[False], 4, make, 0.05)
    assert tally.answers > 4
    assert tally.errors == 0


async def test_a_stream_s_next_chunk_is_written_when_its_client_has_the_one_before(tmp_path):
    async with provided(tmp_path) as provider:
        tally = await run(provider.ports[False], 3, streams(provider), 0.05)
    assert tally.errors == 0
    assert tally.answers >= 3
    assert tally.chunks == tally.answers * CHUNKS


async def test_held_streams_have_begun_and_stay_open(tmp_path):
    def make(number: int, tally: Tally) -> Client:
        return Streaming(asks(b"stream", number), tally, lambda: None)

    async with provided(tmp_path) as provider:
        tally = Tally()
        clients = await held(provider.ports[False], 5, make, tally)
        assert (tally.first, tally.answers, tally.open) == (5, 0, 5)
        for client in clients:
            client.leave()
        await asyncio.sleep(0.01)
    assert tally.errors == 0


async def test_answers_that_are_none_are_errors():
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    def make(number: int, tally: Tally) -> Client:
        return Asking(asks(b"small", number), tally)

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        tally = await run(server.sockets[0].getsockname()[1], 2, make, 0.05)
    assert (tally.answers, tally.errors) == (0, 2)


def streams(provider: Provider):
    def make(number: int, tally: Tally) -> Client:
        user = b"%d" % number
        return Streaming(asks(b"stream", number), tally, lambda: provider.go_on(user))

    return make


def test_a_small_run_has_no_errors_and_every_line():
    command = [sys.executable, "-m", "benchmarks.wire", "--only", "none", "--load", "own"]
    few = ["--rounds", "1", "--seconds", "0.05", "--clients", "2", "--streams", "5"]
    done = subprocess.run(
        [*command, *few], cwd=ROOT, capture_output=True, check=False, text=True, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for line in ("0.5 kB, TLS", "20 kB, TLS", "100 chunks, TLS", "5 streams, TLS", "MB at rest"):
        assert line in done.stdout
    assert done.stdout.count("not compared") == 6
