"""A configuration is put in force while the router runs: whole, or not at all."""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.e2e.running import Router, body, connect, eventually, read, serving

FAST = "{first_token: 1ms, tokens_per_second: 1000, output_tokens: 1}"
CONFIG = f"""\
version: 1
server: {{drain: {{announce: 0s, wait: 5s}}}}
providers:
  sim:
    dialect: simulated
    models:
      one: {FAST}
      two: {FAST}
      long: {{first_token: 1ms, tokens_per_second: 40, output_tokens: 20}}
models:
  chat:
    policy: weighted_round_robin
    targets: {{sim/one: 90, sim/two: 10}}
  long: {{targets: [sim/long]}}
"""
SWAPPED = CONFIG.replace("{sim/one: 90, sim/two: 10}", "{sim/one: 10, sim/two: 90}")
WRONG = CONFIG.replace("sim/two: 10", "sim/tow: 10")
LINE = 1 + WRONG[: WRONG.index("sim/tow")].count("\n")


@pytest.fixture
def router(tmp_path) -> Iterator[Router]:
    with serving(tmp_path, CONFIG) as running:
        yield running


def shares(router: Router, requests: int = 200) -> dict[str, float]:
    """Whose answers so many clients got."""
    answered: Counter[str] = Counter()
    with closing(connect(router.listen)) as connection:
        for _ in range(requests):
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/chat/completions", body("chat"), headers)
            answer = read(connection.getresponse())
            assert answer.status == 200
            answered[answer.headers["x-router-target"]] += 1
    return {target: count / requests for target, count in answered.items()}


def test_an_edited_weight_moves_the_shares_and_running_streams_finish(router):
    assert shares(router) == pytest.approx({"sim/one": 0.9, "sim/two": 0.1}, abs=0.01)
    before = router.status()["revision"]
    with router.asked("long", stream=True) as running:
        router.reload(SWAPPED)
        assert shares(router) == pytest.approx({"sim/one": 0.1, "sim/two": 0.9}, abs=0.01)
        answer = read(running)
    assert answer.finish_reasons == ["stop"]
    assert answer.data[-1] == "[DONE]"
    assert router.status()["revision"] != before
    assert router.status()["config"]["errors"] == []


def test_a_wrong_file_changes_nothing_and_status_says_what_is_wrong_and_where(router):
    before = router.status()["revision"]
    router.reload(WRONG)
    status = router.status()
    (error,) = status["config"]["errors"]
    assert f":{LINE}:" in error
    assert 'did you mean "sim/two"?' in error
    assert error in router.said
    assert status["revision"] == before
    assert shares(router) == pytest.approx({"sim/one": 0.9, "sim/two": 0.1}, abs=0.01)


def test_the_next_right_file_ends_the_complaint(router):
    router.reload(WRONG)
    router.reload(SWAPPED)
    assert router.status()["config"]["errors"] == []
    assert shares(router) == pytest.approx({"sim/one": 0.1, "sim/two": 0.9}, abs=0.01)


def test_a_file_that_is_gone_changes_nothing(router):
    router.config.unlink()
    router.process.send_signal(signal.SIGHUP)
    eventually(lambda: router.status()["config"]["errors"])
    assert router.chat("chat").status == 200


def test_a_start_up_key_that_changed_is_refused_by_name(router):
    router.reload(CONFIG.replace("wait: 5s", "wait: 6s").replace("announce: 0s", "announce: 1s"))
    assert any("restart" in error for error in router.status()["config"]["errors"])


def test_a_new_model_is_served_and_a_removed_one_is_unknown(router):
    router.reload(CONFIG.replace("  chat:", "  talk:"))
    assert router.chat("talk").status == 200
    assert router.chat("chat").status == 404


def test_what_was_learned_is_kept(router):
    shares(router, 20)
    learned = router.status()["targets"]["sim/one"]["first_token_s"]
    router.reload(SWAPPED)
    kept = router.status()["targets"]["sim/one"]
    assert kept["first_token_s"] == learned
    assert kept["state"] == "healthy"
