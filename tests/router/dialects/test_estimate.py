from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st

from router.dialects.estimate import TOKENS_PER_FILE, estimated_tokens


def with_files(*files: bytes) -> bytes:
    parts = b",".join(
        b'{"image_url":{"url":"data:image/png;base64,' + b64encode(file) + b'"}}' for file in files
    )
    return b'{"model":"m","messages":[{"content":[' + parts + b"]}]}"


def test_text_is_four_bytes_a_token() -> None:
    assert estimated_tokens(b"x" * 4000) == 1000
    assert estimated_tokens(b"") == 0


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_encoded_files_count_as_files_and_not_by_their_bytes(files: list[bytes]) -> None:
    empty = with_files(*[b""] * len(files))
    assert estimated_tokens(with_files(*files)) == estimated_tokens(empty)
    assert estimated_tokens(empty) >= TOKENS_PER_FILE * len(files)


def test_text_round_a_file_still_counts() -> None:
    body = b"x" * 4000 + b";base64," + b"A" * 9000 + b'"' + b"y" * 3999
    assert estimated_tokens(body) == 2000 + TOKENS_PER_FILE


@given(st.binary(max_size=300))
def test_any_bytes_have_an_estimate(body: bytes) -> None:
    assert estimated_tokens(body) >= 0
