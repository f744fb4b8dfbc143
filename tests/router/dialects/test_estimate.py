import json
from base64 import b64encode
from math import exp, log
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.anthropic.requests import parsed as messages
from router.dialects.estimate import (
    DOCUMENT,
    IMAGE,
    MOST_FILES,
    SOUND,
    TOKENS_PER_FILE,
    WHOLE,
    estimated_tokens,
)
from router.dialects.openai.requests import parsed as chat
from router.dialects.relayed.dialect import RELAYED
from router.dialects.responses.requests import parsed as responses

COUNTED = json.loads((Path(__file__).parent / "counted.json").read_text("utf-8"))
"""Texts of our own, and what five public vocabularies count in each."""
TEMPLATE = 7
"""Tokens that a chat template adds to one message: three for it, and four round the answer."""
texts = st.text(max_size=300).map(str.encode)


def body_of(text: str, *, ascii_only: bool = False) -> bytes:
    asked = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return json.dumps(asked, ensure_ascii=ascii_only, separators=(",", ":")).encode()


def usual(counts: dict[str, int]) -> float:
    return exp(fmean(log(count + TEMPLATE) for count in counts.values()))


def with_parts(*parts: object) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": parts}]}).encode()


def data_url(kind: str, file: bytes) -> str:
    return f"data:{kind};base64,{b64encode(file).decode()}"


def sound(file: bytes) -> object:
    audio = {"data": b64encode(file).decode(), "format": "wav"}
    return {"type": "input_audio", "input_audio": audio}


def image(file: bytes) -> object:
    return {"type": "image_url", "image_url": {"url": data_url("image/png", file)}}


def pdf(file: bytes) -> object:
    return {"type": "file", "file": {"file_data": data_url("application/pdf", file)}}


def source(kind: str, file: bytes) -> object:
    named = {"type": "base64", "media_type": kind, "data": b64encode(file).decode()}
    return {"type": kind.partition("/")[0], "source": named}


@pytest.mark.parametrize("kind", COUNTED)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_it_is_near_what_vocabularies_agree_on(kind: str, ascii_only: bool) -> None:
    text, counts = COUNTED[kind]["text"], COUNTED[kind]["counts"]
    ratio = estimated_tokens(body_of(text, ascii_only=ascii_only)) / usual(counts)
    assert 0.75 < ratio < 1.25


def test_no_text_has_less_than_half_by_any_of_them() -> None:
    for one in COUNTED.values():
        estimate = estimated_tokens(body_of(one["text"]))
        assert min(one["counts"].values()) + TEMPLATE > 0.49 * estimate


def test_half_of_all_kinds_are_within_a_twentieth() -> None:
    errors = [
        abs(log(estimated_tokens(body_of(one["text"])) / usual(one["counts"])))
        for one in COUNTED.values()
    ]
    assert sorted(errors)[len(errors) // 2] < 0.05


@pytest.mark.parametrize("kind", COUNTED)
def test_of_a_long_text_a_part_tells_as_much_as_all(kind: str) -> None:
    text = COUNTED[kind]["text"] + "\n"
    short = estimated_tokens(body_of(text * 2))
    long = estimated_tokens(body_of(text * 100))
    assert long == pytest.approx(short * 50, rel=0.25)


@given(texts)
def test_a_text_is_never_nothing(text: bytes) -> None:
    assert (estimated_tokens(text) > 0) == bool(text)


@given(st.binary(max_size=600), st.integers(1, 60))
def test_any_bytes_have_an_estimate(body: bytes, times: int) -> None:
    assert 0 <= estimated_tokens(body * times) <= 2000 * (len(body) * times + 1)


@given(texts, texts)
def test_more_text_is_not_fewer_tokens(text: bytes, more: bytes) -> None:
    both, apart = estimated_tokens(text + more), estimated_tokens(text) + estimated_tokens(more)
    assert both >= max(estimated_tokens(text), estimated_tokens(more))
    assert apart - 2 <= both <= apart


@given(texts, st.integers(1, 4))
def test_a_long_text_is_not_less_for_what_is_added(text: bytes, times: int) -> None:
    long = (text + b"0123") * (times * WHOLE // (len(text) + 4) + 1)
    assert estimated_tokens(long + text) >= 0.8 * estimated_tokens(long)


@pytest.mark.parametrize("make", [image, lambda file: source("image/png", file)])
@given(files=st.lists(st.binary(max_size=3000), min_size=1, max_size=4))
def test_an_image_costs_the_same_whatever_it_weighs(make: object, files: list[bytes]) -> None:
    assert callable(make)
    empty = with_parts(*[make(b"")] * len(files))
    assert estimated_tokens(with_parts(*map(make, files))) == estimated_tokens(empty)
    assert estimated_tokens(empty) // TOKENS_PER_FILE == len(files)


def test_an_image_that_is_named_by_its_url_costs_as_much() -> None:
    named = {"type": "image_url", "image_url": {"url": "https://pictures.example/a.png"}}
    assert 0 < estimated_tokens(with_parts(named)) - IMAGE.least < 100
    block = {"type": "image", "source": {"type": "url", "url": "https://pictures.example/a.png"}}
    assert 0 < estimated_tokens(with_parts(block, image(b"1"))) - 2 * IMAGE.least < 150


def test_a_file_is_none_of_text_wherever_its_api_puts_it() -> None:
    shown = {"type": "input_image", "image_url": data_url("image/png", b"1" * 30_000)}
    moderated = {"model": "m", "input": [image(b"1" * 30_000)]}
    assert 0 < RELAYED.parse(json.dumps(moderated).encode()).input_tokens - IMAGE.least < 100
    answered = {"type": "computer_call_output", "call_id": "c", "output": shown}
    asked = json.dumps({"model": "m", "input": [answered]}).encode()
    assert 0 < responses(asked).input_tokens - IMAGE.least < 100
    assert 0 < chat(with_parts(image(b"1" * 30_000))).input_tokens - IMAGE.least < 100
    assert 0 < messages(with_parts(source("image/png", b"1" * 30_000))).input_tokens < 1100


def test_documents_and_sounds_cost_by_their_length_within_bounds() -> None:
    for make, weight in (
        (pdf, DOCUMENT),
        (lambda file: source("application/pdf", file), DOCUMENT),
        (sound, SOUND),
    ):
        little, more, most = (
            estimated_tokens(with_parts(make(bytes(size)))) for size in (30, 600_000, 9_000_000)
        )
        assert weight.least < little < weight.least + 100
        assert weight.size * (more - 100) < 800_000 < weight.size * more
        assert little < more < most <= weight.most + 100


def test_text_round_a_file_still_counts() -> None:
    text = {"type": "text", "text": "so many words " * 300}
    alone = estimated_tokens(with_parts(text))
    both = estimated_tokens(with_parts(text, image(bytes(9000)), text))
    assert both == pytest.approx(2 * alone + TOKENS_PER_FILE, rel=0.05)


def test_what_only_speaks_of_files_is_text() -> None:
    said = json.dumps({"data": "a long tale", "image_url": {"url": "data:image/png;base64,AAAA"}})
    assert estimated_tokens(body_of(said)) < 100
    tool = {"properties": {"image": {"type": "string"}, "image_url": {"type": "string"}}}
    assert estimated_tokens(with_parts(tool)) < 100
    tale = {"type": "text", "media_type": "text/plain", "data": "word after word " * 100}
    assert estimated_tokens(with_parts(tale)) > 250


def test_there_is_an_end_to_looking_for_files() -> None:
    assert estimated_tokens(with_parts(*[image(b"1")] * 3 * MOST_FILES)) < 110 * TOKENS_PER_FILE
