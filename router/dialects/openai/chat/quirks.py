"""What single servers of this dialect take otherwise, or not at all: data, by their presets' names.

Where nothing is known, a server takes what nearly all of them do. What it `lacks` is left out of
what it is sent and named, or makes it unfit if it must not be left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router.dialects.common.prompt import EFFORTS, Effort

CARRIES: Mapping[str, str] = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop": "stop",
    "seed": "seed",
    "n": "n",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "logit_bias": "logit_bias",
    "logprobs": "logprobs",
    "top_logprobs": "top_logprobs",
    "parallel_tool_calls": "parallel_tool_calls",
    "reasoning_effort": "reasoning_effort",
    "verbosity": "verbosity",
    "user": "user",
    "metadata": "metadata",
    "service_tier": "service_tier",
    "store": "store",
    "prompt_cache_key": "prompt_cache_key",
}
"""Settings by the names that most servers have for them."""


def these(*words: str) -> frozenset[str]:
    """Names that are separated by blanks."""
    return frozenset(" ".join(words).split())


OPENAIS = these(
    "metadata service_tier store verbosity prompt_cache_key refusals custom_tools allowed_tools"
    " cache_control thinking text_parts"
)
"""What few know beside OpenAI itself. `thinking` is reasoning of earlier answers; `text_parts`:
several texts in one message, which are else put together as one.
"""
UNTOLD = these("logprobs top_logprobs")
"""What would be answered, but has no place in the common form of answers."""
SAMPLING = these("temperature top_p presence_penalty frequency_penalty logit_bias stop")
"""What models that think refuse to be told at OpenAI (400 `unsupported_parameter`)."""
THINKERS = r"^(o\d|gpt-([5-9]|\d\d)(?!.*chat))"


def said(name: str = "reasoning_effort", **others: str) -> Mapping[Effort, Mapping[str, Any]]:
    """The fields for each effort: a field `name` with the effort's name, or what `others` say."""
    return {effort: {name: others.get(effort, effort)} for effort in EFFORTS}


def lacking(*words: str, knows: str = "") -> frozenset[str]:
    """What a server lacks: OpenAI's own things, but for what it `knows`, and those of `words`."""
    return (OPENAIS - these(knows)) | UNTOLD | these(*words)


@dataclass(frozen=True, slots=True)
class Quirks:
    """`names` are settings by other names than usual. `lacks` are settings, and what else the
    common form may hold: `images`, `documents`, `audio`, `tools`, `tool_choice` (but `auto`),
    `named_tools` (to demand one), `schema`, `message_names`, and those of `OPENAIS`.

    `thinkers` are models (a pattern) that are known to reason: a budget of tokens is told to those
    alone, as an effort; they do not take `unthinking`, and with `thinkers_only` the others take no
    effort. `efforts` are the fields that say one.

    `required` is the word for that a tool must be called; `ids` a pattern that ids of calls must
    have (others are made anew, alike for a call and its result); `echo` the field in which an
    earlier answer's reasoning is to be seen again, beside calls of tools even if there was none.
    `details`: it takes `reasoning_details`. `prefix`: the field that marks an answer which is to be
    gone on with. `fetched`: it takes images as bytes alone.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    lacks: frozenset[str] = lacking("top_k")
    thinkers: str = ""
    unthinking: frozenset[str] = frozenset()
    thinkers_only: bool = False
    efforts: Mapping[Effort, Mapping[str, Any]] = field(default_factory=said)
    required: str = "required"
    ids: re.Pattern[str] = re.compile(r".{1,40}", re.DOTALL)  # as OpenAI has it
    echo: str = ""
    details: bool = False
    prefix: str = ""
    fetched: bool = False


COMPLETION_TOKENS = {"max_tokens": "max_completion_tokens"}
UP_TO_HIGH = said(minimal="low", xhigh="high", max="high")
LOW_TO_HIGH = said(none="low", minimal="low", xhigh="high", max="high")
NONE_OR_HIGH = said(minimal="none", low="none", medium="high", xhigh="high", max="high")
USUAL = Quirks()
SERVER = Quirks(lacks=lacking())
"""Open-source servers, which take whatever the engine can do."""
QUIRKS: Mapping[str, Quirks] = {
    "openai": Quirks(
        names=COMPLETION_TOKENS,
        lacks=UNTOLD | {"top_k", "cache_control", "thinking"},
        thinkers=THINKERS,
        unthinking=SAMPLING,
        thinkers_only=True,
    ),
    # A deployment's name says nothing of its model: what it refuses is for it to say.
    "azure": Quirks(names=COMPLETION_TOKENS, lacks=UNTOLD | {"top_k", "cache_control", "thinking"}),
    "groq": Quirks(
        names=COMPLETION_TOKENS,
        lacks=lacking("top_k n logit_bias message_names documents audio"),
        efforts=UP_TO_HIGH,
    ),
    "mistral": Quirks(
        names={"seed": "random_seed"},
        lacks=lacking(
            "top_k logit_bias user message_names",
            knows="prompt_cache_key service_tier text_parts",
        ),
        efforts=NONE_OR_HIGH,
        required="any",
        ids=re.compile(r"[A-Za-z0-9]{9}"),
        prefix="prefix",
    ),
    "together": Quirks(lacks=lacking("parallel_tool_calls user documents")),
    "fireworks": Quirks(lacks=lacking(knows="prompt_cache_key")),
    "deepseek": Quirks(
        lacks=lacking(
            "top_k seed n user logit_bias parallel_tool_calls schema images documents audio"
        ),
        thinkers=".",
        efforts={
            effort: {"thinking": {"type": "disabled" if effort == "none" else "enabled"}}
            for effort in EFFORTS
        },
        echo="reasoning_content",
    ),
    "openrouter": Quirks(
        lacks=UNTOLD | {"store", "refusals", "custom_tools", "allowed_tools"},
        thinkers=".",
        efforts={effort: {"reasoning": {"effort": effort}} for effort in EFFORTS},
        details=True,
    ),
    "xai": Quirks(
        names=COMPLETION_TOKENS,
        lacks=lacking("top_k stop presence_penalty frequency_penalty"),
        efforts=LOW_TO_HIGH,
    ),
    "perplexity": Quirks(
        lacks=lacking(
            "tools stop seed n user logit_bias parallel_tool_calls audio",
            "message_names",
        ),
        efforts=LOW_TO_HIGH,
    ),
    "cerebras": Quirks(
        names=COMPLETION_TOKENS,
        lacks=lacking(
            "top_k n logit_bias presence_penalty frequency_penalty images documents audio"
        ),
        efforts=LOW_TO_HIGH,
    ),
    "cohere": Quirks(
        lacks=lacking(
            "top_k n user logit_bias parallel_tool_calls documents audio message_names",
            "named_tools",
        ),
        efforts=NONE_OR_HIGH,
    ),
    "ollama": Quirks(
        lacks=lacking(
            "top_k n user logit_bias parallel_tool_calls tool_choice",
            "documents audio",
        ),
        efforts=UP_TO_HIGH,
        fetched=True,
    ),
    "vllm": SERVER,
    "sglang": SERVER,
    "llamacpp": Quirks(lacks=lacking("n user documents")),
    "lmstudio": Quirks(lacks=lacking("n user documents audio")),
}
