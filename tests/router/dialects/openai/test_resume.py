"""The seam of an answer that two providers gave, by its bytes: the text is the whole one, or there
is a failure; and nothing shows where it is.
"""

import itertools
import json
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome
from router.dialects.contract import Call, Resumable, StreamReader, UpstreamDialect
from router.dialects.openai.dialect import OPENAI, SPOKEN_BY
from router.dialects.openai.stream import ChatStream
from router.dialects.seam import MOST_KEPT, Begun, characters, sendable, units

VLLM = SPOKEN_BY["vllm"]
QUESTION: list[dict[str, str]] = [{"role": "user", "content": "Why?"}]


def call(**fields: Any) -> Call:
    told = {"model": "m", "stream": True, "messages": QUESTION, **fields}
    return OPENAI.parse(json.dumps(told).encode())


AGAIN = call(temperature=0)
REST = call(temperature=0.5)


class Teller(NamedTuple):
    """How a provider tells a text: cut into deltas (in UTF-16), and these into reads; how it
    escapes and what it marks its events with.
    """

    name: str
    deltas: list[int]
    reads: list[int]
    escapes: bool
    crlf: bool

    def event(self, **fields: Any) -> bytes:
        marks = {"id": self.name, "object": "chat.completion.chunk", "created": 1, "model": "m"}
        told = json.dumps({**marks, **fields}, ensure_ascii=self.escapes)
        line = "data: " + told + ("\r\n\r\n" if self.crlf else "\n\n")
        return line.encode()

    def delta(self, finish: str | None = None, **delta: str) -> bytes:
        return self.event(choices=[{"index": 0, "delta": delta, "finish_reason": finish}])

    def stream(self, text: str) -> bytes:
        # Halves of characters can only be told by their escapes.
        written = units(text) if self.escapes else text
        step = 2 if self.escapes else 1
        places = [0, *(step * (cut % (len(written) // step + 1)) for cut in self.deltas)]
        places = [*sorted(places), len(written)]
        parts = [written[a:b] for a, b in itertools.pairwise(places) if a < b]
        words = [characters(part) if isinstance(part, bytes) else part for part in parts]
        said = b"".join(self.delta(content=word) for word in words)
        usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
        end = self.delta("stop") + self.event(choices=[], usage=usage) + b"data: [DONE]\n\n"
        return self.delta(role="assistant", content="") + said + end

    def read(self, stream: bytes) -> list[bytes]:
        places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in self.reads)})
        return [stream[a:b] for a, b in itertools.pairwise(places)]


CUTS = st.lists(st.integers(0, 10_000), max_size=8)
TELLERS = [
    st.builds(Teller, st.just(name), CUTS, CUTS, st.booleans(), st.booleans())
    for name in ("one", "other")
]
TEXTS = (
    st.text(min_size=1, max_size=60)
    | st.text("ab \n", min_size=1, max_size=60)
    | st.text("aß\u20ac\U0001f600\U0001f601\\\"'\r\n\t ", min_size=1, max_size=60)
)


def fed(reader: StreamReader, reads: list[bytes]) -> bytes:
    return b"".join(reader.feed(read) for read in reads) + reader.finish()


def chunks(stream: bytes) -> list[Any]:
    """What a client reads: a line each, which may end in CRLF, CR or LF; every event is whole."""
    assert not stream or stream.endswith((b"\n", b"\r"))
    return [json.loads(line.removeprefix(b"data: ")) for line in stream.splitlines() if line]


def text_of(stream: bytes) -> str:
    said = [choice["delta"] for chunk in chunks(stream) for choice in chunk["choices"]]
    return "".join(delta.get("content") or "" for delta in said)


def keeping(
    asked: Call, begun: Begun, dialect: Resumable = VLLM, *, same: bool = True
) -> UpstreamDialect | None:
    return dialect.keeping(asked, "m", begun, same=same)


def first(asked: Call, stream: bytes, teller: Teller) -> tuple[bytes, Begun, StreamReader]:
    """What a client has of a stream that breaks off, and what is kept of it."""
    begun = Begun()
    kept = keeping(asked, begun)
    assert kept is not None
    reader = kept.reader(asked)
    return b"".join(reader.feed(read) for read in teller.read(stream)), begun, reader


def whole_or_nothing(
    text: str, had: bytes, asked: Call, begun: Begun, answer: str, teller: Teller
) -> None:
    kept = keeping(asked, begun)
    if kept is None:
        return  # nobody is asked
    reader = kept.reader(asked)
    passed = fed(reader, teller.read(teller.stream(answer)))
    told = text_of(had + passed)
    if reader.failure is not None:
        assert not reader.ended
        assert reader.failure.outcome is Outcome.ABANDONED
        assert units(text).startswith(units(told))
        return
    assert reader.ended
    assert units(told) == units(text) == units(begun.text)
    parts = chunks(had + passed)
    assert len({(part["id"], part["created"], part["model"]) for part in parts}) == 1
    ends = [c["finish_reason"] for part in parts for c in part["choices"] if c["finish_reason"]]
    assert ends == ["stop"]
    assert [c["delta"]["role"] for p in parts for c in p["choices"] if "role" in c["delta"]] in (
        [],
        ["assistant"],
    )


@given(TEXTS, *TELLERS, st.integers(0, 10_000))
def test_asked_again_it_is_the_whole_text_wherever_it_broke_off(
    text: str, one: Teller, other: Teller, cut: int
) -> None:
    stream = one.stream(text)
    had, begun, reader = first(AGAIN, stream[: cut % len(stream)], one)
    if reader.content and not reader.ended:
        whole_or_nothing(text, had, AGAIN, begun, text, other)
        assert begun.sound


@given(TEXTS, TEXTS, *TELLERS, st.integers(0, 10_000))
def test_another_text_never_reaches_the_client(
    text: str, another: str, one: Teller, other: Teller, cut: int
) -> None:
    stream = one.stream(text)
    _had, begun, reader = first(AGAIN, stream[: cut % len(stream)], one)
    if reader.content and not reader.ended and not units(another).startswith(units(begun.text)):
        kept = keeping(AGAIN, begun)
        assert kept is not None
        second = kept.reader(AGAIN)
        assert fed(second, other.read(other.stream(another))) == b""
        assert second.failure is not None


@given(TEXTS, *TELLERS, st.integers(0, 10_000), st.booleans())
def test_the_rest_of_it_makes_it_whole_echoed_or_not(
    text: str, one: Teller, other: Teller, cut: int, echoes: bool
) -> None:
    stream = one.stream(text)
    had, begun, reader = first(REST, stream[: cut % len(stream)], one)
    if not reader.content or reader.ended:
        return
    sent = units(sendable(begun.text))
    rest = characters(units(text)[0 if echoes else len(sent) :])
    whole_or_nothing(text, had, REST, begun, rest, other)


@given(st.text("ab \n\U0001f600", min_size=1, max_size=30), TELLERS[1], st.integers(0, 10_000))
def test_a_long_text_that_is_echoed_is_made_whole(text: str, other: Teller, cut: int) -> None:
    whole = "What was said before, and is long enough to be an echo: " + text
    had = whole[: len(whole) - 1 - cut % len(text)]
    begun = Begun()
    begun.add(had)
    begun.marks = {"id": "one"}
    kept = keeping(REST, begun)
    assert kept is not None
    reader = kept.reader(REST)
    passed = fed(reader, other.read(other.stream(whole)))
    assert reader.failure is None
    assert units(had + text_of(passed)) == units(whole)


# What is asked.


def begun_with(text: str, tokens: int = 1) -> Begun:
    begun = Begun()
    begun.add(text)
    begun.tokens = tokens
    return begun


def asked_of(preset: str, begun: Begun, asked: Call = REST, model: str = "m") -> Any:
    dialect = SPOKEN_BY.get(preset, OPENAI).keeping(asked, model, begun, same=True)
    return None if dialect is None else json.loads(dialect.ask(asked, model, ask_usage=False)[1])


def test_each_provider_is_asked_in_its_own_way() -> None:
    begun = begun_with("so far")
    last = {"role": "assistant", "content": "so far"}
    for preset, message, fields in (
        ("mistral", {"prefix": True}, set()),
        ("openrouter", {}, set()),
        ("vllm", {}, {"continue_final_message", "add_generation_prompt", "echo"}),
    ):
        told = asked_of(preset, begun)
        assert told["messages"] == [*QUESTION, {**last, **message}], preset
        assert told.keys() - {"model", "stream", "messages", "temperature"} == fields


@pytest.mark.parametrize("preset", ["openai", "groq", "gemini", "anthropic", "deepseek", "ollama"])
def test_who_does_not_continue_is_not_asked_to(preset: str) -> None:
    assert asked_of(preset, begun_with("so far")) is None
    assert asked_of(preset, begun_with("so far"), AGAIN)["messages"] == QUESTION


@pytest.mark.parametrize("model", ["openai/gpt-5-mini", "google/gemini-3-pro", "openrouter/auto"])
def test_nor_is_a_model_that_does_not_behind_one_who_does(model: str) -> None:
    assert asked_of("openrouter", begun_with("so far"), model=model) is None
    assert asked_of("openrouter", begun_with("so far"), model="mistralai/small") is not None


@pytest.mark.parametrize("text", [" \n", "half of a \ud83d"])
def test_what_cannot_be_sent_is_not(text: str) -> None:
    assert asked_of("vllm", begun_with(text)) is None


def test_an_assistant_s_message_of_the_client_s_own_is_not_gone_on_with() -> None:
    own = call(messages=[*QUESTION, {"role": "assistant", "content": "Be"}])
    assert asked_of("vllm", begun_with("cause"), own) is None


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_bound_on_tokens_is_what_is_left_of_it(name: str) -> None:
    asked = call(**{name: 10})
    assert asked_of("vllm", begun_with("so far", 4), asked)[name] == 6
    assert asked_of("vllm", begun_with("so far", 10), asked) is None


def test_text_completions_are_not_gone_on_with() -> None:
    asked = OPENAI.parse(b'{"model": "m", "prompt": "a", "stream": true}', "completions")
    assert keeping(asked, Begun()) is None


def test_a_text_beyond_the_bound_is_not_gone_on_with() -> None:
    assert keeping(AGAIN, begun_with("x" * (MOST_KEPT + 1))) is None


def test_where_nothing_is_kept_a_stream_is_read_as_ever() -> None:
    assert type(OPENAI.reader(AGAIN)) is ChatStream
