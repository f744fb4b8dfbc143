"""Plots as SVG that stands in a page: who gets how much, differences with their intervals, waits.

Must not: need a script, a font or a network; nor trust a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import log10

from router.planning.interval import Change

COLOURS = (
    "#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951",
    "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0",
)  # fmt: skip
NO_SIGN = "\N{REPLACEMENT CHARACTER}"
OLD, NEW = "#9498a0", "#4269d0"
WIDTH = 640
LABEL = 170
EDGE = WIDTH - 40
ROW = 26
FARTHEST = 2.0
"""Differences beyond this are drawn at the edge: the others should still be seen."""


def safe(text: str) -> str:
    """`text` as a page may hold it, whatever it is."""
    return escape("".join(sign if sign.isprintable() else NO_SIGN for sign in text))


def colours(targets: Sequence[str]) -> dict[str, str]:
    """A colour for each target, in every plot the same."""
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(targets)}


def shares(found: Mapping[str, Change], colour: Mapping[str, str]) -> str:
    """Two bars: the parts that targets have of what is sent, in the old file and in the new."""
    parts = [_bar("old", {name: change.old for name, change in found.items()}, colour, 0)]
    parts.append(_bar("new", {name: change.new for name, change in found.items()}, colour, ROW))
    top = 2 * ROW + 16
    for place, name in enumerate(found):
        y = top + place * 18
        parts.append(_box(LABEL, y - 9, 10, 10, colour[name]))
        parts.append(_text(LABEL + 16, y, name))
    return _svg("Shares of what is sent", top + 18 * len(found), parts)


def _bar(title: str, values: Mapping[str, float], colour: Mapping[str, str], y: int) -> str:
    room, x = WIDTH - LABEL - 10, float(LABEL)
    parts = [_text(LABEL - 8, y + 17, title, "end")]
    for name, value in values.items():
        if value > 0:
            width = value * room
            tip = f"{name}, {title}: {value:.2%}"
            parts.append(_box(x, y + 3, width, ROW - 6, colour[name], tip))
            if width > 44:
                parts.append(_text(x + width / 2, y + 17, f"{value:.1%}", "middle", "#fff"))
            x += width
    return "".join(parts)


def changes(found: Mapping[str, Change]) -> str:
    """Each difference relative to the old value, with its interval; what touches the line in the
    middle may be none.
    """
    shown = {name: _relative(change) for name, change in found.items() if change.old}
    if not shown:
        return ""
    most = min(FARTHEST, max(0.01, *(max(-low, high) for _, low, high in shown.values())))
    middle, half = LABEL + (WIDTH - LABEL - 70) / 2, (WIDTH - LABEL - 80) / 2
    parts = [_line(middle, 0, middle, ROW * len(shown), "#ccc")]
    for place, (name, (value, low, high)) in enumerate(shown.items()):
        y = place * ROW + ROW / 2
        x, left, right = (
            middle + max(-1.0, min(1.0, part / most)) * half for part in (value, low, high)
        )
        ink = NEW if found[name].seen else OLD
        parts.append(_text(LABEL - 8, y + 4, name, "end"))
        parts.append(_line(left, y, right, y, ink, 2))
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{ink}"/>')
        parts.append(_text(WIDTH - 4, y + 4, f"{value:+.1%}", "end"))
    return _svg("Differences, relative to the old file", ROW * len(shown), parts)


def _relative(change: Change) -> tuple[float, float, float]:
    return change.difference / change.old, change.low / change.old, change.high / change.old


def waits(old: Sequence[float], new: Sequence[float]) -> str:
    """How long the first token takes: the share of answers that have begun, over seconds on a
    logarithmic scale.
    """
    known = [seconds for curve in (old, new) for seconds in curve if seconds > 0]
    if not known:
        return ""
    first, last = log10(min(known)), log10(max(known))
    last = max(last, first + 0.1)
    height, room = 150, EDGE - LABEL

    def x(seconds: float) -> float:
        return LABEL + (log10(max(seconds, 10**first)) - first) / (last - first) * room

    parts = [*_grid(first, last, height, x(1.0) if first <= 0 <= last else None)]
    for curve, ink in ((old, OLD), (new, NEW)):
        points = [
            f"{x(seconds):.1f},{height - place / max(1, len(curve) - 1) * height:.1f}"
            for place, seconds in enumerate(curve)
        ]
        if points:
            drawn = " ".join(points)
            parts.append(
                f'<polyline points="{drawn}" fill="none" stroke="{ink}" stroke-width="2"/>'
            )
    parts.append(_text(LABEL - 8, 12, "all have begun", "end"))
    parts.append(_text(LABEL - 8, height, "none", "end"))
    parts.append(_text(LABEL - 8, 50, "old", "end", OLD))
    parts.append(_text(LABEL - 8, 68, "new", "end", NEW))
    return _svg("Waits for the first token", height + 20, parts)


def _grid(first: float, last: float, height: int, second: float | None) -> Iterator[str]:
    for share in (0.5, 0.99):
        y = height - share * height
        yield _line(LABEL, y, EDGE, y, "#eee")
        yield _text(WIDTH, y + 4, f"{share:.0%}", "end", "#888")
    yield _line(LABEL, height, EDGE, height, "#888")
    yield _text(LABEL, height + 15, f"{10**first:.3g} s")
    yield _text(EDGE, height + 15, f"{10**last:.3g} s", "end")
    if second is not None and LABEL + 60 < second < EDGE - 70:
        yield _line(second, 0, second, height, "#eee")
        yield _text(second, height + 15, "1 s", "middle")


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {height:.0f}"'
    return f'{head} width="{WIDTH}"><title>{safe(title)}</title>{"".join(parts)}</svg>'


def _text(x: float, y: float, text: str, anchor: str = "start", ink: str = "#333") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{ink}"'
    return f"<text {place}>{safe(text)}</text>"


def _line(x1: float, y1: float, x2: float, y2: float, ink: str, width: int = 1) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{ink}" stroke-width="{width}"/>'


def _box(x: float, y: float, width: float, height: float, ink: str, tip: str = "") -> str:
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {size} fill="{ink}"><title>{safe(tip)}</title></rect>'
