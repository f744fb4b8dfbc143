"""What comes from outside may be anything, and nothing of it raises."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.common import files, outside

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(ANYTHING)
def test_what_is_not_of_the_kind_is_not_there(value: Any) -> None:
    assert outside.text_of(value) == (value if isinstance(value, str) else "")
    assert outside.object_of(value) == (value if isinstance(value, dict) else {})
    assert all(isinstance(one, dict) for one in outside.objects_of(value))
    assert 0 <= outside.count(value) <= outside.MOST_TOKENS


@given(st.binary() | st.just(b'"\\ud83d"') | st.just(b"[" * 100_000))
def test_bytes_that_are_no_json_say_nothing(written: bytes) -> None:
    try:
        said = json.loads(written)
    except (ValueError, RecursionError):
        said = None
    assert outside.decoded(written) in (said, None)


@given(st.text(st.characters()))
def test_only_an_object_is_one_in_a_text(text: str) -> None:
    assert outside.object_in(text) is None or text.lstrip().startswith("{")
    assert bytes(outside.object_in('{"a": 1}') or b"") == b'{"a": 1}'


@given(st.binary(), st.sampled_from(["", "image/png", "text/plain"]))
def test_a_data_url_is_read_as_it_was_written(content: bytes, media_type: str) -> None:
    data = b64encode(content).decode()
    assert files.inline(files.data_url(media_type, data)) == (media_type, data)


@pytest.mark.parametrize("url", ["", "data:,x", "data:text/plain,x", "https://a/b;base64,x"])
def test_what_is_no_data_url_in_base64_is_none(url: str) -> None:
    assert files.inline(url) == ("", None)


def test_a_type_is_what_was_said_or_how_a_file_begins() -> None:
    assert files.media_type_of("Image/PNG; q=1", "JVBERi0xLjc=") == "image/png"
    assert files.media_type_of("", "JVBERi0xLjc=") == "application/pdf"
    assert files.media_type_of("", "AAAA") == ""


@pytest.mark.parametrize("data", ["_", "ä", "/w==", "YQ"])
def test_a_text_in_base64_is_utf_8_or_none(data: str) -> None:
    assert files.text_in(data) is None
    assert files.text_in("w6Q=") == "ä"
