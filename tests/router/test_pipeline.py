"""The life of a request whose answer comes in one piece, from its admission to its records."""

import asyncio

import pytest

from policies import Facts
from router.caller import Wishes
from router.upstream.transport import Head
from tests.router.clock import in_virtual_time, now
from tests.router.scene import Scene
from tests.router.scripted import (
    CUT,
    END,
    REFUSED,
    RESET,
    Script,
    answer,
    body_of,
    piece,
    refusal,
)

JSON = Head(200, {"content-type": "application/json"})
BROKEN: dict[str, Script] = {
    "an error inside a 200": piece(200, {"error": {"message": "x", "code": "server_error"}}),
    "a bad key inside a 200": piece(200, {"error": {"code": "invalid_api_key"}}),
    "an error that is no object": piece(200, {"error": "model runner crashed"}),
    "no choices": piece(200, {"id": "1", "usage": {}}),
    "empty choices": piece(200, {"choices": []}),
    "choices that are none": piece(200, {"choices": "yes"}),
    "a failure named in finish_reason": piece(200, {"choices": [{"finish_reason": "error"}]}),
    "a page": piece(200, b"<html>Welcome to nginx!</html>"),
    "a list": piece(200, [1, 2]),
    "cut JSON": piece(200, body_of(answer())[:-9]),
    "nothing": [0.1, JSON, END],
    "an end without a head": [0.1, END],
    "compressed bytes": piece(200, b"\x1f\x8b\x08\x00\xff\xfe"),
    "a cut body": [0.1, JSON, b'{"choices":', CUT],
    "a reset": [0.1, RESET],
    "no connection": [0.1, REFUSED],
    "a redirect": piece(302, b"", location="http://elsewhere.invalid"),
    "a bad key": refusal(401, "invalid_api_key"),
    "an unpaid bill": refusal(402),
    "a forbidden model": refusal(403),
    "a firewall": piece(403, b"<html>cf-ray</html>"),
    "a missing model": refusal(404, "model_not_found"),
    "a timeout": refusal(408),
    "a used-up rate": refusal(429, "rate_limit_exceeded", retry_after="30"),
    "a used-up quota": refusal(429, "insufficient_quota"),
    "a crash": refusal(500, "server_error"),
    "a page of a proxy": piece(502, b"<html>Bad gateway</html>"),
    "overload": refusal(529, "overloaded_error"),
    "an endless error": [0.1, Head(500, {}), b"x" * 600_000, 0.1, b"x" * 600_000],
    "a request too long for it": refusal(400, "context_length_exceeded"),
    "silence": [],
    "silence after a refusal's head": [0.1, Head(500, {})],
}


@in_virtual_time
async def test_an_answer_comes_back_as_it_was_given() -> None:
    given = answer("Hello", unknown={"kept": [1, 2.5]})
    scene = Scene({"a/m": [given]})
    client = await scene.ask()
    assert (client.status, client.body) == (200, body_of(given))
    assert client.headers == {
        "content-type": "application/json",
        "x-request-id": "req_1",
        "x-router-target": "a/m",
        "x-router-attempts": "1",
        "server-timing": "before;dur=0.0, upstream;dur=100.0",
    }


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@in_virtual_time
async def test_what_is_no_answer_is_rescued_and_leaves_no_trace(broken: Script) -> None:
    scene = Scene({"a/m": [broken], "b/m": [answer("Hello")]}, deadline=600)
    client = await scene.ask()
    assert (client.status, client.body) == (200, body_of(answer("Hello")))
    assert scene.asked == ["a/m", "b/m"]
    assert client.headers["x-router-target"] == "b/m"
    assert client.headers["x-router-attempts"] == "2"
    assert (scene.request.end, scene.request.attempts) == ("ok", 2)


@pytest.mark.parametrize("status", [401, 402, 403, 404])
@in_virtual_time
async def test_a_refusal_of_our_credential_is_never_the_clients(status: int) -> None:
    scene = Scene({"a/m": [refusal(status)], "b/m": [refusal(status)]})
    client = await scene.ask()
    assert (client.status, client.error) == (503, "no_target")
    assert b"refused with" not in client.body
    assert int(client.headers["retry-after"]) > 0
    assert "x-should-retry" not in client.headers


@pytest.mark.parametrize("status", [400, 415, 422])
@in_virtual_time
async def test_a_wrong_request_gets_the_providers_words_at_once(status: int) -> None:
    scene = Scene({"a/m": [refusal(status, retry_after="7")], "b/m": [answer()]})
    client = await scene.ask()
    assert (client.status, client.body) == (status, body_of(refusal(status)))
    assert client.headers["x-should-retry"] == "false"
    assert "retry-after" not in client.headers
    assert scene.asked == ["a/m"]
    assert scene.outcomes == ["rejected head"]
    assert scene.engine.snapshot(now())["a/m"].factors.availability == 1.0
    assert (scene.request.status, scene.request.end) == (status, "error")


@pytest.mark.parametrize("body", [b"<html>Request header too large</html>", b"", b"{", b"[]"])
@in_virtual_time
async def test_a_refusal_in_no_dialect_is_told_in_the_clients(body: bytes) -> None:
    scene = Scene({"a/m": [piece(400, body)]})
    client = await scene.ask()
    assert (client.status, client.error) == (400, "invalid_request")
    assert client.headers["content-type"] == "application/json"
    assert b"html" not in client.body


@in_virtual_time
async def test_a_refusal_wrapped_in_a_list_is_unwrapped() -> None:
    error = {"error": {"code": 400, "message": "no such parameter", "status": "INVALID_ARGUMENT"}}
    scene = Scene({"a/m": [piece(400, [error])]})
    client = await scene.ask()
    assert client.status == 400
    told = {**error["error"], "type": "invalid_request_error", "param": None, "code": "400"}
    assert client.json == {"error": told}


@in_virtual_time
async def test_a_filtered_request_is_not_routed_around_the_filter() -> None:
    scene = Scene({"a/m": [refusal(400, "content_policy_violation")], "b/m": [answer()]})
    client = await scene.ask()
    assert (client.status, client.error) == (400, "content_policy_violation")
    assert scene.outcomes == ["filtered head"]


@in_virtual_time
async def test_a_request_that_fits_nowhere_gets_the_providers_words() -> None:
    too_long = refusal(400, "context_length_exceeded")
    scene = Scene({"a/m": [too_long], "b/m": [too_long]})
    client = await scene.ask()
    assert (client.status, client.body) == (400, body_of(too_long))
    assert scene.asked == ["a/m", "b/m"]


@in_virtual_time
async def test_a_request_longer_than_every_context_is_told_so() -> None:
    facts = {"a/m": Facts(context=8)}
    scene = Scene({"a/m": [answer()]}, facts=facts)
    client = await scene.ask()
    assert (client.status, client.error) == (400, "context_length_exceeded")
    assert client.headers["x-should-retry"] == "false"
    assert scene.asked == []
    assert scene.request.target == ""


@in_virtual_time
async def test_throttled_everywhere_is_a_429_that_says_truly_when_to_come_back() -> None:
    scene = Scene(
        {
            "a/m": [refusal(429, retry_after="40")],
            "b/m": [refusal(429, retry_after="30"), answer()],
        }
    )
    client = await scene.ask()
    assert (client.status, client.error) == (429, "no_capacity")
    assert client.headers["retry-after"] == "30"
    waited = now()
    assert (await scene.ask()).headers["retry-after"] == "30"
    assert now() == waited
    await asyncio.sleep(30)
    assert (await scene.ask()).status == 200


@in_virtual_time
async def test_failed_everywhere_is_a_502_that_says_how_the_last_did() -> None:
    scene = Scene({"a/m": [refusal(500)], "b/m": [piece(502, b"<html>")]}, attempts=5)
    client = await scene.ask()
    assert (client.status, client.error) == (502, "upstream_failed")
    assert "the last failure: 502" in client.json["error"]["message"]


@in_virtual_time
async def test_refused_by_every_provider_is_a_503_until_the_first_of_them_may_be_asked() -> None:
    scene = Scene({"a/m": [refusal(401)], "b/m": [refusal(402)]}, attempts=5)
    for _ in range(2):
        client = await scene.ask()
        assert (client.status, client.error) == (503, "no_target")
        assert client.headers["retry-after"] == "60"


@in_virtual_time
async def test_attempts_are_bounded_and_the_last_failure_is_told() -> None:
    scene = Scene({name: [refusal(500)] for name in ("a/m", "b/m", "c/m")}, attempts=2)
    client = await scene.ask()
    assert (client.status, client.error) == (502, "upstream_failed")
    assert "500" in client.json["error"]["message"]
    assert scene.asked == ["a/m", "b/m"]


@in_virtual_time
async def test_the_deadline_is_a_504_that_blames_nobody() -> None:
    scene = Scene({"a/m": [[]]}, deadline=20)
    for _ in range(6):
        began = now()
        client = await scene.ask()
        assert (client.status, client.error) == (504, "deadline_exceeded")
        assert now() == pytest.approx(began + 20)
    assert set(scene.outcomes) == {"abandoned head"}
    assert scene.engine.snapshot(now())["a/m"].factors.availability == 1.0


@in_virtual_time
async def test_the_deadline_is_told_even_after_another_target_refused() -> None:
    scene = Scene({"a/m": [refusal(400, "context_length_exceeded")], "b/m": [[]]}, deadline=20)
    client = await scene.ask()
    assert (client.status, client.error) == (504, "deadline_exceeded")
    assert scene.request.target == "b/m"


@in_virtual_time
async def test_a_caller_may_shorten_the_deadline_and_not_lengthen_it() -> None:
    scene = Scene({"a/m": [[]]}, deadline=20)
    await scene.ask(wishes=Wishes(timeout=0.5))
    assert now() == pytest.approx(0.5)
    await scene.ask(wishes=Wishes(timeout=500))
    assert now() == pytest.approx(20.5)


@in_virtual_time
async def test_only_the_head_of_a_whole_answer_is_waited_for_by_the_targets_limit() -> None:
    slow: Script = [119, JSON, 300, b'{"choices":', 100, b'[{"index":0}]}', END]
    scene = Scene({"a/m": [slow], "b/m": [answer()]}, deadline=600)
    client = await scene.ask()
    assert client.json == {"choices": [{"index": 0}]}
    assert scene.outcomes == ["ok body"]


@in_virtual_time
async def test_a_head_that_does_not_come_in_time_is_asked_for_elsewhere() -> None:
    scene = Scene({"a/m": [[]], "b/m": [answer()]}, deadline=600)
    assert (await scene.ask()).status == 200
    assert now() == pytest.approx(120.1)
    assert scene.outcomes == ["failed head", "ok body"]


@in_virtual_time
async def test_every_attempt_and_every_request_has_one_record() -> None:
    scene = Scene({"a/m": [[1.0, RESET]], "b/m": [answer()]})
    await scene.ask()
    first, second = scene.kept.attempts
    assert (first.target, first.number, first.started, first.first) == ("a/m", 1, 0, None)
    assert first.ended == pytest.approx(1)
    assert (second.target, second.number, second.report.output_tokens) == ("b/m", 2, 3)
    record = scene.request
    assert (record.request_id, record.tenant, record.model) == ("req_1", "all", "chat")
    assert (record.target, record.status, record.end, record.cause) == ("b/m", 200, "ok", "")
    assert (record.input_tokens, record.output_tokens, record.estimated) == (7, 3, False)
    assert record.started == 0
    assert record.ended == pytest.approx(1.1)


# What is sent.


@in_virtual_time
async def test_the_provider_gets_the_clients_bytes_with_only_the_model_replaced() -> None:
    body = (
        b'{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":'
        b'"data:image/png;base64,iVBORw0KGgo=","model":"nested"}}]}],"temperature":1.0e0,'
        b'"tools":[{"type":"function","function":{"name":"f","parameters":{"model":"chat"}}}],'
        b'"model":"chat","tomorrow":{"a":[1,2.50,"\\u00e9"]}}'
    )
    scene = Scene({"a/m": [answer()]})
    await scene.ask_raw(body)
    sent = scene.transport.sent[0].body
    assert sent == body.replace(b'"model":"chat","tom', b'"model":"model-of-a/m","tom')


@in_virtual_time
async def test_each_target_gets_its_own_name_for_the_model_and_the_clients_headers() -> None:
    scene = Scene({"a/m": [refusal(500)], "b/m": [answer()]})
    await scene.ask(headers={"traceparent": "00-1"})
    assert [sent.json["model"] for sent in scene.transport.sent] == ["model-of-a/m", "model-of-b/m"]
    assert [sent.headers for sent in scene.transport.sent] == [{"traceparent": "00-1"}] * 2
