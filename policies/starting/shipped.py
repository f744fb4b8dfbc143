"""The rules that `start: auto` stands for.

Those about the last message were fitted to public questions of which it is known whether a weak and
a strong model answered them (`benchmarks/tiering.py` does it again and shows what they are worth:
little, as such rules are). No public data says anything of tools, code, conversations and long
inputs: those weights are judgement, and so written apart.
"""

from __future__ import annotations

from policies.starting.rules import Rule, Threshold

FITTED: tuple[Rule, ...] = (
    Rule(score=0.05, last_tokens=Threshold(">", 60)),
    Rule(score=0.1, last_tokens=Threshold(">", 200)),
    Rule(score=0.25, says=("how many", "how much")),
    Rule(score=0.1, says=("because", "why", "explain")),
    Rule(score=0.2, says=("true", "statement")),
    Rule(score=-0.2, says=("what is", "what are")),
)
"""Three times the gain in accuracy where they hold, rounded to 0.05."""
JUDGED: tuple[Rule, ...] = (
    Rule(score=0.2),
    Rule(score=0.3, code=True),
    Rule(score=0.2, tools=True),
    Rule(score=0.3, input_tokens=Threshold(">", 8_000)),
    Rule(score=0.2, turns=Threshold(">", 8)),
    Rule(score=0.3, says=("prove", "debug", "step by step")),
)
"""The first holds for every request, so that there is something to take away from."""
SHIPPED: tuple[Rule, ...] = (*JUDGED, *FITTED)
