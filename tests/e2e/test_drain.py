"""Leaving: announced first, then no new connections, then what runs may finish."""

import signal
import time
from contextlib import closing

import pytest

from tests.e2e.running import Router, ask, connect, eventually, read, serving

CONFIG = """\
version: 1
server: {{drain: {drain}}}
providers:
  sim:
    dialect: simulated
    models:
      fast: {{first_token: 1ms, tokens_per_second: 1000, output_tokens: 2}}
      long: {{first_token: 1ms, tokens_per_second: 20, output_tokens: 30}}
      endless: {{first_token: 1ms, tokens_per_second: 20, output_tokens: 100000}}
models:
  fast: {{targets: [sim/fast]}}
  long: {{targets: [sim/long]}}
  endless: {{targets: [sim/endless]}}
"""
ANNOUNCED = CONFIG.format(drain="{announce: 500ms, wait: 5s}")
HURRIED = CONFIG.format(drain="{announce: 0s, wait: 200ms}")

CHECKED = """\
version: 1
server: {drain: {announce: 0s, wait: 200ms}, plugins: [checks]}
providers:
  sim:
    dialect: simulated
    models:
      cheap: {first_token: 1ms, tokens_per_second: 1000, output_tokens: 2}
      dear: {first_token: 1ms, tokens_per_second: 1000, output_tokens: 2}
models:
  checked:
    policy: cost_tiers
    tiers: [[sim/cheap], [sim/dear]]
    cascade: {checks: ["checks:deaf"]}
"""
DEAF = """\
import asyncio

async def deaf(answered):
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
"""


def readyz(router: Router) -> int:
    return ask(router.listen, "GET", "/readyz").status


def listens(router: Router) -> bool:
    try:
        ask(router.listen, "GET", "/healthz")
    except ConnectionError:
        return False
    return True


def test_a_running_stream_finishes_and_nobody_new_is_let_in(tmp_path):
    with serving(tmp_path, ANNOUNCED) as router, router.asked("long", stream=True) as running:
        router.process.send_signal(signal.SIGTERM)
        eventually(lambda: readyz(router) == 503)
        assert ask(router.listen, "GET", "/healthz").status == 200
        assert router.chat("fast").status == 200
        eventually(lambda: not listens(router))
        assert router.process.poll() is None
        assert router.status()["running"] == 1
        answer = read(running)
        assert answer.finish_reasons == ["stop"]
        assert answer.data[-1] == "[DONE]"
        assert router.process.wait(5) == 0


@pytest.mark.parametrize("stream", [True, False])
def test_what_outlives_the_wait_is_told_so(tmp_path, stream):
    with serving(tmp_path, HURRIED) as router, router.sent("endless", stream=stream) as client:
        eventually(lambda: router.status()["running"] == 1)
        router.process.send_signal(signal.SIGTERM)
        answer = read(client.getresponse())
        assert router.process.wait(5) == 0
    assert answer.whole
    if stream:
        assert answer.content
        assert answer.chunks[-1]["error"]["code"] == "draining"
        assert answer.finish_reasons == []
        assert "[DONE]" not in answer.data
    else:
        assert (answer.status, answer.error["code"]) == (503, "draining")
        assert int(answer.headers["retry-after"]) >= 1


def test_a_check_that_cannot_be_cut_off_does_not_hold_the_process(tmp_path):
    (tmp_path / "checks.py").write_text(DEAF)
    with serving(tmp_path, CHECKED) as router, router.sent("checked") as client:
        eventually(lambda: router.status()["running"] == 1)
        router.process.send_signal(signal.SIGTERM)
        answer = read(client.getresponse())
        assert router.process.wait(5) == 0
    assert answer.status == 200
    assert answer.headers["x-router-cascade"] == "best; sim/cheap=draining"


def test_an_idle_connection_does_not_hold_the_process(tmp_path):
    with (
        serving(tmp_path, CONFIG.format(drain="{announce: 0s, wait: 60s}")) as router,
        closing(connect(router.listen)) as client,
    ):
        client.request("GET", "/healthz")
        assert client.getresponse().read()
        began = time.monotonic()
        assert router.stop() == 0
        assert time.monotonic() - began < 2


def test_an_interrupt_from_the_keyboard_announces_nothing(tmp_path):
    with serving(tmp_path, CONFIG.format(drain="{announce: 60s, wait: 60s}")) as router:
        assert router.stop(signal.SIGINT) == 0


def test_a_second_signal_ends_it_at_once(tmp_path):
    with (
        serving(tmp_path, CONFIG.format(drain="{announce: 60s, wait: 60s}")) as router,
        router.asked("endless", stream=True) as running,
    ):
        router.process.send_signal(signal.SIGTERM)
        eventually(lambda: readyz(router) == 503)
        assert router.stop() == 0
        answer = read(running)
    assert answer.chunks[-1]["error"]["code"] == "draining"


def test_a_reload_while_leaving_does_not_bring_it_back(tmp_path):
    with serving(tmp_path, ANNOUNCED) as router:
        router.process.send_signal(signal.SIGTERM)
        eventually(lambda: readyz(router) == 503)
        router.process.send_signal(signal.SIGHUP)
        assert router.process.wait(5) == 0
