"""How providers cache what prompts begin with, as plain data, by their presets and by models.

Only what a company says, or what is known of it, stands here; how much of it comes true is measured
(`policies.affinity`). A cache is an account's: what one target has read, another reads anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple


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
)
"""What models do otherwise, by patterns of names in lower case, without what stands before their
last slash.
"""


def prompts_of(preset: str | None, model: str) -> Prompts:
    """How a model of a provider with that preset is taken to cache prompts."""
    name = model.lower().rpartition("/")[2]
    other = next((one for pattern, one in OF_MODELS if fnmatchcase(name, pattern)), None)
    return other or OF_PRESETS.get(preset or "", USUAL)
