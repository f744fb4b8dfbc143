"""Same dialect on both sides: every byte passes, but for the named splices."""

import json
import tracemalloc
from pathlib import Path
from time import process_time
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from router.dialects.openai.dialect import OPENAI
from router.dialects.openai.splice import spliced
from router.testing import Body, Provider, Stream
from tests.router.dialects.openai.test_dialect import JSON
from tests.router.running import JSON as KIND
from tests.router.running import running

TOP = msgspec.json.Decoder(dict[str, Raw])
BLANK = st.text(" \t\r\n", max_size=2) | st.just("")
NAMES = ["model", "model", "stream_options", "x", 'a": 1, "b', "\\", "é", "\0", "modell"]
AS_IT_CAME = (
    b'\r\n{ "tools" : [ { "model" : "a\\u0062" } ],\t"top_p":1.0e0, "model"\n:  "ch\\u0061t" ,'
    b' "messages":[{"role":"user","content":"\\ud83d\\ude00 \xc3\xa9 \\/ \\"model\\":\\"x\\""}],'
    b'"seed":123456789012345678901234567890, "model":"chat", "x":1,"x":-0.0,"\\u0078": [1 , 2],'
    b'"tomorrow":{"a":1,"a":2, "b":NULL} }\n'
).replace(b"NULL", b"null")


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str]:
    """A body in some spelling, and what it is to be once two of its fields are changed."""
    names = draw(st.lists(st.sampled_from(NAMES), max_size=5))
    names.insert(draw(st.integers(0, len(names))), "model")
    comma, colon = draw(st.sampled_from([(",", ":"), (", ", ": "), (None, None)]))
    before, after = [], []
    for name in names:
        value = json.dumps(
            draw(JSON),
            indent=draw(st.none() | st.integers(0, 1)),
            ensure_ascii=draw(st.booleans()),
        )
        spelled = json.dumps(name, ensure_ascii=draw(st.booleans()))
        if draw(st.integers(0, 5)) == 0:
            spelled = '"' + "".join(f"\\u{ord(letter):04x}" for letter in name) + '"'
        between = draw(BLANK) + ":" + draw(BLANK) if colon is None else colon
        new = {"model": '"new"', "stream_options": "{}"}.get(name, value)
        before.append(spelled + between + value)
        after.append(spelled + between + new)
    commas = [draw(BLANK) + "," + draw(BLANK) if comma is None else comma for _ in names]
    head, tail = draw(BLANK) + "{" + draw(BLANK), draw(BLANK) + "}" + draw(BLANK)
    if comma is not None:
        head, tail = "{", "}"
    more = "" if "stream_options" in names else ',"stream_options":{}'
    return head + _joined(before, commas) + tail, head + _joined(after, commas) + more + tail


def _joined(pairs: list[str], commas: list[str]) -> str:
    told = [piece for pair in zip(pairs, commas, strict=True) for piece in pair]
    return "".join(told[:-1])


@given(written())
def test_a_field_is_changed_wherever_it_stands_and_no_other_byte(drawn: tuple[str, str]) -> None:
    body, expected = drawn
    fields = TOP.decode(body)
    changes = {"model": b'"new"', "stream_options": b"{}"}
    assert spliced(body.encode(), fields, changes).decode() == expected


def asked(body: bytes, *, ask_usage: bool = True) -> bytes:
    return OPENAI.ask(OPENAI.parse(body), "org/up", ask_usage=ask_usage)[1]


def renamed(body: bytes) -> bytes:
    """With each of its models replaced."""
    return body.replace(b'"ch\\u0061t"', b'"org/up"').replace(b'"chat"', b'"org/up"')


def test_a_body_passes_byte_for_byte_but_for_its_model() -> None:
    assert asked(AS_IT_CAME) == renamed(AS_IT_CAME)


def test_the_answer_of_the_same_dialect_passes_byte_for_byte() -> None:
    call = OPENAI.parse(b'{"model":"m","messages":[],"stream":true}')
    event = b'data:  {"choices" : [{"delta":{"content":"\\u0061"},"x":1e400}], "a":1,"a":2}\r\n\r\n'
    assert OPENAI.reader(call).feed(event) == event
    whole = b'\n{ "choices" : [ {"finish_reason":"stop"} ], "x":1.0e0, "x":[ ] }'
    assert OPENAI.whole(call, whole)[1] == whole


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (b"", b',"stream_options":{"include_usage":true}'),
        (b', "stream_options" :null', b', "stream_options" :{"include_usage":true}'),
        (
            b',"stream_options":{"x":1.0e0}',
            b',"stream_options":{"x":1.0e0,"include_usage":true}',
        ),
        (b',"stream_options":{"include_usage":true}', b',"stream_options":{"include_usage":true}'),
    ],
)
def test_usage_is_the_other_splice(options: bytes, told: bytes) -> None:
    body = b'{"messages":[ ],"stream":true , "model":"m"%b }'
    expected = (body % told).replace(b'"m"', b'"org/up"')
    if not options:
        expected = b'{"messages":[ ],"stream":true , "model":"org/up"%b }' % told
    assert asked(body % options) == expected
    assert asked(body % options, ask_usage=False) == (body % options).replace(b'"m"', b'"org/up"')


@given(
    st.dictionaries(st.sampled_from(["x", "y", 'a"b', "\0"]), JSON, max_size=4), st.integers(0, 2)
)
@example({'a"b': 1}, 1)
def test_no_spelling_is_mistaken_for_another(fields: dict[str, Any], spelling: int) -> None:
    separators = [(",", ":"), (", ", ": "), (" , ", " : ")][spelling]
    body = json.dumps({"model": "m", **fields, "messages": []}, separators=separators)
    new = body.replace(f'"model"{separators[1]}"m"', f'"model"{separators[1]}"org/up"', 1)
    assert asked(body.encode()) == new.encode()


async def test_between_sockets_every_byte_passes_both_ways(tmp_path: Path) -> None:
    whole = (
        b'\n{ "choices" : [{"message":{"content":"\\u0061"} ,"finish_reason":"stop"}],'
        b'"seed":123456789012345678901234567890,\t"x":1.0e0, "x":[ ] }\r\n'
    )
    event = b'data:  {"choices" : [{"delta":{"content":"\\u0061"},"x":1e400}], "a":1,"a":2}\n\n'
    end = b'data: {"choices":[{"delta":{ },"finish_reason":"stop"}]}\n\n'
    replies = [Body(whole, kind="application/json"), Stream([event, end])]
    streamed = AS_IT_CAME.replace(b"\r\n{", b'\r\n{"stream" : true,')
    async with Provider(replies) as provider:
        path = tmp_path / "providers.yaml"
        path.write_text(
            "version: 1\n"
            "server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0}\n"
            f"providers: {{p: {{base_url: '{provider.url}', models: [org/up]}}}}\n"
            "models: {chat: {targets: [p/org/up]}}\n"
        )
        async with running(path) as router:
            answer = await router.ask("POST", "/v1/chat/completions", AS_IT_CAME, KIND)
            stream = await router.ask("POST", "/v1/chat/completions", streamed, KIND)
    assert answer.body == whole
    assert stream.body.startswith(event + end)
    first, second = (request.body for request in provider.requests)
    assert first == renamed(AS_IT_CAME)
    expected = renamed(streamed)
    at = expected.rindex(b"}", 0, -3) + 1
    assert second == expected[:at] + b',"stream_options":{"include_usage":true}' + expected[at:]


def test_a_long_text_that_is_stepped_over_takes_no_more_memory_than_it_is_long() -> None:
    text = b'"%b"' % (b'x\\"' * 40_000)
    body = b'{"model":"m","a":%b,%b:1,"a":1}' % (text, text)
    fields = TOP.decode(body)
    tracemalloc.start()
    assert spliced(body, fields, {"model": b'"n"'}) == body.replace(b'"m"', b'"n"', 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * len(body)


def test_a_long_body_is_gone_through_once_however_often_a_field_stands_in_it() -> None:
    last = b'"%b"' % (b"x" * 4_000_000)
    for again, a in (
        (b'"a":1 ,' * 100_000, last),
        (b'"a":[%b1],' % (b"1," * 1_000_000), last),
        (b'"a":1,' * 1_000_000, b"1"),
    ):
        body = b'{"model":"m",%b"a":%b, "b": 1.0e0}' % (again, a)
        fields = TOP.decode(body)
        began = process_time()
        told = spliced(body, fields, {"model": b'"n"', "c": b"2"})
        assert process_time() - began < 2.5
        assert told == b'{"model":"n","a":%b,"b":1.0e0,"c":2}' % a
    many = {"model": "m"} | {str(number): number for number in range(500_000)}
    body = json.dumps(many, separators=(" ,", ":")).encode()
    fields = TOP.decode(body)
    began = process_time()
    told = spliced(body, fields, {"model": b'"n"'})
    assert process_time() - began < 4
    assert json.loads(told) == {**many, "model": "n"}
