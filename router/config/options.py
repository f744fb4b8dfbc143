"""What may stand beside the name of a built-in policy.

Why: an option that says nothing, or the wrong thing, should be known before a request comes.
Must not: know what a policy does with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from router.config import texts, units
from router.config.problems import Report, quoted
from router.config.tree import Found, Leaf, Table
from router.config.written import WrittenPolicy

Read = Callable[[object], Any]
TAKES = "least_latency"
"""The one that has options."""
OPTIONS: Mapping[str, Read] = {"affinity": texts.choice("prefix"), "price": units.exponent}
"""How each is read."""


def read_options(written: WrittenPolicy, found: Found, report: Report) -> dict[str, Any]:
    """The options of a built-in policy as it takes them; what is wrong goes to `report`."""
    table = found.node
    if not isinstance(table, Table) or not written.options:
        return {}
    given = {}
    for name, value in written.options.items():
        entry = table.entries[name]
        if written.name != TAKES:
            report.problem(entry.key.mark, f"{written.name} takes no options", "remove them")
            break
        if name not in OPTIONS:
            what = f"{TAKES} has no such option"
            report.problem(entry.key.mark, what, report.nearest(name, OPTIONS))
            continue
        try:
            given[name] = OPTIONS[name](value)
        except units.Unreadable as error:
            shown = f" {quoted(entry.value.written)}" if isinstance(entry.value, Leaf) else ""
            report.problem(entry.value.mark, f"{name}{shown} {error.what}", error.remedy)
    return given
