"""A plan as a page: one file, without scripts, that can be sent to whoever has to agree.

Must not: load anything, or trust a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from router.planning import drawing
from router.planning.comparing import Group
from router.planning.drawing import safe
from router.planning.plan import Plan
from router.planning.thresholds import Verdict
from router.planning.told import NO_DIFFERENCE, TITLES, groups, remarks, rows, verdict_words

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem;
  color: #222; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #eee; }
td.number { text-align: right; white-space: nowrap; } tr.same td { color: #999; }
svg { display: block; max-width: 100%; height: auto; margin: .8rem 0; }
svg text { font: 12px system-ui, sans-serif; }
.broken { color: #c22; } code { background: #f4f4f4; padding: 0 .2rem; }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(plan: Plan, verdicts: Sequence[Verdict]) -> str:
    """The whole of it: well-formed XML as well as HTML."""
    title = f"{plan.old.config.path.name} → {plan.new.config.path.name}"
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en">',
            '<head><meta charset="utf-8"/>',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>',
            '<meta name="viewport" content="width=device-width"/>',
            f"<title>Plan: {safe(title)}</title><style>{STYLE}</style></head>",
            f"<body><h1>{safe(title)}</h1>",
            *_body(plan, verdicts),
            "</body></html>\n",
        ]
    )


def _body(plan: Plan, verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield from _list(plan.changes or ("nothing that a router would notice",))
    for verdict in verdicts:
        mark = "" if verdict.kept else ' class="broken"'
        yield f"<p{mark}>{safe(verdict_words(verdict))}</p>"
    targets = sorted({*plan.comparison.all.shares})
    colour = drawing.colours(targets)
    for title, group in groups(plan):
        yield from _group(title, group, colour)
    yield "<h2>What this stands on</h2>"
    yield (
        "<p>The traffic was played to both files in a simulator that drives the router's own"
        " engine, as one instance that has all limits to itself. Intervals are of 95 %."
        f" Where one contains no difference, it says <em>{NO_DIFFERENCE}</em>.</p>"
    )
    yield from _list(remarks(plan))


def _group(title: str, group: Group, colour: dict[str, str]) -> Iterator[str]:
    yield f"<h2>{safe(title)}: {group.requests:,} requests</h2>"
    if group.shares:
        yield drawing.shares(group.shares, colour)
    yield drawing.changes(
        {TITLES[name]: change for name, change in group.figures.items() if change is not None}
    )
    yield drawing.waits(*group.curves)
    yield "<table><thead><tr><th></th><th>old</th><th>new</th><th>difference</th></tr></thead>"
    yield "<tbody>"
    for name, old, new, difference in rows(group):
        mark = ' class="same"' if difference == NO_DIFFERENCE else ""
        yield (
            f'<tr{mark}><td>{safe(name)}</td><td class="number">{safe(old)}</td>'
            f'<td class="number">{safe(new)}</td><td>{safe(difference)}</td></tr>'
        )
    yield "</tbody></table>"


def _list(items: Sequence[str]) -> Iterator[str]:
    yield "<ul>"
    yield from (f"<li>{safe(item)}</li>" for item in items)
    yield "</ul>"
