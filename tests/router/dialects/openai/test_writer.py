"""Answers as completions of a text."""

from __future__ import annotations

import json
from typing import Any

from openai.types import Completion

from router.dialects.interpreter import fixed
from router.dialects.openai.dialect import OPENAI
from router.dialects.openai.stream import TextStream
from router.dialects.sse import data_of


def completion(**fields: Any) -> bytes:
    call = OPENAI.parse(
        json.dumps({"model": "m", "prompt": "Say:", **fields}).encode(), "completions"
    )
    call.id, call.at = "req_1", 7
    return fixed(OPENAI, call, "Later.", b": note\n\n")


def test_a_fixed_text_is_a_completion_for_each_that_was_asked_for() -> None:
    told = Completion.model_validate_json(completion(n=2), strict=True)
    assert [(one.text, one.finish_reason) for one in told.choices] == [("Later.", "stop")] * 2
    assert (told.id, told.created, told.model) == ("req_1", 7, "m")


def test_streamed_it_is_whole_and_says_what_it_cost_to_who_asked() -> None:
    for asked in (False, True):
        written = completion(stream=True, stream_options={"include_usage": asked})
        stream = TextStream(1, withhold_usage=False)
        passed = stream.feed(written)
        assert (stream.ended, stream.done, stream.content) == (True, True, 1)
        events = [json.loads(data_of(event) or b"") for event in passed.split(b"\n\n") if event]
        assert "".join(one["choices"][0]["text"] for one in events if one["choices"]) == "Later."
        assert ("usage" in events[-1]) is asked
        assert written.endswith(b": note\n\ndata: [DONE]\n\n")
