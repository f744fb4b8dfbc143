"""What a route's ladder does for a request that nobody of its model can serve."""

import asyncio
import json
from typing import Any

import pytest

from policies import Facts
from router.caller import Wishes
from router.dialects.interpreter import fixed
from router.dialects.openai.dialect import OPENAI
from router.idempotency.store import Memory
from router.ladder import Ladder, Rung
from router.telemetry.decisions import Decisions, Origin
from tests.router.clock import in_virtual_time, now
from tests.router.scene import Scene, comments_of, looks_whole, read_by_sdk, words_of
from tests.router.scripted import CUT, END, EVENTS, GOOD, ROLE, Script, answer, refusal, text

BUSY = "We are busy, please try again."
BACKUP = Rung("b/m", frozenset({"b/m"}))
SPARE = Rung("c/m", frozenset({"c/m"}))
TEXT = Ladder((), BUSY)
TO_A_MODEL = Ladder((BACKUP,), None)
BOTH = Ladder((BACKUP, SPARE), BUSY)
FAILING = [refusal(500)]
SILENT: Script = [0.1, EVENTS, ROLE]


def scene(ladder: Ladder, *, attempts: int = 1, **scripts: list[Script]) -> Scene:
    named = {f"{name}/m": script for name, script in scripts.items()}
    return Scene(named, ladder=ladder, attempts=attempts)


@pytest.mark.parametrize("stream", [False, True])
@in_virtual_time
async def test_another_model_answers_when_all_targets_have_failed(stream: bool) -> None:
    place = scene(TO_A_MODEL, a=FAILING, b=[GOOD if stream else answer("Hello")])
    client = await place.ask(stream=stream)
    assert place.asked == ["a/m", "b/m"]
    assert client.headers["x-router-degraded"] == "model=b/m"
    assert (client.headers["x-router-target"], client.headers["x-router-attempts"]) == ("b/m", "2")
    assert b"Hel" in client.body
    record = place.request
    assert (record.model, record.target, record.attempts) == ("chat", "b/m", 2)
    assert (record.end, record.degraded) == ("ok", "model=b/m")
    assert [attempt.model for attempt in place.kept.attempts] == ["chat", "b/m"]


@in_virtual_time
async def test_a_text_is_a_whole_answer_in_the_client_s_dialect() -> None:
    place = scene(TEXT, a=FAILING)
    client = await place.ask(n=2)
    told = client.json
    assert (client.status, told["object"], told["model"]) == (200, "chat.completion", "chat")
    assert [choice["message"]["content"] for choice in told["choices"]] == [BUSY, BUSY]
    assert [choice["finish_reason"] for choice in told["choices"]] == ["stop", "stop"]
    assert told["usage"]["total_tokens"] == 0
    assert client.headers["x-router-degraded"] == "text"
    assert "x-router-target" not in client.headers
    assert (place.request.end, place.request.degraded) == ("degraded", "text")


@in_virtual_time
async def test_a_streamed_text_is_a_whole_stream_in_the_client_s_dialect() -> None:
    place = scene(TEXT, a=FAILING)
    client = await place.ask(stream=True, stream_options={"include_usage": True})
    chunks = read_by_sdk(client)
    assert words_of(client) == BUSY
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None, None, "stop"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 0
    assert client.headers["x-router-degraded"] == "text"
    assert client.body.endswith(b"data: [DONE]\n\n")
    closing = json.loads(comments_of(client)[0].removeprefix("pointsman "))
    assert (closing["degraded"], closing["target"]) == ("text", None)
    assert (closing["input_tokens"], closing["output_tokens"]) == (0, 0)


@pytest.mark.parametrize("stream", [False, True])
@in_virtual_time
async def test_a_completion_is_given_a_text_as_well(stream: bool) -> None:
    place = scene(TEXT, a=FAILING)
    body = json.dumps({"model": "chat", "prompt": "Once", "stream": stream}).encode()
    client = await place.ask_raw(body, operation="completions")
    events = client.body.partition(b"data: ")[2].partition(b"\n\n")[0] if stream else client.body
    told = json.loads(events)
    assert (told["object"], told["choices"][0]["text"]) == ("text_completion", BUSY)


@in_virtual_time
async def test_rungs_are_tried_in_their_order_and_the_text_at_last() -> None:
    place = scene(BOTH, a=FAILING, b=FAILING, c=FAILING)
    client = await place.ask()
    assert place.asked == ["a/m", "b/m", "c/m"]
    assert client.json["choices"][0]["message"]["content"] == BUSY
    assert client.headers["x-router-attempts"] == "3"


@in_virtual_time
async def test_a_stream_whose_head_has_gone_out_goes_down_as_well_and_is_labelled_at_its_end() -> (
    None
):
    place = scene(TEXT, a=[[0.1, EVENTS, ROLE, 16.0, CUT]])
    client = await place.ask(stream=True)
    assert "x-router-degraded" not in client.headers
    assert words_of(client) == BUSY
    assert json.loads(comments_of(client)[-1].removeprefix("pointsman "))["degraded"] == "text"
    assert place.request.degraded == "text"


@pytest.mark.parametrize("status", [429, 503, 401, 404])
@in_virtual_time
async def test_whoever_cannot_serve_for_whatever_reason_is_fallen_back_from(status: int) -> None:
    script = refusal(status, {401: "invalid_api_key", 404: "model_not_found"}.get(status))
    for ask in range(2):
        place = scene(TO_A_MODEL, attempts=3, a=[script], b=[answer("Hello")])
        await place.ask(request_id=f"req_{ask}")
        assert place.request.degraded == "model=b/m"


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "invalid_value"), (400, "content_filter"), (400, "context_length_exceeded")],
)
@in_virtual_time
async def test_a_caller_s_own_error_is_told_at_once(status: int, code: str) -> None:
    place = scene(BOTH, a=[refusal(status, code)], b=[answer()], c=[answer()])
    client = await place.ask()
    assert place.asked == ["a/m"]
    assert (client.status, client.error) == (status, code)
    assert "x-router-degraded" not in client.headers
    assert place.request.degraded == ""


@in_virtual_time
async def test_what_is_too_long_for_every_target_is_told_so_unasked() -> None:
    place = Scene({"a/m": [GOOD], "b/m": [GOOD]}, ladder=BOTH, facts={"a/m": Facts(context=1)})
    assert (await place.ask()).error == "context_length_exceeded"
    assert place.asked == []


@in_virtual_time
async def test_an_answer_that_broke_off_is_not_begun_anew_by_another_model() -> None:
    place = scene(BOTH, a=[[0.1, EVENTS, text("Hel"), 0.1, CUT]], b=[GOOD], c=[GOOD])
    client = await place.ask(stream=True)
    assert place.asked == ["a/m"]
    assert not looks_whole(client)
    assert (place.request.end, place.request.degraded) == ("interrupted", "")


@in_virtual_time
async def test_after_the_deadline_only_the_text_is_left() -> None:
    place = scene(BOTH, a=[SILENT], b=[answer()], c=[answer()])
    client = await place.ask(stream=True, wishes=Wishes(timeout=3.0))
    assert now() == pytest.approx(3.0)
    assert place.asked == ["a/m"]
    assert words_of(client) == BUSY
    late = scene(TO_A_MODEL, a=[SILENT], b=[answer()])
    assert (await late.ask(wishes=Wishes(timeout=3.0))).error == "deadline_exceeded"


@in_virtual_time
async def test_another_model_has_what_is_left_of_the_deadline_and_no_more() -> None:
    place = scene(TO_A_MODEL, a=[[2.0, *refusal(500)]], b=[SILENT])
    client = await place.ask(stream=True, wishes=Wishes(timeout=3.0))
    assert now() == pytest.approx(3.0)
    assert b"deadline_exceeded" in client.body


@in_virtual_time
async def test_no_target_is_asked_twice_on_the_way_down() -> None:
    shared = Rung("b/m", frozenset({"a/m", "b/m"}))
    place = Scene({"a/m": FAILING, "b/m": [answer()]}, ladder=Ladder((shared,), None), attempts=1)
    place.engine.replace(place.routes | {"chat": place.routes["a/m"]}, {}, now())
    await place.ask()
    assert place.asked == ["a/m", "b/m"]
    place = Scene({"a/m": FAILING}, ladder=Ladder((Rung("a/m", frozenset({"a/m"})),), BUSY))
    place.engine.replace(place.routes | {"chat": place.routes["a/m"]}, {}, now())
    client = await place.ask()
    assert set(place.asked) == {"a/m"}
    assert client.headers["x-router-degraded"] == "text"


@in_virtual_time
async def test_a_model_that_is_not_in_the_file_any_more_is_passed_over_on_the_way_down() -> None:
    place = scene(BOTH, a=[[1.0, *refusal(500)]], c=[answer("Hello")])
    running = asyncio.ensure_future(place.ask())
    await asyncio.sleep(0.5)
    place.engine.replace({name: place.routes[name] for name in ("chat", "c/m")}, {}, now())
    client = await running
    assert place.asked == ["a/m", "c/m"]
    assert client.headers["x-router-degraded"] == "model=c/m"
    alone = scene(TO_A_MODEL, a=[refusal(500)])
    alone.engine.replace({"chat": alone.routes["chat"]}, {}, now())
    client = await alone.ask()
    assert (client.status, client.error, alone.asked) == (502, "upstream_failed", ["a/m"])


@in_virtual_time
async def test_when_every_rung_has_failed_the_first_error_is_told_and_the_soonest_return() -> None:
    odd = refusal(400, "unsupported_value")
    place = scene(TO_A_MODEL, a=[refusal(429, retry_after="40")], b=[odd])
    client = await place.ask()
    assert place.asked == ["a/m", "b/m"]
    assert (client.status, client.error) == (429, "no_capacity")
    assert client.headers["retry-after"] == "40"
    assert (place.request.end, place.request.degraded) == ("error", "model=b/m")
    sooner = scene(
        TO_A_MODEL, a=[refusal(429, retry_after="40")], b=[refusal(429, retry_after="20")]
    )
    assert (await sooner.ask()).headers["retry-after"] == "20"


@in_virtual_time
async def test_a_filter_of_another_model_is_not_walked_around() -> None:
    place = scene(BOTH, a=FAILING, b=[refusal(400, "content_filter")], c=[answer()])
    client = await place.ask()
    assert place.asked == ["a/m", "b/m"]
    assert client.error == "content_filter"
    assert place.request.end == "error"


@in_virtual_time
async def test_a_confined_request_and_embeddings_stay_where_they_are() -> None:
    place = scene(BOTH, a=FAILING, b=[answer()], c=[answer()])
    client = await place.ask(wishes=Wishes(target="a/m"))
    assert (client.status, place.asked) == (502, ["a/m"])
    place = scene(BOTH, a=FAILING, b=[answer()], c=[answer()])
    body = json.dumps({"model": "chat", "input": "one"}).encode()
    client = await place.ask_raw(body, operation="embeddings")
    assert (client.status, place.asked) == (502, ["a/m"])


@in_virtual_time
async def test_a_text_is_not_kept_under_a_key_and_another_model_s_answer_is() -> None:
    store = Memory()
    place = Scene({"a/m": [*FAILING, answer("Hello")]}, ladder=TEXT, attempts=1, answers=store)
    first = await place.ask(key="k")
    again = await place.ask(key="k", request_id="req_2")
    assert BUSY in first.body.decode()
    assert again.json["choices"][0]["message"]["content"] == "Hello"
    place = Scene(
        {"a/m": FAILING, "b/m": [answer("one"), answer("two")]}, ladder=TO_A_MODEL, attempts=1
    )
    first = await place.ask(key="k")
    again = await place.ask(key="k", request_id="req_2")
    assert again.body == first.body
    assert again.headers["x-router-degraded"] == "model=b/m"


@in_virtual_time
async def test_each_model_s_course_is_recorded_and_ends_as_the_request_does() -> None:
    decisions = Decisions(Origin("e", 1, 0.0))
    place = Scene(
        {"a/m": FAILING, "b/m": [answer()]}, ladder=TO_A_MODEL, attempts=1, decisions=decisions
    )
    await place.ask()
    first, second = decisions.find("req_1"), decisions.find("req_1.1")
    assert first is not None
    assert second is not None
    asked: list[Any] = [one.record.request for one in (first, second)]
    assert [request.model for request in asked] == ["chat", "b/m"]
    assert [one.end.end for one in (first, second) if one.end is not None] == ["ok", "ok"]
    assert (decisions.seen, decisions.recorded, len(decisions)) == (1, 1, 2)


@in_virtual_time
async def test_an_answer_that_breaks_off_below_is_an_error_and_leaves_nothing_open() -> None:
    place = scene(TO_A_MODEL, a=FAILING, b=[[0.1, EVENTS, text("Hel"), 0.1, END]])
    client = await place.ask(stream=True)
    assert not looks_whole(client)
    assert place.outcomes == ["failed head", "failed body"]


def test_a_text_counts_no_more_answers_than_a_client_may_ask_for() -> None:
    many = {"model": "chat", "messages": [{"role": "user", "content": "x"}], "n": 10**9}
    call = OPENAI.parse(json.dumps(many).encode())
    assert len(json.loads(fixed(OPENAI, call, BUSY, b""))["choices"]) == 128
