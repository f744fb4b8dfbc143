"""Requests that use one feature each, in every client's dialect: what the table of dialects is made
from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]
Features = Mapping[str, tuple[Fields, Fields]]
"""By name: what a request has without the feature, and what it has with it."""

PNG = "iVBORw0KGgo="
URL = "https://example.com/a.png"
SCHEMA = {
    "type": "object",
    "properties": {"way": {"type": "string"}},
    "required": ["way"],
    "additionalProperties": False,
}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"name": "weather", "description": "says it", "parameters": PARAMETERS}
TEXT = "Which way?"
ASK = {"role": "user", "content": TEXT}
LEFT = {"role": "assistant", "content": "Left."}


ABOUT_TOOLS = (
    "tool choice: none",
    "tool choice: required",
    "tool choice: one",
    "one call at a time",
)
ABOUT_TURNS = ("system message later on", "earlier reasoning")


def among(base: Fields, tool: Any, turns: Fields, added: Mapping[str, Fields]) -> Features:
    """Features, each beside the request that it is told from: one with a tool, one of some turns,
    or `base` itself.
    """
    given = {name: {**base, "tools": [tool]} for name in ABOUT_TOOLS}
    given |= {name: {**base, **turns} for name in ABOUT_TURNS}
    return {name: (given.get(name, base), {**base, **feature}) for name, feature in added.items()}


def chat() -> Features:
    """Of a chat completion."""
    tool = {"type": "function", "function": WEATHER}
    call = {"name": "weather", "arguments": '{"city":"Ulm"}'}
    called = {"tool_calls": [{"id": "call_1", "type": "function", "function": call}]}
    form = {"name": "answer", "schema": SCHEMA, "strict": True}

    def part(kind: str, **content: Any) -> Fields:
        parts = [{"type": "text", "text": TEXT}, {"type": kind, kind: content}]
        return {"messages": [{"role": "user", "content": parts}]}

    base, turns = {"model": "m", "messages": [ASK]}, {"messages": [ASK, LEFT, ASK]}
    features: Mapping[str, Fields] = {
        "system message": {"messages": [{"role": "system", "content": "Be brief."}, ASK]},
        "system message later on": {
            "messages": [ASK, LEFT, {"role": "system", "content": "Be brief."}, ASK]
        },
        "image by URL": part("image_url", url=URL),
        "image inline": part("image_url", url=f"data:image/png;base64,{PNG}"),
        "document inline": part(
            "file", filename="a.pdf", file_data=f"data:application/pdf;base64,{PNG}"
        ),
        "file by id": part("file", file_id="file-1"),
        "sound": part("input_audio", data=PNG, format="wav"),
        "tools": {"tools": [tool]},
        "strict tools": {"tools": [{"type": "function", "function": {**WEATHER, "strict": True}}]},
        "custom tools": {"tools": [{"type": "custom", "custom": {"name": "run"}}]},
        "hosted tools": {"web_search_options": {}},
        "tool choice: none": {"tools": [tool], "tool_choice": "none"},
        "tool choice: required": {"tools": [tool], "tool_choice": "required"},
        "tool choice: one": {
            "tools": [tool],
            "tool_choice": {"type": "function", "function": {"name": "weather"}},
        },
        "one call at a time": {"tools": [tool], "parallel_tool_calls": False},
        "calls and results": {
            "messages": [
                ASK,
                {"role": "assistant", "content": None, **called},
                {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
            ],
            "tools": [tool],
        },
        "beginning of the answer": {"messages": [ASK, {"role": "assistant", "content": "To"}]},
        "earlier reasoning": {"messages": [ASK, {**LEFT, "reasoning_content": "Hm."}, ASK]},
        "message names": {"messages": [{**ASK, "name": "ada"}]},
        "some JSON": {"response_format": {"type": "json_object"}},
        "JSON schema": {"response_format": {"type": "json_schema", "json_schema": form}},
        "length": {"max_completion_tokens": 77},
        "temperature": {"temperature": 0.3},
        "top_p": {"top_p": 0.5},
        "stop sequences": {"stop": ["END"]},
        "seed": {"seed": 7},
        "several answers": {"n": 2},
        "penalties": {"presence_penalty": 0.5, "frequency_penalty": 0.5},
        "logit bias": {"logit_bias": {"50256": -100}},
        "log probabilities": {"logprobs": True, "top_logprobs": 2},
        "reasoning effort": {"reasoning_effort": "high"},
        "verbosity": {"verbosity": "low"},
        "end user": {"user": "ada"},
        "metadata": {"metadata": {"a": "b"}},
        "service tier": {"service_tier": "flex"},
        "kept by the provider": {"store": True},
        "cache key": {"prompt_cache_key": "k"},
        "unknown fields": {"of_tomorrow": 1},
    }
    return among(base, tool, turns, features)


def responses() -> Features:
    """Of a request for a response."""
    tool = {"type": "function", **WEATHER, "strict": False}

    def part(kind: str, **content: Any) -> Fields:
        parts = [{"type": "input_text", "text": TEXT}, {"type": kind, **content}]
        return {"input": [{"role": "user", "content": parts}]}

    text = {"type": "output_text", "text": "Left."}
    said = {"type": "message", "role": "assistant", "content": [text]}
    form = {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}
    ask = {"type": "message", "role": "user", "content": TEXT}
    base = {"model": "m", "input": [ask], "store": False}
    features: Mapping[str, Fields] = {
        "system message": {"instructions": "Be brief."},
        "system message later on": {
            "input": [ask, said, {"role": "system", "content": "Be brief."}, ask]
        },
        "image by URL": part("input_image", image_url=URL),
        "image inline": part("input_image", image_url=f"data:image/png;base64,{PNG}"),
        "document inline": part(
            "input_file", filename="a.pdf", file_data=f"data:application/pdf;base64,{PNG}"
        ),
        "file by id": part("input_file", file_id="file-1"),
        "tools": {"tools": [tool]},
        "strict tools": {"tools": [{**tool, "strict": True}]},
        "custom tools": {"tools": [{"type": "custom", "name": "run"}]},
        "hosted tools": {"tools": [{"type": "web_search"}]},
        "tool choice: none": {"tools": [tool], "tool_choice": "none"},
        "tool choice: required": {"tools": [tool], "tool_choice": "required"},
        "tool choice: one": {
            "tools": [tool],
            "tool_choice": {"type": "function", "name": "weather"},
        },
        "one call at a time": {"tools": [tool], "parallel_tool_calls": False},
        "calls and results": {
            "input": [
                ask,
                {
                    "type": "function_call",
                    "call_id": "call_1",
                    "name": "weather",
                    "arguments": '{"city":"Ulm"}',
                },
                {"type": "function_call_output", "call_id": "call_1", "output": "Rain."},
            ],
            "tools": [tool],
        },
        "earlier reasoning": {
            "input": [
                ask,
                {
                    "type": "reasoning",
                    "id": "rs_1",
                    "summary": [{"type": "summary_text", "text": "Hm."}],
                },
                said,
                ask,
            ]
        },
        "some JSON": {"text": {"format": {"type": "json_object"}}},
        "JSON schema": {"text": {"format": form}},
        "length": {"max_output_tokens": 77},
        "temperature": {"temperature": 0.3},
        "top_p": {"top_p": 0.5},
        "log probabilities": {"top_logprobs": 2, "include": ["message.output_text.logprobs"]},
        "reasoning effort": {"reasoning": {"effort": "high"}},
        "verbosity": {"text": {"verbosity": "low"}},
        "end user": {"safety_identifier": "ada"},
        "metadata": {"metadata": {"a": "b"}},
        "service tier": {"service_tier": "flex"},
        "kept by the provider": {"store": True},
        "cache key": {"prompt_cache_key": "k"},
        "earlier response": {"previous_response_id": "resp_1"},
        "in the background": {"background": True},
        "unknown fields": {"of_tomorrow": 1},
    }
    return among(base, tool, {"input": [ask, said, ask]}, features)


def messages() -> Features:
    """Of a message of Anthropic's."""
    tool = {"name": "weather", "description": "says it", "input_schema": PARAMETERS}

    def part(kind: str, **content: Any) -> Fields:
        parts = [{"type": "text", "text": TEXT}, {"type": kind, **content}]
        return {"messages": [{"role": "user", "content": parts}]}

    def inline(kind: str) -> Fields:
        return {"type": "base64", "media_type": kind, "data": PNG}

    called = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ulm"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain."}
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    left = {"type": "text", "text": "Left."}
    cached = {"type": "text", "text": TEXT, "cache_control": {"type": "ephemeral"}}
    base = {"model": "m", "max_tokens": 50, "messages": [ASK]}
    features: Mapping[str, Fields] = {
        "system message": {"system": "Be brief."},
        "image by URL": part("image", source={"type": "url", "url": URL}),
        "image inline": part("image", source=inline("image/png")),
        "document inline": part("document", source=inline("application/pdf")),
        "file by id": part("document", source={"type": "file", "file_id": "file-1"}),
        "tools": {"tools": [tool]},
        "strict tools": {"tools": [{**tool, "strict": True}]},
        "hosted tools": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        "tool choice: none": {"tools": [tool], "tool_choice": {"type": "none"}},
        "tool choice: required": {"tools": [tool], "tool_choice": {"type": "any"}},
        "tool choice: one": {
            "tools": [tool],
            "tool_choice": {"type": "tool", "name": "weather"},
        },
        "one call at a time": {
            "tools": [tool],
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        },
        "calls and results": {
            "messages": [
                ASK,
                {"role": "assistant", "content": [called]},
                {"role": "user", "content": [result]},
            ],
            "tools": [tool],
        },
        "beginning of the answer": {"messages": [ASK, {"role": "assistant", "content": "To"}]},
        "earlier reasoning": {
            "messages": [ASK, {"role": "assistant", "content": [thought, left]}, ASK]
        },
        "JSON schema": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        "length": {"max_tokens": 77},
        "temperature": {"temperature": 0.3},
        "top_p": {"top_p": 0.5},
        "top_k": {"top_k": 5},
        "stop sequences": {"stop_sequences": ["END"]},
        "reasoning effort": {"output_config": {"effort": "high"}},
        "reasoning budget": {
            "max_tokens": 9000,
            "thinking": {"type": "enabled", "budget_tokens": 2048},
        },
        "end user": {"metadata": {"user_id": "ada"}},
        "service tier": {"service_tier": "standard_only"},
        "cached prefix": {
            "messages": [{"role": "user", "content": [cached]}],
        },
        "unknown fields": {"of_tomorrow": 1},
    }
    return among(base, tool, {"messages": [ASK, LEFT, ASK]}, features)
