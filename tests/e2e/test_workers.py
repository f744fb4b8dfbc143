"""Several processes on one port, with a real server between them: one router to whoever looks."""

import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.e2e.running import Router, ask, eventually, read, run, serving
from tests.router.quota.servers import server

CONFIG = """\
version: 1
server: {{drain: {{announce: 200ms, wait: 5s}}, decisions: {{rate: all}}}}
shared: {{redis: "{redis}"}}
providers:
  sim:
    dialect: simulated
    models:
      fast: {{first_token: 1ms, tokens_per_second: 1000, output_tokens: 2}}
      also: {{first_token: 1ms, tokens_per_second: 1000, output_tokens: 2}}
      long: {{first_token: 1ms, tokens_per_second: 20, output_tokens: 15}}
      few: {{first_token: 1ms, output_tokens: 2, limits: {{requests: 15/min}}}}
models:
  fast: {{targets: [sim/fast]}}
  long: {{targets: [sim/long]}}
  few: {{targets: [sim/few]}}
  twice: {{targets: [sim/fast], shadow: {{to: sim/also, share: 100%, rate: 60/min, spend: none}}}}
  both: {{policy: weighted_round_robin, targets: [sim/fast, sim/also]}}
"""
ALONE = CONFIG.replace('shared: {{redis: "{redis}"}}\n', "").format()


@pytest.fixture(scope="module")
def redis(tmp_path_factory) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@contextmanager
def crew(folder: Path, redis: str) -> Iterator[Router]:
    with serving(folder, CONFIG.format(redis=redis), None, "--workers", "2") as router:
        yield router


@pytest.fixture(scope="module")
def router(redis, tmp_path_factory) -> Iterator[Router]:
    with crew(tmp_path_factory.mktemp("crew"), redis) as running:
        yield running


def pids(router: Router) -> list[int]:
    return [worker["pid"] for worker in router.status()["workers"]]


def counted(router: Router, name: str, **labels: str) -> float:
    """The sum of a metric's series with these labels."""
    return sum(samples(ask(router.admin, "GET", "/metrics").text, name, **labels))


def samples(page: str, name: str, **labels: str) -> list[float]:
    rows = re.findall(rf"^pointsman_{name}(?:{{(.*)}})? (\S+)$", page, re.MULTILINE)
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return [float(value) for told, value in rows if all(each in told for each in wanted)]


def alive(pid: int) -> bool:
    """Whether a process runs still; one that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def refused(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as nobody:
        return nobody.connect_ex((host, int(port))) != 0


def test_requests_reach_every_worker_and_are_counted_as_one(router):
    before = counted(router, "requests_total", model="fast")
    answers = [router.chat("fast") for _ in range(60)]
    assert {answer.status for answer in answers} == {200}
    assert counted(router, "requests_total", model="fast") == before + 60
    assert counted(router, "request_seconds_count", model="fast") == before + 60
    assert sum(row["count"] for row in router.status()["requests"]) == before + 60
    each = [ask(router.admin, "GET", f"/status?worker={n}").json["requests"] for n in (0, 1)]
    assert all(rows for rows in each)
    for answer in answers[-10:]:
        name = answer.headers["x-request-id"]
        found = ask(router.admin, "GET", f"/decisions/{name}").json
        assert found["request_id"] == name
        assert found["worker"] in (0, 1)


def test_a_limit_holds_for_all_workers_together(router):
    answers = Counter(router.chat("few").status for _ in range(40))
    assert answers == {200: 15, 429: 25}


def test_the_copies_of_all_workers_are_one_sample_under_one_cap(router):
    for _ in range(80):
        assert router.chat("twice").status == 200

    def page():
        return ask(router.admin, "GET", "/shadow/twice").json

    eventually(lambda: page()["pairs"] + sum(page()["held"].values()) == 80)
    told = page()
    assert told["sampled"] == 80
    assert 20 < told["pairs"] <= 60
    each = [ask(router.admin, "GET", f"/shadow/twice?worker={n}").json["pairs"] for n in (0, 1)]
    assert sum(each) == told["pairs"]
    assert max(each) <= 30
    assert counted(router, "shadow_attempts_total", model="twice") == told["pairs"]
    shown = run("shadow", "twice", "--config", str(router.config), "--admin", router.admin)
    assert "80 sampled" in shown.stdout


def test_the_status_names_the_workers_and_the_command_line_shows_them(router):
    told = router.status()
    assert told["ready"]
    assert [worker["worker"] for worker in told["workers"]] == [0, 1]
    assert {worker["revision"] for worker in told["workers"]} == {told["revision"]}
    assert router.process.pid not in pids(router)
    shown = run("status", "--config", str(router.config), "--admin", router.admin).stdout
    assert all(str(pid) in shown for pid in pids(router))


def overrides(router: Router) -> list[list[str]]:
    """What operators say, as each worker has it."""
    pages = [ask(router.admin, "GET", f"/overrides?worker={n}") for n in (0, 1)]
    return [[one["words"] for one in page.json.get("overrides", ["none"])] for page in pages]


def test_what_is_drained_is_drained_in_every_worker_and_in_one_that_starts_later(router):
    def asked() -> set[str]:
        return {router.chat("both").headers["x-router-target"] for _ in range(20)}

    options = ("--config", str(router.config), "--admin", router.admin)
    assert asked() == {"sim/fast", "sim/also"}
    said = run("drain", "sim/also", "--for", "1m", *options)
    assert "sim/also is drained until" in said.stdout
    everywhere = [["sim/also is drained"]] * 2
    eventually(lambda: overrides(router) == everywhere)
    assert asked() == {"sim/fast"}
    assert samples(ask(router.admin, "GET", "/metrics").text, "overrides", kind="drain") == [1]
    dies = pids(router)[0]
    os.kill(dies, signal.SIGKILL)
    eventually(lambda: dies not in pids(router) and router.status()["ready"])
    assert overrides(router) == everywhere
    assert asked() == {"sim/fast"}
    assert "lifted: sim/also is drained" in run("lift", "--all", *options).stdout
    eventually(lambda: overrides(router) == [[], []])
    assert asked() == {"sim/fast", "sim/also"}


def test_any_worker_explains_and_a_decision_nobody_made_is_not_found(router):
    told = ask(router.admin, "POST", "/explain", body='{"model": "fast"}').json
    assert told["targets"][0]["target"] == "sim/fast"
    assert ask(router.admin, "GET", "/decisions/req_none").status == 404
    assert ask(router.admin, "GET", "/status?worker=2").status == 404
    found = ask(router.admin, "GET", "/decisions?limit=3").json
    assert len(found["decisions"]) == 3
    assert found["silent"] == []


def test_a_worker_that_hangs_is_named_and_not_waited_for(router):
    before = counted(router, "requests_total")
    hung = pids(router)[1]
    os.kill(hung, signal.SIGSTOP)
    try:
        began = time.monotonic()
        told = router.status()
        assert time.monotonic() - began < 2
        assert [worker["answers"] for worker in told["workers"]] == [True, False]
        assert not told["ready"]
        page = ask(router.admin, "GET", "/metrics").text
        assert 'pointsman_worker_up{worker="1"} 0' in page
        assert sum(samples(page, "requests_total")) == before
    finally:
        os.kill(hung, signal.SIGCONT)
    eventually(lambda: router.status()["ready"])


def test_a_reload_reaches_every_worker(router):
    text = router.config.read_text()
    old = router.status()["revision"]
    router.reload(text.replace("\nmodels:", "\nmodels:\n  quick: {targets: [sim/fast]}"))
    eventually(lambda: old not in {each["revision"] for each in router.status()["workers"]})
    told = router.status()
    assert "quick" in told["models"]
    assert told["config"]["errors"] == []
    assert counted(router, "reloads_total", end="ok") == 2
    router.reload(text)


class Load(threading.Thread):
    """Asks on a new connection each time, until it is told to stop."""

    def __init__(self, router: Router) -> None:
        super().__init__()
        self.router = router
        self.ends: Counter[str] = Counter()
        self.longest = 0.0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            began = time.monotonic()
            try:
                self.ends[str(self.router.chat("fast").status)] += 1
            except (OSError, HTTPException) as error:
                self.ends[type(error).__name__] += 1
            self.longest = max(self.longest, time.monotonic() - began)


def test_a_worker_that_is_killed_is_replaced_and_the_port_is_never_closed(tmp_path, redis):
    with crew(tmp_path, redis) as router:
        load = [Load(router) for _ in range(4)]
        for each in load:
            each.start()
        eventually(lambda: sum(each.ends["200"] for each in load) > 40)
        seen = counted(router, "requests_total")
        first, killed = pids(router)
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: counted(router, "worker_restarts_total") == 1, 10)
        assert counted(router, "requests_total") >= seen
        eventually(lambda: router.status()["ready"], 10)
        for each in load:
            each.over.set()
            each.join()
        ends = sum((each.ends for each in load), Counter())
        assert ends["ConnectionRefusedError"] == 0
        assert ends.total() - ends["200"] <= len(load), ends  # what the dead had in its hands
        assert pids(router)[0] == first
        assert pids(router)[1] != killed
        assert f"a worker has ended: worker=1 pid={killed} status=137" in router.said
        assert {router.chat("fast").status for _ in range(20)} == {200}
        workers = pids(router)
        router.kill()  # and they do not outlive their parent
        eventually(lambda: not any(alive(pid) for pid in workers))
        eventually(lambda: refused(router.listen))  # a thread may outlive its process for a moment


def test_leaving_lets_every_worker_finish_and_signals_to_the_workers_change_nothing(
    tmp_path, redis
):
    with crew(tmp_path, redis) as router, ExitStack() as stack:
        running = [stack.enter_context(router.asked("long", stream=True)) for _ in range(6)]
        assert {ask(router.admin, "GET", f"/status?worker={n}").status for n in (0, 1)} == {200}
        for pid in [*pids(router), router.process.pid]:  # as whoever stops a service does
            os.kill(pid, signal.SIGTERM)
        eventually(lambda: ask(router.listen, "GET", "/readyz").status == 503)
        assert router.status()["running"] == 6
        answers = [read(each) for each in running]
        assert all(answer.data[-1] == "[DONE]" for answer in answers)
        assert router.process.wait(5) == 0
        with pytest.raises(ConnectionRefusedError):
            ask(router.listen, "GET", "/healthz")


def test_a_second_signal_ends_all_at_once_and_whoever_waits_is_told(tmp_path, redis):
    with crew(tmp_path, redis) as router, router.asked("long", stream=True) as running:
        router.process.send_signal(signal.SIGTERM)
        eventually(lambda: ask(router.listen, "GET", "/readyz").status == 503)
        assert router.stop() == 0
        assert read(running).chunks[-1]["error"]["code"] == "draining"


def test_several_workers_without_a_shared_server_are_a_mistake_that_names_the_key(tmp_path):
    file = tmp_path / "providers.yaml"
    file.write_text('shared: {redis: ""}\n' + ALONE)
    ended = run("serve", "--config", str(file), "--workers", "2")
    assert ended.returncode == 2
    assert f"{file}: --workers 2 needs shared.redis" in ended.stderr
    assert "serve with one worker" in ended.stderr


def test_what_keeps_workers_from_starting_is_said_once_and_ends_it(tmp_path, redis):
    file = tmp_path / "providers.yaml"
    text = CONFIG.format(redis=redis)
    file.write_text(text.replace("fast: {targets", 'fast: {policy: "no:Such", targets'))
    ended = run("serve", "--config", str(file), "--workers", "2", "--listen", ":0", "--admin", ":0")
    assert ended.returncode == 2
    assert ended.stderr.count("no:Such") == 1
    assert ended.stdout == ""


def test_a_port_in_use_is_an_error_although_ports_can_be_shared(router):
    asked = ["serve", "--config", str(router.config), "--workers", "2"]
    ended = run(*asked, "--listen", router.listen, "--admin", "127.0.0.1:0")
    assert ended.returncode == 1
    assert "address already in use" in ended.stderr
    assert router.chat("fast").status == 200  # the one that has it serves on


def test_a_saved_file_is_soon_in_force_in_every_worker(router):
    text = router.config.read_text()
    before = {worker["revision"] for worker in router.status()["workers"]}
    router.config.write_text(text.replace("\nmodels:", "\nmodels:\n  saved: {targets: [sim/fast]}"))
    eventually(lambda: before.isdisjoint(w["revision"] for w in router.status()["workers"]), 3.0)
    assert {router.chat("saved").status for _ in range(20)} == {200}
    told = ask(router.admin, "GET", "/config").json
    assert told["changes"] == ["model saved added"]
    router.config.write_text(text.replace("\nmodels:", "\nmodels:\n  saved: {targets: [sim/none]}"))
    eventually(lambda: ask(router.admin, "GET", "/config").json["errors"], 3.0)
    assert router.chat("saved").status == 200
    router.config.write_text(text)
    eventually(lambda: not ask(router.admin, "GET", "/config").json["errors"], 3.0)
