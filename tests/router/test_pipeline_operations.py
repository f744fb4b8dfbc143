"""Completions and embeddings through the whole pipeline: as chat, but for what they are."""

import json
from typing import Any

import pytest

from policies import Facts, Limits, Rate
from router.caller import Wishes
from router.dialects.contract import ClientError
from tests.router.clock import in_virtual_time, now
from tests.router.scene import Scene, comments_of
from tests.router.scripted import (
    CUT,
    DONE,
    END,
    ERROR,
    EVENTS,
    USAGE,
    Client,
    Script,
    answer,
    event,
    piece,
    refusal,
)

INPUT = "a text of some length"
VECTOR = [0.6, 0.8]
ALIKE = {"chat": frozenset({"a/m", "c/m"})}


def embeddings(*vectors: Any) -> Script:
    told = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return piece(200, {"object": "list", "data": told, "usage": usage})


def text(words: str, finish: str | None = None) -> bytes:
    return event(choices=[{"index": 0, "text": words, "finish_reason": finish}])


GOOD = embeddings(VECTOR)
STREAM: Script = [0.1, EVENTS, text("upon"), 0.1, text(" a time"), text("", "stop"), USAGE, DONE]


async def embed(scene: Scene, **fields: Any) -> Client:
    wishes = fields.pop("wishes", Wishes())
    body = json.dumps({"model": "chat", "input": INPUT, **fields}).encode()
    return await scene.ask_raw(body, operation="embeddings", wishes=wishes)


async def complete(scene: Scene, **fields: Any) -> Client:
    body = json.dumps({"model": "chat", "prompt": "Once", **fields}).encode()
    return await scene.ask_raw(body, operation="completions")


@in_virtual_time
async def test_embeddings_pass_as_they_came_and_leave_the_same_records() -> None:
    scene = Scene({"a/m": [GOOD]})
    client = await embed(scene, dimensions=2, encoding_format="float")
    assert client.json["data"][0]["embedding"] == VECTOR
    (sent,) = scene.transport.sent
    assert (sent.path, sent.json) == (
        "/embeddings",
        {"model": "model-of-a/m", "input": INPUT, "dimensions": 2, "encoding_format": "float"},
    )
    assert client.headers["x-router-target"] == "a/m"
    assert client.headers["x-router-attempts"] == "1"
    record = scene.request
    assert (record.end, record.stream, record.estimated) == ("ok", False, False)
    assert (record.input_tokens, record.output_tokens) == (7, 0)
    assert scene.outcomes == ["ok body"]


@pytest.mark.parametrize(
    "bad",
    [
        refusal(500),
        refusal(429),
        piece(200, {"error": {"message": "busy"}}),
        piece(200, [{"error": {"message": "busy"}}]),
        piece(200, b"<html>busy</html>"),
        piece(200, b""),
        piece(200, {"object": "list", "data": []}),
        piece(200, {"object": "list", "data": [{"embedding": None}]}),
        [0.1, CUT],
    ],
)
@in_virtual_time
async def test_what_is_no_vector_is_never_relayed_as_one(bad: Script) -> None:
    scene = Scene({"a/m": [bad], "b/m": [GOOD]})
    client = await embed(scene)
    assert (client.status, client.headers["x-router-target"]) == (200, "b/m")
    assert client.json["data"][0]["embedding"] == VECTOR
    assert scene.asked == ["a/m", "b/m"]
    alone = Scene({"a/m": [bad]}, attempts=1)
    client = await embed(alone)
    assert client.status in (429, 502, 503)
    assert client.json["error"]["message"]


@in_virtual_time
async def test_other_models_of_a_route_do_not_stand_in() -> None:
    scripts = {"a/m": [refusal(500)], "b/m": [GOOD], "c/m": [embeddings([1.0, 0.0])]}
    client = await embed(scene := Scene(scripts, alike=ALIKE))
    assert client.json["data"][0]["embedding"] == [1.0, 0.0]
    assert scene.asked == ["a/m", "c/m"]
    scripts["c/m"] = [refusal(500)]
    client = await embed(scene := Scene(scripts, alike=ALIKE))
    assert client.status == 502
    assert "b/m" not in scene.asked
    chat = await Scene({"a/m": [refusal(500)], "b/m": [answer()]}, alike=ALIKE).ask()
    assert chat.headers["x-router-target"] == "b/m"


@in_virtual_time
async def test_a_target_that_was_asked_for_makes_them_all_the_same() -> None:
    scene = Scene({"a/m": [GOOD], "b/m": [GOOD]}, alike={"chat": frozenset({"a/m"})})
    client = await embed(scene, wishes=Wishes(target="b/m"))
    assert client.headers["x-router-target"] == "b/m"
    assert (await embed(scene, model="b/m")).headers["x-router-target"] == "b/m"


@in_virtual_time
async def test_where_all_that_could_make_them_are_off_that_is_said() -> None:
    scene = Scene({"a/m": [GOOD]}, alike={"chat": frozenset()})
    with pytest.raises(ClientError) as caught:
        await embed(scene)
    assert (caught.value.status, caught.value.code) == (404, "model_not_found")
    assert "any_model" in caught.value.message
    assert not scene.asked


@in_virtual_time
async def test_limits_count_what_embeddings_read_and_reserve_nothing_for_an_answer() -> None:
    facts = {"a/m": Facts(Limits(tokens=[Rate(20, 60)]))}
    scene = Scene({"a/m": [GOOD]}, facts=facts, deadline=1.0)
    for _ in range(2):  # each reserves 10 or so, and has used 7
        assert (await embed(scene, input=list(range(10)))).status == 200
    refused = await embed(scene, input=list(range(10)))
    assert (refused.status, refused.error) == (429, "no_capacity")
    assert int(refused.headers["retry-after"]) > 1


@in_virtual_time
async def test_a_target_without_the_operation_is_passed_over_and_still_answers_chat() -> None:
    missing = piece(404, {"detail": "Not Found"})
    scene = Scene({"a/m": [missing] * 9, "b/m": [GOOD]})
    for _ in range(8):
        assert (await embed(scene)).headers["x-router-target"] == "b/m"
    assert scene.engine.snapshot(now())["a/m"].state == "healthy"


@in_virtual_time
async def test_where_nobody_has_the_operation_the_client_reads_why() -> None:
    message = "This is a chat model and not supported in the v1/completions endpoint."
    error = {"error": {"message": message, "type": "invalid_request_error", "code": None}}
    client = await complete(Scene({"a/m": [piece(404, error)]}))
    assert (client.status, client.json) == (404, error)
    assert client.headers["x-should-retry"] == "false"


@in_virtual_time
async def test_a_streamed_completion_is_relayed_and_its_usage_withheld() -> None:
    scene = Scene({"a/m": [[*STREAM, END]]})
    client = await complete(scene, stream=True)
    (sent,) = scene.transport.sent
    assert sent.path == "/completions"
    assert sent.json["stream_options"] == {"include_usage": True}
    assert b"usage" not in client.body
    (told,) = comments_of(client)
    closing = json.loads(told.removeprefix("pointsman "))
    assert (closing["target"], closing["output_tokens"], closing["estimated"]) == ("a/m", 3, False)
    assert client.body.endswith(b"data: [DONE]\n\n")
    assert (scene.request.end, scene.request.output_tokens) == ("ok", 3)


@in_virtual_time
async def test_who_asked_for_usage_gets_it() -> None:
    scene = Scene({"a/m": [[*STREAM, END]]})
    client = await complete(scene, stream=True, stream_options={"include_usage": True})
    assert USAGE in client.body


@in_virtual_time
async def test_a_missing_formal_end_is_supplied() -> None:
    scene = Scene({"a/m": [[EVENTS, text("upon"), text("", "stop"), END]]})
    client = await complete(scene, stream=True)
    assert client.body.endswith(b"data: [DONE]\n\n")
    assert scene.outcomes == ["ok body"]
    assert scene.request.estimated


@pytest.mark.parametrize("broken", [[END], [ERROR], [CUT], [4 * b"data: <html>\n\n"]])
@in_virtual_time
async def test_before_its_text_a_stream_is_rescued_and_after_it_ends_in_an_error(
    broken: Script,
) -> None:
    begun = Scene({"a/m": [[EVENTS, text(""), *broken]], "b/m": [[*STREAM, END]]})
    client = await complete(begun, stream=True)
    assert b"a time" in client.body
    assert b"error" not in client.body
    assert begun.asked == ["a/m", "b/m"]
    seen = Scene({"a/m": [[EVENTS, text("upon"), 0.1, *broken]], "b/m": [[*STREAM, END]]})
    client = await complete(seen, stream=True)
    assert seen.asked == ["a/m"]
    assert b"stream_interrupted" in client.body
    assert b"[DONE]" not in client.body
    assert seen.request.end == "interrupted"
