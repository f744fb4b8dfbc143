"""Records of decisions in files, as an operator finds them: of a real service, under load."""

import gzip
import json
import os
import shutil
import signal
import stat
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs

from tests.e2e.running import ROOT, Answer, Router, ask, body, eventually, run, serving
from tests.router.quota.servers import server

CONFIG = """\
version: 1
server:
  drain: {announce: 0, wait: 5s}
  decisions: {keep: 0, file: {path: records/decisions.jsonl, rotate: 20kB, keep: 1000}}
SHARED
providers:
  sim:
    dialect: simulated
    models:
      fast: {first_token: 1ms, tokens_per_second: 10000, output_tokens: 4, price: {input: 0.25, output: 2}}
      flaky: {first_token: 1ms, error_rate: 0.3, output_tokens: 4}
      long: {first_token: 1ms, tokens_per_second: 50, output_tokens: 40}
models:
  chat: {policy: weighted_round_robin, targets: {sim/fast: 3, sim/flaky: 1}}
  some: {targets: [sim/fast], decisions: 10%}
  quiet: {targets: [sim/fast], decisions: none}
  long: {targets: [sim/long]}
"""  # noqa: E501 - a flow mapping
VALIDATOR = jsonschema_rs.Draft202012Validator(
    json.loads((ROOT / "records.schema.json").read_text())
)


class Found(NamedTuple):
    """What stands in all files together, and how many lines are none."""

    lines: list[dict[str, Any]]
    broken: int

    @property
    def requests(self) -> set[str]:
        return {line["request"] for line in self.lines}


def config(shared: str = "") -> str:
    return CONFIG.replace("SHARED\n", shared)


def records(folder: Path) -> Path:
    (folder / "records").mkdir()
    return folder / "records"


def found(folder: Path) -> Found:
    lines, broken = [], 0
    for path in sorted((folder / "records").iterdir()):
        data = path.read_bytes()
        for raw in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines():
            try:
                lines.append(json.loads(raw))
            except ValueError:
                broken += 1
    return Found(lines, broken)


def asked(router: Router, model: str, times: int, at_once: int = 4) -> list[Answer]:
    with ThreadPoolExecutor(at_once) as several:
        return list(several.map(lambda _: router.chat(model), range(times)))


def test_every_request_has_its_lines_in_files_that_are_rotated_and_packed(tmp_path):
    folder = records(tmp_path)
    with serving(tmp_path, config()) as router:
        answers = asked(router, "chat", 200)
        eventually(lambda: len([one for one in folder.iterdir() if one.suffix != ".gz"]) == 1)
        with router.asked("long", stream=True) as running:  # it is under way when all ends
            router.process.send_signal(signal.SIGTERM)
            last = running.getheader("x-request-id")
            assert b"[DONE]" in running.read()
    told = found(tmp_path)
    assert told.broken == 0
    assert told.requests == {answer.headers["x-request-id"] for answer in answers} | {last}
    for line in told.lines:
        VALIDATOR.validate(line)
    by_request = Counter(line["request"] for line in told.lines)
    assert all(line["attempts"] == by_request[line["request"]] for line in told.lines)
    for answer in answers:
        mine = [one for one in told.lines if one["request"] == answer.headers["x-request-id"]]
        assert len(mine) == int(answer.headers["x-router-attempts"])
        assert {one["target"] for one in mine} == {answer.headers["x-router-target"]}
    attempts = [line["attempt"] for line in told.lines]
    for attempt in attempts:
        if attempt.get("kind", "first") == "first" and len(attempt["candidates"]) > 1:
            able = [one["target"] for one in attempt["candidates"] if "refused" not in one]
            share = {"sim/fast": 0.75, "sim/flaky": 0.25}[attempt["target"]]
            assert len(able) < 2 or attempt["propensity"] == share
        if attempt["target"] == "sim/fast" and attempt["outcome"] == "ok":
            assert attempt["money"] == 250 * attempt["input_tokens"] + 2000 * 4
        elif attempt["target"] == "sim/flaky":
            assert attempt["money"] is None
    names = [path.name for path in folder.iterdir()]
    assert sum(name.endswith(".gz") for name in names) > 3
    assert not any("part" in name for name in names)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_crash_leaves_one_line_broken_at_most_and_costs_the_last_moment_alone(tmp_path):
    records(tmp_path)
    with serving(tmp_path, config()) as router:
        early = {answer.headers["x-request-id"] for answer in asked(router, "chat", 50)}
        eventually(lambda: early <= found(tmp_path).requests)
        ending = threading.Event()

        def press() -> None:
            while not ending.is_set():
                try:
                    router.chat("chat")
                except OSError:
                    return

        pressing = [threading.Thread(target=press) for _ in range(4)]
        for one in pressing:
            one.start()
        threading.Event().wait(0.3)
        router.kill()
        ending.set()
        for one in pressing:
            one.join()
    told = found(tmp_path)
    assert told.broken <= 1
    assert early <= told.requests
    for line in told.lines:
        VALIDATOR.validate(line)
    with serving(tmp_path, config()) as router:  # and another goes on where it ended
        after = {answer.headers["x-request-id"] for answer in asked(router, "chat", 20)}
    again = found(tmp_path)
    assert again.broken == told.broken
    assert again.requests >= told.requests | after
    assert len({line["instance"] for line in again.lines}) == 2


def test_a_model_says_which_part_of_its_requests_is_written_also_while_it_runs(tmp_path):
    records(tmp_path)
    with serving(tmp_path, config()) as router:
        asked(router, "some", 300, 8)
        asked(router, "quiet", 20)
        router.reload(config().replace("decisions: none", "decisions: all"))
        assert "quiet: decisions none → all" in router.said
        asked(router, "quiet", 20)
    told = found(tmp_path)
    by_model = Counter(line["model"] for line in told.lines)
    assert 5 <= by_model["some"] <= 70
    assert by_model["quiet"] == 20
    assert {line.get("share", 1.0) for line in told.lines if line["model"] == "some"} == {0.1}


def test_a_folder_that_goes_away_is_said_once_and_costs_no_answer(tmp_path):
    folder = records(tmp_path)
    with serving(tmp_path, config()) as router:
        asked(router, "chat", 5)
        eventually(lambda: len(found(tmp_path).requests) == 5)
        shutil.rmtree(folder)
        assert {answer.status for answer in asked(router, "chat", 20)} == {200}
        eventually(lambda: router.status()["decisions"]["problem"])
        asked(router, "chat", 5)
        assert router.status()["decisions"]["problem"] == "No such file or directory"
        assert "pointsman_decision_file_up 0" in ask(router.admin, "GET", "/metrics").text
        assert router.said.count("decisions cannot be written:") == 1
        shown = run("status", "--config", str(router.config), "--admin", router.admin).stdout
        assert "decisions.jsonl: No such file or directory; 0 lines dropped so far" in shown
        folder.mkdir()
        eventually(lambda: router.status()["decisions"]["written"] >= 30)
        status = router.status()["decisions"]
        assert (status["dropped"], status["problem"]) == (0, "")
        assert router.said.count("decisions are written again:") == 1
    assert len(found(tmp_path).requests) == 25


def test_several_workers_write_one_file(tmp_path):
    folder = records(tmp_path)
    with server(tmp_path) as redis:
        shared = f"shared: {{redis: '{redis}'}}\n"
        with serving(tmp_path, config(shared), None, "--workers", "2") as router:
            answers = asked(router, "chat", 200, 8)
            eventually(lambda: len(found(tmp_path).requests) == 200)
            told = router.status()["decisions"]
            assert (told["problem"], told["dropped"]) == ("", 0)
            assert told["written"] == len(found(tmp_path).lines)
            [first, *_] = [worker["pid"] for worker in router.status()["workers"]]
            os.kill(first, signal.SIGKILL)
            eventually(lambda: router.status()["ready"] and "another in" in router.said)
            more = asked(router, "chat", 20, 2)
    told = found(tmp_path)
    assert told.broken == 0
    assert told.requests == {one.headers["x-request-id"] for one in [*answers, *more]}
    assert len({line["instance"] for line in told.lines}) >= 2
    assert (folder / "decisions.jsonl").exists()


def test_no_line_holds_a_text_a_key_or_a_header(tmp_path):
    records(tmp_path)
    with serving(tmp_path, config()) as router:
        secrets = {"Authorization": "Bearer my-key", "traceparent": "my-trace"}
        words = [{"role": "user", "content": "my prompt"}]
        asking = body("chat", messages=words, user="my-user", metadata={"my": "my-note"})
        ask(router.listen, "POST", "/v1/chat/completions", secrets, asking)
    [line] = [json.dumps(one) for one in found(tmp_path).lines][-1:]
    for secret in ("my-key", "my-trace", "my prompt", "my-user", "my-note"):
        assert secret not in line
