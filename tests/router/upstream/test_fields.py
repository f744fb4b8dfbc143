from hypothesis import given
from hypothesis import strategies as st

from router.headers import downward
from router.upstream.fields import MOST_NAMES, OURS, every, of_success

NAMES = st.sampled_from(
    ("Content-Type", "content-type", "OpenAI-Version", "openai-organization", "X-Request-Id",
     "Content-Length", "Keep-Alive", "Set-Cookie", "anthropic-ratelimit-x", "Request-Id"),
)  # fmt: skip
FIELDS = st.lists(st.tuples(NAMES.map(str.encode), st.binary(max_size=8)), max_size=8)


@given(FIELDS)
def test_of_a_success_whatever_clients_are_told_is_read(fields: list[tuple[bytes, bytes]]) -> None:
    names: dict[bytes, str] = {}
    for _ in range(2):
        (read, _), all_of_them = of_success(fields, names), every(fields)
        assert downward(read) == downward(all_of_them)
        assert {name: all_of_them[name] for name in read} == read
        assert OURS & set(all_of_them) <= set(read)


def test_what_came_more_than_once_is_joined() -> None:
    fields = [(b"OpenAI-A", b"1"), (b"Set-Cookie", b"x"), (b"openai-a", b"\xc3\xa9")]
    assert every(fields) == {"openai-a": "1, é", "set-cookie": "x"}
    assert of_success(fields, {}) == ({"openai-a": "1, é"}, [])


def test_names_without_end_are_not_kept() -> None:
    names: dict[bytes, str] = {}
    for number in range(2 * MOST_NAMES):
        name = f"openai-{number}"
        assert of_success([(name.encode(), b"v")], names) == ({name: "v"}, [])
    assert len(names) == MOST_NAMES
