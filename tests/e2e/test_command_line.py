"""The other commands, run as in a shell: what they print, and the code they leave with."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.e2e.running import Router, run, serving, unused_port

CONFIG = """\
version: 1
server: {admin: "127.0.0.1:0", drain: {announce: 0s, wait: 1s}}
providers:
  sim:
    dialect: simulated
    models:
      fast: {first_token: 1ms, tokens_per_second: 1000, output_tokens: 3}
      slow: {first_token: 2ms, tokens_per_second: 1000, output_tokens: 3}
models:
  chat: {targets: [sim/fast, sim/slow]}
"""


@pytest.fixture
def router(tmp_path) -> Iterator[Router]:
    """One whose file says where its admin listener is, as the commands need it."""
    with serving(tmp_path, CONFIG) as running:
        running.config.write_text(CONFIG.replace("127.0.0.1:0", running.admin))
        yield running


def test_check_says_that_the_shipped_file_can_be_served():
    ended = run("check")
    assert ended.returncode == 0
    assert re.search(r"5 of \d+ models can serve", ended.stdout)
    assert ended.stderr == ""


def test_check_names_every_mistake_with_its_place_and_remedy(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text(CONFIG.replace("sim/slow]", "sim/slwo]").replace("announce", "anounce"))
    ended = run("check", str(file))
    assert ended.returncode == 1
    mistakes = ended.stderr.splitlines()
    assert [re.match(rf"{file}:(\d+):(\d+): .+; .+", line) for line in mistakes].count(None) == 0
    places = [line.removeprefix(f"{file}:").split(" ")[0] for line in mistakes]
    assert places == [place(file.read_text(), "anounce"), place(file.read_text(), "sim/slwo")]
    assert "announce" in mistakes[0]
    assert "sim/slow" in mistakes[1]


def place(text: str, word: str) -> str:
    """Where a word stands, as `line:column:`."""
    before = text[: text.index(word)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}:"


def test_a_strict_check_takes_what_is_off_for_a_mistake():
    ended = run("check", "--strict")
    assert ended.returncode == 1
    assert "OPENAI_API_KEY is not set" in ended.stdout + ended.stderr


def test_explain_asks_the_running_router_and_says_so(router):
    for _ in range(5):
        router.chat("chat")
    asked = ["explain", "--config", str(router.config), "--model", "chat"]
    told = json.loads(run(*asked, "--json").stdout)
    assert told["source"] == f"the running router at {router.admin}"
    assert {target["target"] for target in told["targets"]} == {"sim/fast", "sim/slow"}
    assert any(target["predicted_s"] for target in told["targets"])
    assert sum(target["odds"] for target in told["targets"]) == pytest.approx(1)
    table = run(*asked).stdout
    assert "the running router" in table
    assert "sim/fast" in table


def test_explain_without_a_router_starts_cold_and_says_so(tmp_path):
    file = tmp_path / "providers.yaml"
    file.write_text(CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{unused_port()}"))
    ended = run("explain", "--config", str(file), "--model", "chat", "--json")
    told = json.loads(ended.stdout)
    assert told["source"].startswith("a cold start")
    assert all(target["predicted_s"] is None for target in told["targets"])
    unknown = run("explain", "--config", str(file), "--model", "chatt")
    assert unknown.returncode == 1
    assert "'chatt'" in unknown.stderr
    assert run("status", "--config", str(file)).returncode == 1


def test_status_prints_the_models_and_the_targets(router):
    for _ in range(3):
        router.chat("chat")
    ended = run("status", "--config", str(router.config))
    assert ended.returncode == 0
    assert "ready" in ended.stdout
    for word in ("chat", "least_latency", "sim/fast", "sim/slow", "healthy"):
        assert word in ended.stdout
    told = json.loads(run("status", "--config", str(router.config), "--json").stdout)
    assert sum(row["count"] for row in told["requests"]) == 3


def test_a_port_in_use_is_a_clear_error(router):
    for option in ("--listen", "--admin"):
        taken = router.listen if option == "--listen" else router.admin
        free = "--admin" if option == "--listen" else "--listen"
        ended = run("serve", "--config", str(router.config), option, taken, free, "127.0.0.1:0")
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert taken.rpartition(":")[2] in ended.stderr
        assert "address already in use" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_serve_refuses_a_wrong_file_with_its_mistakes(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text(CONFIG.replace("sim/slow]", "sim/slwo]"))
    ended = run("serve", "--config", str(file), "--listen", "127.0.0.1:0")
    assert ended.returncode == 2
    assert f"{file}:{place(file.read_text(), 'sim/slwo')}" in ended.stderr
    assert ended.stdout == ""


def test_serve_refuses_to_be_open_to_everyone(tmp_path):
    file = tmp_path / "providers.yaml"
    file.write_text(CONFIG)
    ended = run("serve", "--config", str(file), "--listen", "0.0.0.0:0")
    assert ended.returncode == 2
    assert "auth: keys" in ended.stderr


def test_a_missing_file_is_an_error_and_no_traceback(tmp_path):
    for name in ("serve", "status"):
        ended = run(name, "--config", str(tmp_path / "none.yaml"))
        assert ended.returncode in (1, 2)
        assert "none.yaml" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_help_names_every_command():
    ended = run("--help")
    assert ended.returncode == 0
    for name in ("serve", "check", "explain", "status"):
        assert name in ended.stdout
