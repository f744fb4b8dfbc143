"""The fields of a form with files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.contract import ClientError
from router.dialects.relayed.dialect import RELAYED
from router.dialects.relayed.form import LONGEST_VALUE, BadForm, Field, fields_of

SOUND = b'RIFF\r\n\x00\xff--not-the-delimiter\r\n\r\nname="model"'


def form(*parts: tuple[bytes, bytes], delimiter: bytes = b"--B0unda:ry'()+_,-./=?") -> bytes:
    told = b"".join(
        delimiter + b"\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + content + b"\r\n"
        for head, content in parts
    )
    return told + delimiter + b"--\r\n"


def values(body: bytes) -> dict[str, bytes]:
    return {field.name: body[field.begin : field.end] for field in fields_of(body)}


def test_short_fields_are_read_and_files_are_not() -> None:
    body = form(
        (b'name="file"; filename="model.wav"\r\nContent-Type: audio/wav', SOUND),
        (b'name="model"', b"whisper-1"),
        (b"name=language", b"de"),
        (b'name="prompt"', b"x" * (LONGEST_VALUE + 1)),
        (b'name="empty"', b""),
    )
    assert values(body) == {"model": b"whisper-1", "language": b"de", "empty": b""}


def test_the_models_name_alone_is_replaced() -> None:
    file = (b'name="file"; filename="a.wav"', SOUND)
    before = form(file, (b'name="model"', b"chat"), (b'name="n"', b"2"))
    call = RELAYED.parse(before, "audio/transcriptions")
    assert (call.model, call.choices, call.stream) == ("chat", 2, False)
    path, body, dropped = RELAYED.ask(call, "whisper-large-v3", ask_usage=True)
    assert (path, dropped) == ("/audio/transcriptions", ())
    assert body == form(file, (b'name="model"', b"whisper-large-v3"), (b'name="n"', b"2"))


def test_a_stream_is_asked_for_in_a_form_as_well() -> None:
    body = form((b'name="model"', b"m"), (b'name="stream"', b"true"))
    assert RELAYED.parse(body, "audio/transcriptions").stream


@pytest.mark.parametrize(
    "body",
    [
        b"--",
        b"--b\r\n",
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm',
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n',
        form(*[(b'name="a"', b"")] * 300),
        form((b'name="file"; filename="a"', b"")),
    ],
)
def test_what_is_no_form_with_a_model_is_the_callers_error(body: bytes) -> None:
    with pytest.raises(ClientError) as caught:
        RELAYED.parse(body, "images/edits")
    assert (caught.value.status, caught.value.hopeless) == (400, True)


@given(
    st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda cut: b"--b\r\n" + cut + b"\r\n--b--")
    | st.integers(0, 200).map(lambda cut: form((b'name="model"', b"m"))[:cut])
)
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    try:
        found = fields_of(body)
    except BadForm:
        return
    assert all(0 < field.begin <= field.end <= len(body) for field in found)
    assert all(isinstance(field, Field) for field in found)
