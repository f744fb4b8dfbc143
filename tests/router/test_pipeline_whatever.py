"""Whatever providers do, in any order: an answer is whole, or says honestly that it is not."""

import json

import openai
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.upstream.transport import Head
from tests.router.clock import in_virtual_time
from tests.router.scene import Scene, read_by_sdk, words_of
from tests.router.scripted import (
    CUT,
    DONE,
    END,
    ERROR,
    EVENTS,
    FINISH,
    REFUSED,
    RESET,
    ROLE,
    USAGE,
    Client,
    Script,
    Step,
    body_of,
    text,
)

WHOLE = b'{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}]}'
STEPS: list[Step] = [0.1, 0.1, 20, 130, ROLE, text("a"), text("b"), FINISH, USAGE, DONE, ERROR]
STEPS += [CUT, END, RESET, b": note\n\n", b"data: {\n\n", text("c")[:20], text("c")[20:], WHOLE]
HEADS = [EVENTS, EVENTS, EVENTS, Head(400, {"content-type": "application/json"}), Head(401, {})]
HEADS += [Head(429, {"retry-after": "30"}), Head(500, {}), Head(200, {"content-type": "text/html"})]
SCRIPTS: st.SearchStrategy[Script] = st.one_of(
    st.tuples(st.sampled_from(HEADS), st.lists(st.sampled_from(STEPS), max_size=9)).map(
        lambda script: [0.1, script[0], *script[1]]
    ),
    st.sampled_from([[0.1, REFUSED], [0.1, RESET], [], [0.1, END]]),
)


def asked(stream: bool, scripts: dict[str, Script]) -> tuple[Scene, Client]:
    made: list[tuple[Scene, Client]] = []

    @in_virtual_time
    async def ask() -> None:
        scene = Scene({name: [script] for name, script in scripts.items()}, deadline=300)
        made.append((scene, await scene.ask(stream=stream)))

    ask()
    return made[0]


@settings(deadline=None)  # a whole life in each example
@given(st.fixed_dictionaries({"a/m": SCRIPTS, "b/m": SCRIPTS}))
def test_a_streamed_answer_is_whole_or_says_that_it_is_not(scripts: dict[str, Script]) -> None:
    scene, client = asked(True, scripts)
    record = scene.request
    assert record.status == client.status
    if client.status != 200:
        assert client.status in (400, 429, 502, 503, 504)
        assert record.end == "error"
    elif record.end == "ok":
        assert client.body.endswith(DONE)
        assert client.body.count(b"[DONE]") == 1
        assert FINISH in client.body
        assert words_of(client) in told_by(scripts[record.target])
        assert scene.kept.attempts[-1].report.outcome.value == "ok"
    else:
        assert record.end in ("interrupted", "error")
        assert b"[DONE]" not in client.body
        assert FINISH not in client.body
        with pytest.raises(openai.APIError):
            read_by_sdk(client)


def told_by(script: Script) -> str:
    """The text that a script can have told."""
    events = [line[6:] for line in body_of(script).split(b"\n\n") if line.startswith(b"data: {")]
    words = []
    for event in events:
        try:
            choices = json.loads(event).get("choices") or []
        except ValueError:
            continue
        words += [choice["delta"].get("content") or "" for choice in choices]
    return "".join(words)


REFUSED_WHOLE: Script = [0.1, Head(400, {"content-type": "application/json"}), WHOLE, END]


@settings(deadline=None)  # a whole life in each example
@given(st.fixed_dictionaries({"a/m": SCRIPTS, "b/m": SCRIPTS}))
@example({"a/m": REFUSED_WHOLE, "b/m": []})
def test_an_answer_in_one_piece_is_whole_or_an_error(scripts: dict[str, Script]) -> None:
    scene, client = asked(False, scripts)
    assert client.status in (200, 400, 429, 502, 503, 504)
    assert ("error" in client.json) == (client.status != 200)
    assert (scene.request.end == "ok") == (client.status == 200)
    if client.status == 200:
        assert client.body == WHOLE
