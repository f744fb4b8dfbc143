import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome, Phase, Scope
from router.dialects.common.outside import MOST_TOKENS
from router.dialects.contract import Call, ClientError
from router.dialects.openai.dialect import OPENAI

CALL = OPENAI.parse(b'{"model":"m","messages":[]}')
KEYS = ["model", "messages", "stream", "stream_options", "max_tokens", "n", "x", 'a"b', "é"]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(['"model":"', "model", "}{", "\\", "\u2028"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = st.fixed_dictionaries(
    {"model": st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)},
    optional={
        "stream": st.none() | st.booleans(),
        "stream_options": st.none() | st.dictionaries(st.sampled_from(["a", "b"]), JSON),
        "max_tokens": st.none() | st.integers(),
        "n": st.none() | st.integers(),
        "tools": JSON,
        "messages": st.lists(JSON, max_size=3),
    },
).flatmap(
    lambda known: st.dictionaries(st.sampled_from(["x", 'a"b', "é", "Model"]), JSON).flatmap(
        lambda more: st.permutations([*{"messages": [], **known, **more}.items()]).map(dict)
    )
)


def parse(**fields: Any) -> Call:
    return OPENAI.parse(json.dumps({"model": "m", "messages": [], **fields}).encode())


def refused(body: bytes) -> ClientError:
    with pytest.raises(ClientError) as caught:
        OPENAI.parse(body)
    error = caught.value
    assert (error.status, error.kind, error.hopeless) == (400, "invalid_request_error", True)
    return error


# The client's half.


@given(st.binary(max_size=80))
def test_parsing_raises_nothing_but_the_clients_error(body: bytes) -> None:
    for attempt in (body, b'{"model":"m","messages":[' + body + b"]}", b'{"model":' + body + b"}"):
        try:
            OPENAI.ask(OPENAI.parse(attempt), "u", ask_usage=True)[1]
        except ClientError as error:
            assert error.status == 400  # noqa: PT017 - it need not be raised


@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_parsing_any_object_raises_nothing_but_the_clients_error(fields: dict[str, Any]) -> None:
    try:
        OPENAI.ask(OPENAI.parse(json.dumps(fields).encode()), "u", ask_usage=True)
    except ClientError as error:
        assert error.param in (None, *KEYS)  # noqa: PT017 - it need not be raised


@pytest.mark.parametrize(
    ("body", "param", "told"),
    [
        (b"", None, "not valid JSON"),
        (b"{", None, "not valid JSON"),
        (b"\xff\xfe", None, "not valid JSON"),
        (b'{"model":"m","messages":["\xff"]}', None, "not valid JSON"),
        (b"[]", None, "must be a JSON object"),
        (b"null", None, "must be a JSON object"),
        (b'{"model":"m","messages":' + b"[" * 9999 + b"]" * 9999 + b"}", None, "too deeply"),
        (b'{"messages":[]}', "model", "`model` is missing"),
        (b'{"model":"","messages":[]}', "model", "`model` is missing"),
        (b'{"model":null,"messages":[]}', "model", "`model` is missing"),
        (b'{"model":5,"messages":[]}', "model", "`model` must be a string"),
        (b'{"model":"m"}', "messages", "`messages` is missing"),
        (b'{"model":"m","messages":{}}', "messages", "`messages` must be a list"),
        (b'{"model":"m","messages":[],"stream":1}', "stream", "true or false"),
        (b'{"model":"m","messages":[],"n":"2"}', "n", "a whole number"),
        (b'{"model":"m","messages":[],"n":true}', "n", "a whole number"),
        (b'{"model":"m","messages":[],"max_tokens":1.5}', "max_tokens", "a whole number"),
        (
            b'{"model":"m","messages":[],"stream":true,"stream_options":[]}',
            "stream_options",
            "an object",
        ),
    ],
)
def test_what_is_wrong_is_named(body: bytes, param: str | None, told: str) -> None:
    error = refused(body)
    assert error.param == param
    assert told in error.message


def test_what_routing_needs_is_read() -> None:
    call = parse(stream=True, n=3, max_tokens=50, stream_options={"include_usage": True})
    assert (call.model, call.stream, call.choices) == ("m", True, 3)
    assert (call.output_tokens, call.usage_asked) == (50, True)
    assert call.input_tokens > 0
    plain = parse()
    assert (plain.stream, plain.choices, plain.output_tokens) == (False, 1, None)
    assert not plain.usage_asked


def test_the_newer_bound_of_an_answer_is_the_one_that_counts() -> None:
    assert parse(max_tokens=5, max_completion_tokens=7).output_tokens == 7
    assert parse(max_tokens=5, max_completion_tokens=None).output_tokens == 5


@pytest.mark.parametrize("most", [-1, -(10**9), 10**30])
def test_an_absurd_bound_of_an_answer_reserves_nothing_absurd(most: int) -> None:
    reserved = parse(max_tokens=most).output_tokens
    assert reserved is not None
    assert 0 <= reserved <= MOST_TOKENS


@pytest.mark.parametrize("n", [0, -3, None])
def test_an_absurd_number_of_choices_is_left_to_the_provider(n: int | None) -> None:
    call = parse(n=n)
    assert call.choices == 1
    assert json.loads(OPENAI.ask(call, "u", ask_usage=True)[1])["n"] == n


def test_an_error_has_the_shape_that_clients_know() -> None:
    error = ClientError(404, "invalid_request_error", "model_not_found", 'no "m"\n', "model")
    told = {
        "message": 'no "m"\n',
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }
    assert json.loads(OPENAI.error(error)) == {"error": told}
    event = OPENAI.error_event(error)
    assert json.loads(event.removeprefix(b"data: ")) == {"error": told}
    assert event.endswith(b"}\n\n")
    assert event.count(b"\n") == 2


def test_models_are_listed_as_clients_expect() -> None:
    listed = json.loads(OPENAI.models({"chat": 5}))
    model = {"id": "chat", "object": "model", "created": 5, "owned_by": "pointsman"}
    assert listed == {"object": "list", "data": [model]}
    assert json.loads(OPENAI.model("chat", 5)) == model


# The provider's half: what is sent.


@given(BODIES, st.booleans(), st.booleans())
def test_only_the_model_and_the_wish_for_usage_change(
    fields: dict[str, Any], ascii_only: bool, ask_usage: bool
) -> None:
    body = json.dumps(fields, ensure_ascii=ascii_only, indent=1 if ascii_only else None)
    sent = json.loads(OPENAI.ask(OPENAI.parse(body.encode()), "up/m", ask_usage=ask_usage)[1])
    expected = {**fields, "model": "up/m"}
    if fields.get("stream") and ask_usage:
        given = fields.get("stream_options") or {}
        asked = given.get("include_usage")
        expected["stream_options"] = {**given, "include_usage": asked or True}
    assert sent == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":[{"model":"nested"}]}',
        b'{"x":{"model":"earlier"},"model":"m","messages":[]}',
        b'{"x":"\\"model\\":\\"m\\"","model":"m","messages":["\\"model\\":\\"m\\""]}',
        b'{"mod\\u0065l":"m","messages":[]}',
        b'{"model":"first","messages":[],"model":"m"}',
        b'{"model":"first","messages":[],"mod\\u0065l":"m"}',
        b'{ "messages" : [ ] , "model" : "m" }',
        b'{"metadata":{"model":"m"},"messages":[],"model":"\\u006d"}',
    ],
)
def test_no_other_model_is_mistaken_for_the_requests(body: bytes) -> None:
    call = OPENAI.parse(body)
    assert call.model == "m"
    sent = OPENAI.ask(call, "up", ask_usage=True)[1]
    assert json.loads(sent) == {**json.loads(body), "model": "up"}
    pairs = json.loads(body, object_pairs_hook=list)
    assert sent.count(b'"up"') == sum(name == "model" for name, _ in pairs)


def test_fields_keep_their_bytes() -> None:
    value = b'{"b":1.50,"a":[1e2,  "\\u00e9"],"a":0}'
    body = b'{"tools":' + value + b',"model":"m","messages":[]}'
    assert value in OPENAI.ask(OPENAI.parse(body), "up", ask_usage=True)[1]


def test_asking_for_usage_keeps_every_other_stream_option() -> None:
    options = b'{"include_obfuscation":false,"big":123456789012345678901234567890,"f":1.50}'
    body = b'{"model":"m","messages":[],"stream":true,"stream_options":' + options + b"}"
    sent = OPENAI.ask(OPENAI.parse(body), "up", ask_usage=True)[1]
    assert options.removesuffix(b"}") + b',"include_usage":true}' in sent


def test_usage_is_asked_for_in_streams_alone_and_only_once() -> None:
    assert b"include_usage" not in OPENAI.ask(parse(), "u", ask_usage=True)[1]
    assert b"include_usage" not in OPENAI.ask(parse(stream=True), "u", ask_usage=False)[1]
    refused_it = parse(stream=True, stream_options={"include_usage": False})
    sent = json.loads(OPENAI.ask(refused_it, "u", ask_usage=True)[1])
    assert sent["stream_options"] == {"include_usage": True}
    null = parse(stream=True, stream_options=None)
    sent = json.loads(OPENAI.ask(null, "u", ask_usage=True)[1])
    assert sent["stream_options"] == {"include_usage": True}


# The provider's half: what comes back in one piece.


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_has_an_outcome(body: bytes) -> None:
    assert OPENAI.whole(CALL, body)[0].outcome is not Outcome.ABANDONED
    assert OPENAI.refusal(CALL, 500, {}, body).outcome is not Outcome.OK


@given(st.fixed_dictionaries({}, optional={"choices": JSON, "error": JSON, "usage": JSON}))
def test_any_answer_has_an_outcome(answer: dict[str, Any]) -> None:
    report = OPENAI.whole(CALL, json.dumps(answer).encode())[0]
    if report.outcome is Outcome.OK:
        assert answer["choices"]
        assert not answer.get("error")


def test_a_whole_answer_tells_its_usage() -> None:
    body = {"choices": [{}], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
    report = OPENAI.whole(CALL, json.dumps(body).encode())[0]
    assert (report.outcome, report.input_tokens, report.output_tokens) == (Outcome.OK, 7, 3)


@pytest.mark.parametrize("usage", [None, [], {}, {"prompt_tokens": "7"}, {"prompt_tokens": 10**40}])
def test_a_count_that_is_none_is_unknown_and_not_nothing(usage: object) -> None:
    report = OPENAI.whole(CALL, json.dumps({"choices": [{}], "usage": usage}).encode())[0]
    assert (report.outcome, report.input_tokens) == (Outcome.OK, None)


@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
def test_own_words_are_an_object_or_nothing(body: bytes) -> None:
    words = OPENAI.own_words(OPENAI.parse(b'{"model":"m","messages":[]}'), body)
    assert words is None or isinstance(json.loads(words), dict)


def test_an_error_inside_a_success_is_judged_by_its_code() -> None:
    body = b'{"error":{"code":"insufficient_quota","message":"secret"},"choices":[{}]}'
    report = OPENAI.whole(CALL, body)[0]
    assert (report.outcome, report.scope) == (Outcome.DENIED, Scope.PROVIDER)
    assert report.phase is Phase.BODY
    assert "secret" not in report.detail
