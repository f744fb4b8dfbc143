"""Where a streamed answer ends, and what it is said to have used."""

import openai
import pytest

from tests.router.clock import in_virtual_time, now
from tests.router.scene import Scene, read_by_sdk, words_of
from tests.router.scripted import (
    CUT,
    DONE,
    END,
    ERROR,
    EVENTS,
    FINISH,
    GOOD,
    ROLE,
    USAGE,
    Script,
    Step,
    delta,
    event,
    text,
)

MALFORMED = b"data: {not json\n\n"
STILL_HERE: list[Step] = [0.3, b": still here\n\n"]


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ([END], 0.1),
        ([DONE], 0.1),
        ([CUT], 0.1),
        ([], 1.1),
        ([0.5, CUT], 0.6),
        ([0.5, ERROR], 0.6),
        ([0.5, MALFORMED], 1.1),
        ([b'data: {"usage":', END], 0.1),
        (STILL_HERE * 9, 1.1),
    ],
)
@in_virtual_time
async def test_an_answer_ends_with_its_finish_and_gets_a_second_for_the_rest(
    after: list[Step], seconds: float
) -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, ROLE, text("Hello"), FINISH, *after]]})
    client = await scene.ask(stream=True)
    assert now() == pytest.approx(seconds)
    assert words_of(client) == "Hello"
    assert client.body.endswith(DONE)
    assert scene.outcomes == ["ok body"]
    assert scene.request.estimated


@in_virtual_time
async def test_usage_that_follows_within_the_second_is_taken() -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, text("Hello"), FINISH, 0.9, USAGE]]})
    await scene.ask(stream=True)
    assert (scene.request.input_tokens, scene.request.output_tokens) == (7, 3)
    assert not scene.request.estimated


@in_virtual_time
async def test_events_that_are_not_chunks_are_left_out_and_reported() -> None:
    scene = Scene(
        {"a/m": [[0.1, EVENTS, MALFORMED, text("Hel"), MALFORMED, text("lo"), FINISH, DONE, END]]}
    )
    client = await scene.ask(stream=True)
    assert words_of(client) == "Hello"
    assert MALFORMED not in client.body
    assert scene.outcomes == ["ok body"]
    assert [record.malformed for record in scene.kept.attempts] == [2]


@in_virtual_time
async def test_a_last_event_without_its_blank_line_counts() -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, text("Hello"), FINISH.rstrip(), END]]})
    client = await scene.ask(stream=True)
    assert words_of(client) == "Hello"
    assert [choice.finish_reason for choice in read_by_sdk(client)[-1].choices] == ["stop"]


@in_virtual_time
async def test_an_answer_without_content_is_one() -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, ROLE, delta(finish="length"), DONE, END]]})
    client = await scene.ask(stream=True)
    assert (client.status, words_of(client)) == (200, "")
    assert scene.outcomes == ["ok body"]


BOTH: list[Step] = [0.1, EVENTS, text("a", 0), text("b", 1), 0.1, delta(0, finish="stop")]


@in_virtual_time
async def test_several_choices_end_when_all_have_ended() -> None:
    whole: Script = [*BOTH, 5, text("b", 1), delta(1, finish="length"), END]
    scene = Scene({"a/m": [whole]})
    client = await scene.ask(stream=True, n=2)
    assert client.body.endswith(DONE)
    assert now() == pytest.approx(5.2)


@pytest.mark.parametrize("after", [[END], [DONE, END], [CUT], []])
@in_virtual_time
async def test_a_choice_that_never_ends_breaks_the_answer_off(after: list[Step]) -> None:
    scene = Scene({"a/m": [[*BOTH, *after]]}, deadline=600)
    client = await scene.ask(stream=True, n=2)
    assert b"[DONE]" not in client.body
    with pytest.raises(openai.APIError):
        read_by_sdk(client)


@in_virtual_time
async def test_a_provider_that_gives_fewer_choices_is_whole_at_its_formal_end() -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, text("a"), 0.1, FINISH, 0.1, DONE, END]]})
    client = await scene.ask(stream=True, n=3)
    assert client.body.endswith(DONE)
    assert scene.outcomes == ["ok body"]


# Usage.


@in_virtual_time
async def test_usage_is_asked_for_and_kept_from_a_client_who_did_not_ask() -> None:
    scene = Scene({"a/m": [GOOD]})
    client = await scene.ask(stream=True)
    assert scene.transport.sent[0].json["stream_options"] == {"include_usage": True}
    assert b"usage" not in client.body
    assert scene.request.output_tokens == 3


@in_virtual_time
async def test_usage_is_passed_to_a_client_who_asked() -> None:
    scene = Scene({"a/m": [GOOD]})
    client = await scene.ask(stream=True, stream_options={"include_usage": True})
    chunk = read_by_sdk(client)[-1]
    assert chunk.usage is not None
    assert (chunk.choices, chunk.usage.total_tokens) == ([], 10)
    assert client.body.index(USAGE) < client.body.index(b": pointsman")


@in_virtual_time
async def test_usage_beside_the_last_choice_passes_with_it() -> None:
    last = event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage={"x": 1})
    scene = Scene({"a/m": [[0.1, EVENTS, text("a"), last, DONE, END]]})
    assert last in (await scene.ask(stream=True)).body


@in_virtual_time
async def test_a_provider_that_knows_no_stream_options_is_sent_none() -> None:
    scene = Scene({"a/m": [GOOD]}, ask_usage=False)
    await scene.ask(stream=True)
    assert "stream_options" not in scene.transport.sent[0].json
