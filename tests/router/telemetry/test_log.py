import json
import re
import threading
from io import StringIO
from pathlib import Path

import pytest

from policies import Outcome, Phase, Report
from router.telemetry.journal import RefusalRecord, Resumed
from router.telemetry.log import MOST_WAITING, Format, Log
from tests.router.running import JSON, completion, running, written
from tests.router.telemetry.records import ATTEMPT, REQUEST, changed

NOON = 1_700_000_000.25
STAMP = "2023-11-14T22:13:20.250Z"
PROMPT, KEY, PROVIDER_KEY = "marked-prompt", "marked-key", "marked-provider-key"


def logged(form: Format, **change: object) -> str:
    """The lines that a log in this form writes of one request."""
    stream = StringIO()
    log = Log(stream, form, lambda: NOON)
    log.attempt(ATTEMPT)
    log.request(changed(REQUEST, **change))
    log.close()
    return stream.getvalue()


def test_a_request_is_one_line_of_text() -> None:
    assert logged("text") == (
        f"{STAMP} chat → sim/fast: 200 ok, 1 attempt, first 500 ms, 1000 ms, 3 → 4 tokens "
        "[default req_1]\n"
    )


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("text", f"{STAMP} draining running=1 worker=2\n"),
        ("json", f'{{"time":"{STAMP}","event":"draining","running":1,"worker":2}}\n'),
    ],
)
def test_events_say_of_which_worker_they_are(form: Format, told: str) -> None:
    stream = StringIO()
    log = Log(stream, form, lambda: NOON, worker=2)
    log.event("draining", running=1)
    log.close()
    assert stream.getvalue() == told


def test_a_line_says_what_was_asked_for_where_it_is_no_chat() -> None:
    assert f"{STAMP} chat (messages) → sim/fast: 200 ok" in logged("text", operation="messages")
    assert json.loads(logged("json"))["operation"] == "chat"


def test_what_was_refused_at_the_door_is_a_line_with_its_name() -> None:
    cases: list[tuple[Format, object]] = [
        ("text", f"{STAMP} refused: 404 model_not_found [req_1]"),
        ("json", {"time": STAMP, "request_id": "req_1", "status": 404, "code": "model_not_found"}),
        ("off", ""),
    ]
    for form, line in cases:
        stream = StringIO()
        log = Log(stream, form, lambda: NOON)
        log.refused(RefusalRecord("req_1", 404, "model_not_found"))
        log.close()
        said = stream.getvalue().strip()
        assert (json.loads(said) if form == "json" else said) == line


def test_an_attempt_that_failed_is_a_line_that_says_how() -> None:
    report = Report(Outcome.FAILED, Phase.HEAD, detail="500 server_error")
    forms: list[Format] = ["text", "json"]
    for form in forms:
        stream = StringIO()
        log = Log(stream, form, lambda: NOON)
        log.attempt(changed(ATTEMPT, report=report))
        log.attempt(changed(ATTEMPT, report=Report(Outcome.ABANDONED)))
        log.close()
        (line,) = stream.getvalue().splitlines()
        assert "500 server_error" in line
        assert "req_1" in line


def test_who_broke_an_answer_off_that_was_gone_on_with_is_in_its_line() -> None:
    resumed = (Resumed("sim/slow", 7),)
    assert "tokens, gone on with after sim/slow at 7 tokens [" in logged("text", resumed=resumed)
    told = json.loads(logged("json", resumed=resumed))
    assert told["resumed"] == [{"from": "sim/slow", "at_tokens": 7}]


def test_a_request_without_an_answer_says_why() -> None:
    line = logged(
        "text", target="", status=503, end="error", cause="no_target", attempts=0,
        first=None, input_tokens=None, output_tokens=None,
    )  # fmt: skip
    assert line == (
        f"{STAMP} chat → –: 503 error (no_target), 0 attempts, 1000 ms [default req_1]\n"
    )


def test_a_request_is_one_line_of_json() -> None:
    (line,) = logged("json").splitlines()
    assert json.loads(line) == {
        "time": STAMP,
        "request": "req_1",
        "tenant": "default",
        "model": "chat",
        "operation": "chat",
        "target": "sim/fast",
        "status": 200,
        "end": "ok",
        "cause": "",
        "degraded": "",
        "client_ms": 0,
        "attempts": 1,
        "first_ms": 500,
        "total_ms": 1000,
        "input_tokens": 3,
        "output_tokens": 4,
    }


@pytest.mark.parametrize("form", ["text", "json", "off"])
def test_an_event_is_one_line_with_its_details_in_every_form(form: Format) -> None:
    stream = StringIO()
    log = Log(stream, form, lambda: NOON)
    log.event("draining", announce=5.0, running=2)
    log.close()
    if form == "json":
        told = {"time": STAMP, "event": "draining", "announce": 5.0, "running": 2}
        assert json.loads(stream.getvalue()) == told
    else:
        assert stream.getvalue() == f"{STAMP} draining announce=5.0 running=2\n"


def test_requests_can_be_left_out() -> None:
    assert logged("off") == ""


# What is never in it.


@pytest.mark.parametrize("form", ["text", "json"])
async def test_no_line_holds_a_prompt_or_a_key(tmp_path: Path, form: Format) -> None:
    models = """
chat: {policy: priority, tiers: [[sim/broken], [sim/fast]]}
far: {targets: [dear/gpt]}
endless: {targets: [sim/endless]}
"""
    path = written(tmp_path, models, "auth: keys", 'tenants: {team: {keys: ["${KEY}"]}}')
    path.write_text(path.read_text().replace("dear: {", "dear: {base_url: http://127.0.0.1:9, "))
    environ = {"KEY": KEY, "DEAR_KEY": PROVIDER_KEY}
    key = {"authorization": f"Bearer {KEY}"}
    async with running(path, environ, form) as router:
        for model, stream, fine in (
            ("chat", False, True),
            ("chat", True, True),
            ("far", True, False),
            ("endless", False, False),
        ):
            timeout = {"x-router-timeout": "0.2"}
            answer = await router.chat(model, key | timeout, prompt=PROMPT, stream=stream)
            assert (answer.status == 200) == fine
        for headers in (key, {"authorization": f"Bearer {KEY}-wrong"}):
            for body in (completion("none", PROMPT), PROMPT.encode(), completion(prompt=PROMPT)):
                await router.ask("POST", "/v1/chat/completions", body, {**JSON, **headers})
        await router.ask("GET", f"/{PROMPT}", headers=key)
        await router.app.reload()
    lines = router.stream.getvalue().splitlines()
    assert len([line for line in lines if "req_" in line]) == 18  # each refusal and failure too
    for word in (PROMPT, KEY, PROVIDER_KEY):
        assert not [line for line in lines if word in line]


@pytest.mark.parametrize("form", ["text", "json"])
async def test_a_fault_of_ours_is_logged_by_its_place_and_not_by_what_it_quotes(
    tmp_path: Path, form: Format
) -> None:
    async with running(written(tmp_path), form=form, fails=1) as router:

        def quote(*_: object) -> None:
            raise ValueError(PROMPT)

        router.app.state.runtime.engine.start = quote  # type: ignore[assignment]
        answer = await router.chat(prompt=PROMPT)
        assert (answer.status, answer.error["code"]) == (500, "internal_error")
        assert answer.error["type"] == "server_error"
        assert PROMPT not in answer.body.decode()
    (line,) = [line for line in router.stream.getvalue().splitlines() if "failed inside" in line]
    assert "ValueError" in line
    assert re.search(r"test_log\.py:\d+ < pipeline\.py:\d+", line)
    assert PROMPT not in line


# Who reads slowly.


class Blocked(StringIO):
    """A stream that takes nothing until it is let go: a full pipe."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def write(self, text: str) -> int:
        self.asked.set()
        self.let_go.wait(5)
        return super().write(text)


def test_a_blocked_stream_holds_nobody_and_what_does_not_fit_is_counted() -> None:
    stream = Blocked()
    log = Log(stream, "text", lambda: NOON)
    log.event("first")
    assert stream.asked.wait(1)
    for number in range(MOST_WAITING + 50):
        log.event("line", number=number)
    assert log.dropped == 50
    stream.let_go.set()
    log.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == MOST_WAITING + 1
    assert lines[-1].endswith(f"number={MOST_WAITING - 1}")


async def test_a_blocked_stream_delays_no_request(tmp_path: Path) -> None:
    stream = Blocked()
    async with running(written(tmp_path), stream=stream) as router:
        await router.chat()
        assert stream.asked.wait(1)
        for _ in range(MOST_WAITING):
            router.app._log.event("line")
        assert (await router.chat()).status == 200
        status = (await router.ask_admin("GET", "/status")).told
        stream.let_go.set()
    assert status["log_lines_dropped"] == 1


def test_closing_writes_what_waits() -> None:
    stream = StringIO()
    log = Log(stream, "text")
    for number in range(1000):
        log.event("line", number=number)
    log.close()
    assert stream.getvalue().splitlines()[-1].endswith("number=999")


def test_a_stream_that_fails_costs_its_lines_and_no_others() -> None:
    stream = StringIO()
    log = Log(stream, "text")
    broken = threading.Event()
    write = stream.write

    def fail_once(text: str) -> int:
        if not broken.is_set():
            broken.set()
            raise OSError("no space left on device")
        return write(text)

    stream.write = fail_once  # type: ignore[method-assign]
    log.event("first")
    log.event("second")
    log.close()
    assert log.dropped == 1
    assert stream.getvalue().endswith("second\n")
