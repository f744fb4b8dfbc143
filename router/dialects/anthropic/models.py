"""What generations of models take and refuse, as data: patterns of their names, the first that is
found in one holds.

A name that no line knows (a deployment of one's own, another maker's model) is taken to refuse
nothing, and nothing is sent that it might not know. Sources: Anthropic's pages on thinking
(`thinking-troubleshooting`), effort, structured outputs, system messages within a conversation and
models, as of September 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from router.dialects.common.prompt import Effort

SOME: tuple[Effort, ...] = ("low", "medium", "high")
MORE: tuple[Effort, ...] = (*SOME, "max")
ALL: tuple[Effort, ...] = (*SOME, "xhigh", "max")

DEFAULT_OUTPUT = 8192
"""Tokens of an answer where nobody bounds it and the model's own bound is not known, or must fit
into its window together with the prompt."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A generation of models.

    `output`: tokens of an answer at most. `roomy`: it may be asked for all of them, whatever of its
    window the prompt has left. `sampling`: `temperature`, `top_p` and `top_k` may be set, `both` of
    the first two. `prefill`: a conversation may end with the assistant. `adaptive` and `budget` are
    the ways in which it can be told to think; `quiet`: it can be told not to. `efforts` it knows.
    `forced`: it may be made to call a tool, `schema`: to answer in a form. `system`: it takes
    system messages within a conversation.
    """

    output: int | None = None
    roomy: bool = True
    sampling: bool = True
    both: bool = True
    prefill: bool = True
    adaptive: bool = False
    budget: bool = False
    quiet: bool = True
    efforts: tuple[Effort, ...] = ()
    forced: bool = True
    schema: bool = True
    system: bool = False

    @property
    def usual_output(self) -> int:
        """Tokens to ask for where the client does not say."""
        return self.output if self.output is not None and self.roomy else DEFAULT_OUTPUT


UNKNOWN = Kind()
EARLY = Kind(4096, roomy=False, schema=False)
FOUR = Kind(64_000, roomy=False, both=False, budget=True, schema=False)
FOUR_FIVE = replace(FOUR, roomy=True, schema=True)
FOUR_SIX = replace(FOUR_FIVE, prefill=False, adaptive=True, efforts=MORE)
FOUR_SEVEN = Kind(128_000, sampling=False, prefill=False, adaptive=True, efforts=ALL)
NEWEST = replace(FOUR_SEVEN, quiet=False)

KINDS: tuple[tuple[str, Kind], ...] = (
    ("mythos-preview", replace(NEWEST, budget=True, efforts=MORE, forced=False)),
    ("(fable|mythos)-5", replace(NEWEST, system=True)),
    (r"(opus|sonnet|haiku)-5[-.][1-9](?!\d)", NEWEST),
    ("opus-5", replace(FOUR_SEVEN, system=True)),
    ("(sonnet|haiku)-5", FOUR_SEVEN),
    (r"opus-4[-.]8(?!\d)", replace(FOUR_SEVEN, system=True)),
    (r"-4[-.][7-9](?!\d)", FOUR_SEVEN),
    (r"opus-4[-.]6(?!\d)", replace(FOUR_SIX, output=128_000)),
    (r"-4[-.]6(?!\d)", FOUR_SIX),
    (r"opus-4[-.]5(?!\d)", replace(FOUR_FIVE, efforts=SOME)),
    (r"(sonnet|haiku)-4[-.]5(?!\d)", FOUR_FIVE),
    ("opus-4", replace(FOUR, output=32_000)),
    ("sonnet-4", FOUR),
    (r"claude-3[-.]7", replace(FOUR, both=True)),
    (r"claude-3[-.]5", replace(EARLY, output=8192)),
    ("claude-(3|2|instant)", EARLY),
    (r"(opus|sonnet|haiku|fable|mythos)-\d", NEWEST),
)
_PATTERNS = tuple((re.compile(pattern), kind) for pattern, kind in KINDS)


def kind_of(model: str, most: int | None = None) -> Kind:
    """What is known of a model by its name, with whatever is written round it (a region, a date, a
    version). `most` is what is known better: the tokens of an answer.
    """
    name = model.lower()
    kind = next((kind for pattern, kind in _PATTERNS if pattern.search(name)), UNKNOWN)
    return kind if most is None else replace(kind, output=most)
