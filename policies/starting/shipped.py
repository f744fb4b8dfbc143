"""The rules that `start: auto` stands for.

Those about the last message were fitted to public questions of which it is known whether a weak and
a strong model answered them (`benchmarks/tiering.py` does it again and shows what they are worth:
little, as such rules are). No public data says anything of tools, code, conversations and long
inputs: those weights are judgement, and so written apart.
"""

from __future__ import annotations

from policies.starting.rules import Rule

FITTED = ()
JUDGED = ()
SHIPPED: tuple[Rule, ...] = (*FITTED, *JUDGED)
