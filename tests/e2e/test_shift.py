"""Traffic that shifts in routers as they are run: to the end, back, over deaths and outages."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, Self

import pytest

from tests.e2e.running import Router, ask, eventually, run, serving
from tests.router.quota.servers import Process, process

CONFIG = """\
version: 1
server: {{drain: {{announce: 0s, wait: 5s}}}}
{shared}
providers:
  sim:
    dialect: simulated
    models:
      good: {{first_token: 1ms, tokens_per_second: 10000, output_tokens: 2}}
      better: {{first_token: 1ms, tokens_per_second: 10000, output_tokens: 2}}
      bad: {{first_token: 1ms, tokens_per_second: 10000, output_tokens: 2, error_rate: 0.3}}
models:
  chat:
    targets: {{sim/good: 1}}
{shift}
"""
SHIFT = """\
    shift:
      to: {{sim/{to}: 1}}
      steps: {steps}
      interval: {interval}
      min_requests: 20
      by: request
"""


def config(to: str, shared: str = "", steps: str = "[20, 50, 100]", interval: str = "200ms") -> str:
    shift = SHIFT.format(to=to, steps=steps, interval=interval) if to else ""
    server = f'shared: {{redis: "{shared}"}}' if shared else ""
    return CONFIG.format(shared=server, shift=shift)


class Load:
    """Clients who ask all the time, until they are told to stop."""

    def __init__(self, routers: list[Router], clients: int = 2) -> None:
        self.routers = routers
        self.ends: Counter[str] = Counter()
        self.over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number,)) for number in range(clients)
        ]

    def _ask(self, number: int) -> None:
        while not self.over.is_set():
            router = self.routers[number % len(self.routers)]
            try:
                self.ends[str(router.chat("chat").status)] += 1
            except (OSError, HTTPException) as error:
                self.ends[type(error).__name__] += 1

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()


def shift(router: Router) -> dict[str, Any]:
    told = ask(router.admin, "GET", "/shifts").json
    return {**told["shifts"]["chat"], "frozen": told["frozen"]}


def reaches(router: Router, state: str, within: float = 15.0) -> None:
    eventually(lambda: shift(router)["state"] == state, within)


def pointsman(router: Router, *words: str):
    return run(*words, "--config", str(router.config), "--admin", router.admin)


def counted(router: Router, name: str, *labels: str) -> float:
    page = ask(router.admin, "GET", "/metrics").text
    lines = [line for line in page.splitlines() if line.startswith(f"pointsman_{name}{{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines if all(e in line for e in labels))


def test_a_canary_that_fails_three_in_ten_is_back_at_nothing_and_no_client_noticed(tmp_path):
    with serving(tmp_path, config("bad", steps="[10, 50, 100]", interval="1s")) as router:
        with Load([router]) as load:
            reaches(router, "back")
            exposed = counted(router, "shift_requests_total", 'arm="canary"')
            time.sleep(0.3)
        assert set(load.ends) == {"200"}
        assert exposed <= 600
        assert counted(router, "attempts_total", "sim/bad", 'outcome="failed"') > 0
        assert (
            "TRAFFIC IS TAKEN BACK, the canary is worse than the control: model=chat" in router.said
        )
        told = shift(router)
        assert (told["share"], told["taken_back"]) == (0.0, 1)
        assert 500 < told["again_in_s"] <= 600
        before = counted(router, "attempts_total", "sim/bad")
        assert {router.chat("chat").status for _ in range(50)} == {200}
        assert counted(router, "attempts_total", "sim/bad") == before
        assert (
            'pointsman_shift_state{model="chat",state="back"} 1'
            in ask(router.admin, "GET", "/metrics").text
        )
        assert "back for" in pointsman(router, "status").stdout
    with serving(tmp_path, config("bad")) as router:  # it is bad still
        time.sleep(1.2)
        assert shift(router)["state"] == "back"
        assert {router.chat("chat").headers["x-router-target"] for _ in range(20)} == {"sim/good"}
        resumed = pointsman(router, "shift", "resume", "chat")
        assert resumed.returncode == 0, resumed.stderr
        assert shift(router)["share"] == 0.2


def test_a_good_one_gets_everything_and_the_line_for_the_file_is_told(tmp_path):
    with serving(tmp_path, config("better")) as router:
        assert shift(router)["state"] in ("waiting", "running")
        with Load([router]) as load:
            reaches(router, "done")
        assert set(load.ends) == {"200"}
        steps = [line for line in router.said.splitlines() if "traffic shifts:" in line]
        assert ["share=20 % → 50 %" in line for line in steps] == [True]
        assert "0 failed (0 %)" in steps[0]
        line = "targets: {sim/better: 1}"
        assert f"write={line}" in router.said
        assert {router.chat("chat").headers["x-router-target"] for _ in range(20)} == {"sim/better"}
        for words in (["status"], ["shifts"]):
            assert f"write into models.chat: {line}" in pointsman(router, *words).stdout
        checked = run("check", str(router.config))
        assert line in checked.stdout
    with serving(tmp_path, config("better")) as router:
        assert router.chat("chat").headers["x-router-target"] == "sim/better"
        router.reload(config(""))
        assert router.chat("chat").headers["x-router-target"] == "sim/good"
        assert ask(router.admin, "GET", "/shifts").json["shifts"] == {}


def test_an_edit_begins_it_an_operator_pauses_it_and_a_restart_goes_on_where_it_was(tmp_path):
    with serving(tmp_path, config("")) as router, Load([router]) as load:
        router.reload(config("better", interval="1h"))
        eventually(lambda: shift(router)["share"] == 0.2)
        paused = pointsman(router, "shift", "pause", "chat")
        assert "20 % of the requests, paused for" in paused.stdout
        assert set(load.ends) == {"200"}
    with serving(tmp_path, config("better", interval="1h")) as router, Load([router]) as load:
        told = shift(router)
        assert (told["state"], told["share"]) == ("paused", 0.2)
        resumed = pointsman(router, "shift", "resume", "chat")
        assert "20 % of the requests, running for" in resumed.stdout
        aborted = pointsman(router, "shift", "abort", "chat", "--json")
        assert json.loads(aborted.stdout)["state"] == "aborted"
        again = pointsman(router, "shift", "pause", "chat")
        assert again.returncode == 1
        assert "the shift is aborted: there is nothing to pause" in again.stderr
        other = pointsman(router, "shift", "pause", "chats")
        assert '"chats" has no shift; did you mean "chat"?' in other.stderr
        assert shift(router)["share"] == 0.0
        assert set(load.ends) == {"200"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    folder = tmp_path / "valkey"
    folder.mkdir()
    with process(folder) as one:
        yield one


@contextmanager
def fleet(folder: Path, text: str) -> Iterator[list[Router]]:
    for name in ("one", "two"):
        (folder / name).mkdir()
    with serving(folder / "one", text) as one, serving(folder / "two", text) as two:
        yield [one, two]


def leader(routers: list[Router]) -> Router | None:
    """The one that leads, by the name that it has in its fleet."""
    for router in routers:
        named = {each["name"] for each in router.status()["fleet"]["instances"] if each["this"]}
        if shift(router)["leader"] in named:
            return router
    return None


def test_a_leader_that_is_killed_is_followed_by_another(tmp_path, server):
    text = config("better", server.url, steps="[50, 100]", interval="1s")
    with fleet(tmp_path, text) as routers:
        eventually(lambda: leader(routers) is not None, 10)
        first = leader(routers)
        [other] = [router for router in routers if router is not first]
        with Load([other]) as load:
            eventually(lambda: shift(other)["share"] == 0.5, 10)
            assert first is not None
            first.kill()
            reaches(other, "done", 20)
        assert set(load.ends) == {"200"}
        assert leader([other]) is other


def test_without_the_server_it_is_frozen_and_served_and_then_goes_on(tmp_path, server):
    text = config("better", server.url, steps="[50, 100]", interval="1s")
    with fleet(tmp_path, text) as routers:
        eventually(lambda: {shift(each)["share"] for each in routers} == {0.5}, 15)
        with Load(routers) as load:
            server.kill()
            for router in routers:
                reaches(router, "frozen")
            time.sleep(0.3)
            assert {shift(each)["share"] for each in routers} == {0.5}
            assert "frozen, each stays where it is" in pointsman(routers[0], "shifts").stdout
            refused = pointsman(routers[0], "shift", "pause", "chat")
            assert "every shift stays where it is" in refused.stderr
            server.start()
            for router in routers:
                reaches(router, "done", 20)
        assert set(load.ends) == {"200"}


def test_workers_count_together_and_one_of_them_leads(tmp_path, server):
    text = config("bad", server.url, steps="[20, 100]", interval="1s")
    with serving(tmp_path, text, None, "--workers", "2") as router:
        with Load([router], 3) as load:
            reaches(router, "back")
        assert set(load.ends) == {"200"}
        eventually(lambda: router.said.count("TRAFFIC IS TAKEN BACK") == 2)
        each = [ask(router.admin, "GET", f"/shifts?worker={n}").json for n in (0, 1)]
        eventually(lambda: shift(router)["state"] == "back")
        assert {one["shifts"]["chat"]["state"] for one in each} <= {"back", "running"}
        aborted = pointsman(router, "shift", "abort", "chat")
        assert aborted.returncode == 0, aborted.stderr
