"""What goes out for an attempt: what its target's body has, whatever the client said."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given

from router.building.speaks import CLIENTS, FOREIGN
from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.azure.deployed import Deployed
from router.dialects.contract import Call, Fields, Operation, UpstreamDialect
from router.dialects.interpreter import Interpreter
from router.dialects.openai.chat.foreign import chat_of
from router.dialects.openai.dialect import OPENAI, SPOKEN_BY
from router.dialects.responses.dialect import RESPONSES
from router.dialects.responses.foreign import responses_of
from router.dialects.seam import Begun
from tests.router.clock import in_virtual_time
from tests.router.dialects.openai.test_splice import TOP, written
from tests.router.scene import Scene
from tests.router.scripted import GOOD, answer, refusal

MORE: Fields = {"service_tier": b'"flex"', "store": b"false"}
ASKED: Mapping[Operation, Mapping[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "Hi"}]},
    "messages": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9},
    "responses": {"input": "Hi"},
}
PASSING: Mapping[Operation, UpstreamDialect] = {
    "chat": OPENAI,
    "messages": ANTHROPIC,
    "responses": RESPONSES,
}
PARSE = {"chat": OPENAI.parse, "messages": ANTHROPIC.parse, "responses": RESPONSES.parse}
FOREIGNERS = {**FOREIGN, "openai": chat_of("openai"), "responses": responses_of("openai")}


def call_of(operation: Operation, **fields: Any) -> Call:
    body = json.dumps({"model": "m", **ASKED[operation], **fields}).encode()
    return PARSE[operation](body, operation)


def body_of(dialect: UpstreamDialect, call: Call, more: Fields = MORE) -> Any:
    return json.loads(dialect.ask(call, "up", ask_usage=False, more=more)[1])


@pytest.mark.parametrize("operation", ASKED)
@pytest.mark.parametrize("said", [{}, {"service_tier": "auto", "store": True}])
def test_it_stands_where_bytes_pass(operation: Operation, said: Mapping[str, Any]) -> None:
    call = call_of(operation, **said)
    told = body_of(PASSING[operation], call)
    plain = body_of(PASSING[operation], call, {})
    assert told == {**plain, "service_tier": "flex", "store": False}


@pytest.mark.parametrize("operation", ASKED)
@pytest.mark.parametrize("foreign", FOREIGNERS)
@pytest.mark.parametrize("said", [{}, {"service_tier": "auto"}])
def test_it_stands_where_a_call_is_interpreted(
    operation: Operation, foreign: str, said: Mapping[str, Any]
) -> None:
    between = Interpreter(CLIENTS[operation], FOREIGNERS[foreign])
    call = call_of(operation, **said)
    plain = body_of(between, call, {})
    assert body_of(between, call) == {**plain, "service_tier": "flex", "store": False}


def test_it_stands_in_the_paths_of_deployments_and_where_an_answer_is_gone_on_with() -> None:
    call = call_of("chat", stream=True)
    kept = Deployed(OPENAI, "1").keeping(call, "up", Begun(), same=True)
    assert kept is not None
    assert body_of(kept, call) == {
        **body_of(OPENAI, call, {}),
        "service_tier": "flex",
        "store": False,
    }


@given(written())
def test_every_other_byte_stays(drawn: tuple[str, str]) -> None:
    body, expected = drawn
    call = call_of("chat")
    call.body, call.fields = body.encode(), TOP.decode(body)
    _, sent, _ = OPENAI.ask(call, "new", ask_usage=True, more={"stream_options": b"{}"})
    assert sent.decode() == expected


@pytest.mark.parametrize("stream", [False, True])
@in_virtual_time
async def test_a_targets_fields_stand_in_what_it_is_sent(stream: bool) -> None:
    scene = Scene({"a/m": [GOOD if stream else answer()]}, more=MORE)
    await scene.ask(stream=stream, service_tier="auto")
    (sent,) = scene.transport.sent
    assert (sent.json["service_tier"], sent.json["store"]) == ("flex", False)


@pytest.mark.parametrize("operation", ["completions", "embeddings"])
@in_virtual_time
async def test_what_is_no_answer_to_messages_passes_without_them(operation: Operation) -> None:
    body = b'{"model":"chat","prompt":"p","input":"i"}'
    scene = Scene({"a/m": [refusal(400)]}, more=MORE)
    await scene.ask_raw(body, operation=operation)
    assert scene.transport.sent[0].body == body.replace(b"chat", b"model-of-a/m")


@pytest.mark.parametrize(
    ("company", "name"),
    [("openai", "max_completion_tokens"), ("mistral", "max_tokens"), ("", "max_tokens")],
)
def test_what_the_router_asks_for_itself_is_bounded_as_its_server_takes_it(
    company: str, name: str
) -> None:
    call = call_of("chat")
    call.most = 77
    passed = body_of(SPOKEN_BY.get(company, OPENAI), call, {})
    assert {key: passed[key] for key in passed if "max" in key} == {name: 77}


@pytest.mark.parametrize("foreign", FOREIGNERS)
def test_so_it_is_in_every_other_dialect(foreign: str) -> None:
    call = call_of("chat")
    call.most = 77
    _, body, dropped = Interpreter(OPENAI, FOREIGNERS[foreign]).ask(call, "up", ask_usage=False)
    assert b":77" in body
    assert dropped == ()
