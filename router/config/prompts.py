"""How providers cache what prompts begin with, as plain data, by their presets and by models; and
how some are told to.

Only what a company says, or what is known of it, stands here; how much of it comes true is measured
(`policies.affinity`). A cache is an account's: what one target has read, another reads anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Literal, NamedTuple


class Prompts(NamedTuple):
    """Beginnings of at least so many tokens are kept for `life` seconds after the last reading."""

    least: int = 1_024
    life: float = 300.0


USUAL = Prompts()
"""What OpenAI says of its models, Anthropic of most, and Bedrock of what it serves."""
OWN = Prompts(16, 3_600.0)
"""A server of one's own: in blocks of 16 tokens, until there is no more room."""
OF_PRESETS: Mapping[str, Prompts] = {
    "gemini": Prompts(2_048),
    "deepseek": Prompts(64, 3_600.0),
    "vllm": OWN,
    "sglang": OWN,
    "llamacpp": OWN,
    "ollama": OWN,
    "lmstudio": OWN,
}
OF_MODELS: tuple[tuple[str, Prompts], ...] = (
    ("gemini-3*", Prompts(4_096)),
    ("claude-haiku-4-5*", Prompts(4_096)),
    ("claude-opus-4-5*", Prompts(4_096)),
    ("claude-opus-4-6*", Prompts(4_096)),
    ("claude-opus-4-7*", Prompts(2_048)),
    ("claude-3-5-haiku*", Prompts(2_048)),
    ("claude-opus-5*", Prompts(512)),
    ("claude-fable-5*", Prompts(512)),
    ("claude-mythos-5*", Prompts(512)),
)
"""What models do otherwise, by how their names go on from some place, in lower case: before it are
the names of makers and regions.
"""

Api = Literal["chat", "responses", "messages", "converse"]
"""In what a provider is asked for an answer to messages: OpenAI's, Anthropic's, AWS's."""
Word = Literal["key", "mark", "points"]
"""How it is told that it may cache a prompt. A `key` (`prompt_cache_key`) is what requests have in
common that begin alike; a `mark` (`cache_control`, at the top) has all of it cached up to the last
message; `points` (`cachePoint`) do so within the prompt.
"""
WORDS: Mapping[str, Mapping[Api, Word]] = {
    "openai": {"chat": "key", "responses": "key"},
    "azure": {"chat": "key", "responses": "key"},
    "mistral": {"chat": "key"},
    "fireworks": {"chat": "key"},
    "xai": {"responses": "key"},
    "anthropic": {"messages": "mark"},
    "foundry": {"messages": "mark"},
    "bedrock": {"converse": "points"},
}
"""By presets. At Bedrock, Anthropic's models refuse the mark; who is not here is told nothing: it
needs nothing, or nobody knows that it takes any.
"""

_POINTED = re.compile(r"nova-(micro|lite|pro|premier|\d)|claude-(?!v?[12]|instant|3-[hso]|3-5-s)")


def keeps_points(model: str) -> bool:
    """Whether a model at Bedrock is known to take points: others refuse a request for one."""
    return _POINTED.search(model) is not None


OF_CACHES: tuple[tuple[str, tuple[Fraction, Fraction]], ...] = (
    ("claude-*", (Fraction(1, 10), Fraction(5, 4))),  # Anthropic, "Prompt caching", wherever served
    ("gpt-5.6*", (Fraction(1, 10), Fraction(5, 4))),  # OpenAI, "Prompt caching"
    ("gpt-6*", (Fraction(1, 10), Fraction(5, 4))),  # as the one before
)
"""What tokens cost at most that are read from a cache, and those that are written to one, of the
price of any other, where makers say one figure for nearly all of a family; by names as above.
"""


def billed(model: str) -> tuple[Fraction | None, Fraction | None]:
    """What of a model's price tokens cost that are read from a cache, and those that are written to
    one; None: nobody knows.
    """
    name = model.lower()
    of = (parts for pattern, parts in OF_CACHES if fnmatchcase(name, f"*{pattern}"))
    return next(of, (None, None))


def prompts_of(preset: str | None, model: str) -> Prompts:
    """How a model of a provider with that preset is taken to cache prompts."""
    name = model.lower()
    other = next((one for pattern, one in OF_MODELS if fnmatchcase(name, f"*{pattern}")), None)
    return other or OF_PRESETS.get(preset or "", USUAL)
