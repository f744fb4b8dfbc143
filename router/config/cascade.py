"""A route's `cascade`: how the answer of a cheap tier is checked before a dearer one is asked.

Why: what a check is not told it cannot see, so that a file which asks for nothing that could fail
should not look as if it did.
Must not: know how an answer is checked, or what it costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.config.extents import show_extent
from router.config.problems import Report, quoted
from router.config.tiers import RULED
from router.config.tree import Found, Leaf, Table, find, shown
from router.config.units import show_part, show_size, show_spend
from router.config.values import Extent, Rate

if TYPE_CHECKING:
    from router.config.written import WrittenAudit, WrittenCascade, WrittenCheck

BUILT_IN = ("empty", "finish", "refusal", "schema", "tools")
AT_ONCE = ("empty", "refusal", "schema", "tools")
"""Those of them that an answer may fail by its beginning."""
SPEND = Rate(5_000_000_000, 86_400.0)
"""Five dollars a day, in nano-dollars, for judges and for audits each: enough to see."""
WAYS = ("exact", "schema")
ONE_OF = ("name", "length", "match", "judge")
MOST_HEAD = 256 * 1024
"""Bytes of a stream that may be held back for a request."""


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check: by `name`, one that is built in or an import path; or the answer's `length` in
    characters, or an expression that it must `match`, or a model that is the `judge` of it, told to
    `ask` that, for at most `budget` nano-dollars (None: whatever it costs).
    """

    name: str | None = None
    length: Extent | None = None
    match: str | None = None
    judge: str | None = None
    ask: str | None = None
    budget: Rate | None = SPEND

    @property
    def words(self) -> str:
        """It in a few words; not what is to be matched, or asked."""
        if self.judge is not None:
            return f"judged by {self.judge} for {show_spend(self.budget)}"
        if self.length is not None:
            return f"length {show_extent(self.length)}"
        return self.name or "match"


@dataclass(frozen=True, slots=True)
class Audit:
    """A `share` of the accepted answers is compared with a dearer tier's, `by` being the same, or
    of the same form, or an import path; at most for `spend` nano-dollars. Where more than `bound`
    of them should not have been accepted, requests start a tier higher.
    """

    by: str = "exact"
    share: float = 0.02
    bound: float = 0.05
    spend: Rate | None = SPEND


@dataclass(frozen=True, slots=True)
class Cascade:
    """`checks` are made in this order, those that cost nothing first. Of a stream so many bytes are
    held back, its `head` (0: streams are served as without).
    """

    checks: tuple[CheckSpec, ...] = tuple(CheckSpec(name) for name in BUILT_IN)
    audit: Audit | None = None
    head: int = 0

    @property
    def words(self) -> str:
        """It in a few words."""
        told = ", ".join(one.words for one in self.checks)
        if self.head:
            told += f"; of streams the first {show_size(self.head)}"
        if (audit := self.audit) is None:
            return told
        bound, spend = show_part(audit.bound), show_spend(audit.spend)
        return f"{told}; {show_part(audit.share)} audited by {audit.by} to {bound} for {spend}"


@dataclass(frozen=True, slots=True)
class Known:
    """What else the file says: its routes, its plugins, and the tiers of the route in question."""

    routes: Mapping[str, object]
    plugins: tuple[str, ...]
    policy: str
    tiers: int


def cascade_of(
    route: str, written: WrittenCascade | None, known: Known, tree: Table, report: Report
) -> Cascade | None:
    """A route's cascade, None where it has none; what is wrong with it goes to `report`."""
    place = find(tree, ("models", route, "cascade"))
    if written is None or not place.whole:
        return None
    if known.policy != RULED:
        report.problem(
            place.key.mark, f"cascade is for policy {RULED}", f"remove it, or write policy: {RULED}"
        )
        return None
    if known.tiers < 2:
        report.problem(place.key.mark, "a cascade in one tier", "write a second, dearer tier")
    audit = _audit(route, written.audit, known, tree, report)
    head = _head(route, written, tree, report)
    if "checks" not in written.model_fields_set:
        return Cascade(audit=audit, head=head)
    found = [
        _check(one, find(tree, ("models", route, "cascade", "checks", i)), known, report)
        for i, one in enumerate(written.checks)
    ]
    if not found:
        list_ = find(tree, ("models", route, "cascade", "checks"))
        report.problem(list_.node.mark, "a cascade without a check", "name one, or remove the key")
    return Cascade(tuple(one for one in found if one is not None), audit, head)


def _head(route: str, written: WrittenCascade, tree: Table, report: Report) -> int:
    head = written.head
    if head is None:
        return 0
    mark = find(tree, ("models", route, "cascade", "head")).node.mark
    if head > MOST_HEAD:
        what = f"a head of more than {show_size(MOST_HEAD)}, which every stream would hold"
        report.problem(mark, what, f"write {show_size(MOST_HEAD)} or less")
    names = {one.name for one in written.checks}
    if "checks" in written.model_fields_set and names.isdisjoint(AT_ONCE):
        what = "none of the checks says anything of a beginning: streams longer than head pass"
        report.note(mark, what, f"add one of {', '.join(AT_ONCE)}")
    return head


def _check(written: WrittenCheck, found: Found, known: Known, report: Report) -> CheckSpec | None:
    table = found.node
    if not isinstance(table, Table):
        return None
    named = [key for key in ONE_OF if key in table.entries]
    if len(named) != 1:
        what = "a check that is none" if not named else f"a check with {' and '.join(named)}"
        report.problem(table.mark, what, "write one: length, match or judge")
        return None
    for key in ("ask", "budget"):
        if key in table.entries and written.judge is None:
            report.problem(table.entries[key].key.mark, f"{key} is a judge's", "remove it")
    given = written.given()
    if written.budget is not None:
        given["budget"] = written.budget.rate
    mark = table.entries[named[0]].value.mark
    if written.name is not None:
        _check_name(written.name, table.entries["name"].value, known, report)
    elif written.judge is not None and written.judge not in known.routes:
        what = f"there is no model {quoted(written.judge)} to judge"
        report.problem(mark, what, report.nearest(written.judge, [*known.routes]))
    return CheckSpec(**given)


def _check_name(name: str, node: object, known: Known, report: Report) -> None:
    if not isinstance(node, Leaf):
        return
    module, colon, _ = name.partition(":")
    if not colon and name not in BUILT_IN:
        what = f"there is no check {quoted(node.written)}"
        everything = "write cascade: auto for all of them, or name them"
        remedy = everything if name == "auto" else report.nearest(name, BUILT_IN)
        report.problem(node.mark, what, remedy)
    elif colon and module not in known.plugins:
        what = f"the module of check {quoted(node.written)} is not in server.plugins"
        report.problem(node.mark, what, "add it there")


def _audit(
    route: str, written: WrittenAudit | None, known: Known, tree: Table, report: Report
) -> Audit | None:
    place = find(tree, ("models", route, "cascade", "audit"))
    if written is None or not place.whole:
        return None
    given = written.given()
    if written.spend is not None:
        given["spend"] = written.spend.rate
    audit = Audit(**given)
    module, colon, _ = audit.by.partition(":")
    node = find(tree, ("models", route, "cascade", "audit", "by")).node
    if not colon and audit.by not in WAYS:
        what = f"answers cannot be compared by {shown(node)}"
        report.problem(node.mark, what, report.nearest(audit.by, WAYS))
    elif colon and module not in known.plugins:
        what = f"the module of {shown(node)} is not in server.plugins"
        report.problem(node.mark, what, "add it there")
    return audit
