"""Pages of metrics, of several processes, as one.

Why: what counts clients' requests must come to the same number however many processes answered
them, and must never fall because one of them died. Must not: know what is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

TOGETHER: Mapping[str, Callable[[Iterable[float]], float]] = {
    "pointsman_requests_running": sum,
    "pointsman_target_in_flight": sum,
    "pointsman_target_state": max,
    "pointsman_overrides": max,
    "pointsman_shift_share": max,
    "pointsman_shift_state": max,
}
"""What the gauges of several workers come to. Of one that is not named here each worker has its
own, under a label `worker`: a health is no sum, and hides the sick one in a mean.
"""


class Family(NamedTuple):
    """One metric: the text that explains it, its kind, and its series by name and labels."""

    text: str
    kind: str
    series: dict[str, float]

    @property
    def counts(self) -> bool:
        """Whether it only ever grows, in one process."""
        return self.kind != "gauge"


Page = dict[str, Family]
"""Metrics by name, in their order."""


def read(text: str) -> Page:
    """A page in Prometheus' text format, as this project writes it: every series stands below the
    kind of its metric, and carries no time.
    """
    page: Page = {}
    texts: dict[str, str] = {}
    series: dict[str, float] = {}
    for line in text.split("\n"):  # a label may hold what else ends a line
        if line.startswith("# HELP "):
            _, _, name, told = line.split(" ", 3)
            texts[name] = told
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            series = page.setdefault(name, Family(texts.get(name, ""), kind, {})).series
        elif line:
            name, _, value = line.rpartition(" ")
            series[name] = float(value)
    return page


def write(page: Page) -> str:
    """The same as text."""
    lines = []
    for name, family in page.items():
        lines += [f"# HELP {name} {family.text}", f"# TYPE {name} {family.kind}"]
        lines += [f"{series} {value:.12g}" for series, value in family.series.items()]
    return "\n".join(lines) + "\n" if lines else ""


def counted(page: Page) -> Page:
    """What a page counts, without what goes up and down."""
    return {name: family for name, family in page.items() if family.counts}


def merged(gone: Page, pages: Mapping[int, Page]) -> Page:
    """All of it as one page: `pages` by worker, and what those who are `gone` have counted."""
    found: Page = {}
    for name, family in (item for page in (gone, *pages.values()) for item in page.items()):
        if name not in found:
            found[name] = family._replace(series={})
    for name, family in found.items():
        said = {number: page[name].series for number, page in pages.items() if name in page}
        if family.counts:
            before = [gone[name].series] if name in gone else []
            family.series.update(_folded(sum, [*before, *said.values()]))
        elif name in TOGETHER:
            family.series.update(_folded(TOGETHER[name], said.values()))
        else:
            for number, series in said.items():
                family.series.update(
                    {labelled(key, number): value for key, value in series.items()}
                )
    return found


class Tally:
    """What workers have counted, as far as they said it: of one that has died, or that is silent
    now, it counts as it was last said. So a sum never falls.
    """

    def __init__(self) -> None:
        self._gone: Page = {}
        self._last: dict[int, tuple[int, Page]] = {}

    def page(self, pids: Mapping[int, int], pages: Mapping[int, Page]) -> Page:
        """All metrics, where the workers of these numbers have these process ids now, and some of
        them have said these pages.
        """
        for number, (pid, said) in list(self._last.items()):
            if pids.get(number) != pid:
                self._gone = merged(self._gone, {number: said})
                del self._last[number]
        silent = {number: said for number, (_, said) in self._last.items() if number not in pages}
        for number, page in pages.items():
            self._last[number] = (pids[number], counted(page))
        return merged(self._gone, {**pages, **silent})


def each(name: str, values: Mapping[int, float]) -> dict[str, float]:
    """One series for each worker."""
    return {labelled(name, number): value for number, value in values.items()}


def labelled(series: str, number: int) -> str:
    """A series, as worker `number` has it."""
    name, _, labels = series.partition("{")
    rest = f",{labels}" if labels else "}"
    return f'{name}{{worker="{number}"{rest}'


def _folded(
    fold: Callable[[Iterable[float]], float], parts: Iterable[Mapping[str, float]]
) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for part in parts:
        for series, value in part.items():
            values.setdefault(series, []).append(value)
    return {series: fold(found) for series, found in values.items()}
