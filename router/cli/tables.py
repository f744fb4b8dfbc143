"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from router.cli.moved import moved

if TYPE_CHECKING:
    from router.planning.plan import Plan
    from router.planning.thresholds import Verdict

PIPE = 1000
"""Columns where there is no terminal: whoever reads a pipe or a file wants whole names."""

QUANTILES = ("p50", "p95")
FAILURES = frozenset({"failed", "throttled", "denied"})
"""Ends of attempts that are a target's doing, and not the request's."""
LIMITED = ("requests", "tokens", "input", "output", "places")
EXACT = 0.01
"""Seconds below which a tenth of a millisecond tells targets apart."""


def compared(told: dict[str, Any]) -> None:
    """Print what a shadow came to."""
    screen = terminal()
    judge = f", judged by {told['judge']}" if told["judge"] else ""
    screen.print(
        escape(
            f"{told['model']} and its shadow {told['to']}: {told['share']} of its requests, "
            f"at most {told['rate']}, spend: {told['spend']}{judge}"
        )
    )
    colour = {"safe": "green", "not safe": "red"}.get(told["verdict"], "yellow")
    screen.print(f"[{colour}]{escape(told['words'])}[/]", soft_wrap=True)
    screen.print()
    screen.print(_sides(told))
    screen.print()
    for one in told["criteria"]:
        mark = {"met": "[green]ok[/]  ", "missed": "[red]worse[/]"}.get(one["state"], "open ")
        screen.print(f"  {mark} {escape(one['words'])}", soft_wrap=True)
    for name in ("length", "tokens"):
        if told[name] is not None:
            screen.print(escape(f"        {name}: {told[name]['words']}"), soft_wrap=True)
    screen.print()
    screen.print(escape(_counted(told)), soft_wrap=True)


def _counted(told: dict[str, Any]) -> str:
    """How many were copied, why others were not, and what it has cost."""
    held = ", ".join(f"{count} {cause}" for cause, count in told["held"].items())
    cost = f"; ${told['dollars_spent']:.4f} spent" if told["priced"] else "; no price is known"
    left = "" if told["dollars_left"] is None else f", ${told['dollars_left']:.4f} left"
    judge = ""
    if told["judge_errors"]:
        judge = f"; the judge failed {told['judge_errors']} times: {told['judge_said']}"
    return (
        f"{told['sampled']} sampled, {told['pairs']} compared"
        f"{f', not compared: {held}' if held else ''}{cost}{left}{judge}"
    )


def _sides(told: dict[str, Any]) -> Table:
    numbers = ("first token p50", "p95", "whole answer p50", "p95")
    table = columns(("",), numbers, ("outcomes", "stopped"))
    for name in ("control", "shadow"):
        side = told[name]
        table.add_row(
            "production" if name == "control" else escape(told["to"]),
            *(_seconds(side[of][at]) for of in ("first_token_s", "whole_s") for at in QUANTILES),
            *(
                escape(", ".join(f"{word} {count}" for word, count in side[of].items()))
                for of in ("outcomes", "stopped")
            ),
        )
    return table


def overview(told: dict[str, Any], *, clear: bool) -> None:
    """Print a status."""
    screen = terminal()
    if clear:
        screen.clear()
    ready = "ready" if told["ready"] else "[red]not ready[/]"
    screen.print(
        f"{ready}, up {told['uptime_s']:.0f} s, {told['running']} running, "
        f"revision {told['revision']}"
    )
    if told["shared"] is not None:
        screen.print(_shared(told["shared"], told["fleet"]), soft_wrap=True)
    if told["decisions"] is not None and (problem := told["decisions"]["problem"]):
        where, lost = told["decisions"]["file"], told["decisions"]["dropped"]
        said = f"decisions cannot be written to {where}: {problem}; {lost} lines dropped so far"
        screen.print(f"[red]{escape(said)}[/]", soft_wrap=True)
    if told["config"]["errors"]:
        screen.print("[red]the newest file was refused, an older one is in force:[/]")
    for line in told["config"]["errors"]:
        screen.print(f"[red]{escape(line)}[/]", soft_wrap=True)
    if why := told["kept"]["why_not"]:
        screen.print(f"[red]what operators say is not kept: {escape(why)}[/]", soft_wrap=True)
    for model, page in told["cascades"].items():
        screen.print(escape(f"{model}: {page['words']}"), soft_wrap=True)
    for line, bad in moved(told["shifts"]):
        screen.print(f"[red]{escape(line)}[/]" if bad else escape(line), soft_wrap=True)
    workers = [_workers(told)] if "workers" in told else []
    held = [_overrides(told["overrides"])] if told["overrides"] else []
    for table in (*held, *workers, _models(told), _targets(told)):
        screen.print()
        screen.print(table)


def planned(made: Plan, verdicts: Sequence[Verdict]) -> None:
    """Print a plan."""
    # Not above: whoever asks for a status needs nothing of it.
    from router.planning.told import NO_DIFFERENCE, groups, remarks, rows, verdict_words

    screen = terminal()
    for line in made.changes or ("nothing that a router would notice has changed",):
        screen.print(escape(line), soft_wrap=True)
    for title, group in groups(made):
        screen.print()
        table = columns((f"{escape(title)}, {group.requests:,} requests",), ("old", "new"), ("",))
        for row in rows(group):
            style = "dim" if row[-1] == NO_DIFFERENCE else None
            table.add_row(*map(escape, row), style=style)
        screen.print(table)
    screen.print()
    for line in remarks(made):
        screen.print(escape(line), soft_wrap=True)
    for verdict in verdicts:
        ink = "green" if verdict.kept else "red"
        screen.print(f"[{ink}]{escape(verdict_words(verdict))}[/]", soft_wrap=True)


def overrides(told: list[dict[str, Any]]) -> None:
    """Print what operators said."""
    screen = terminal()
    screen.print(_overrides(told) if told else "nothing holds but the file")


def _overrides(told: list[dict[str, Any]]) -> Table:
    table = columns(("id",), (), ("operators say", "until", "by", "reason", "now"))
    for one in told:
        now = f"[yellow]idle: {escape(one['idle'])}[/]" if one["idle"] else "in force"
        until = f"{one['until']}, in {_long(one['for_s'])}"
        table.add_row(
            one["id"], escape(one["words"]), until, escape(one["by"]), escape(one["reason"]), now
        )
    return table


def _long(seconds: float) -> str:
    """A time to come, as coarse as one speaks of it."""
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def terminal() -> Console:
    """Where people read."""
    screen = Console()
    return screen if screen.is_terminal else Console(width=PIPE)


def _shared(shared: dict[str, Any], fleet: dict[str, Any]) -> str:
    """How limits are shared, and with whom."""
    number, outages = len(fleet["instances"]), shared["outages"]
    with_whom = f"{number} {'instance' if number == 1 else 'instances'}"
    with_whom += f", {outages or 'no'} {'outage' if outages == 1 else 'outages'} so far"
    if not shared["up"]:
        since = f"for {shared['for_s']:.0f} s: {shared['why']}"
        return f"[red]shared limits are away {escape(since)}[/]; {with_whom}"
    each = "" if shared["ms_a_batch"] is None else f", {shared['ms_a_batch']:.1f} ms a batch"
    told = f"shared limits by {escape(shared['server'])}{each}, {with_whom}"
    return "\n".join([told, *(f"[red]{escape(one)}[/]" for one in shared["warnings"])])


def _workers(told: dict[str, Any]) -> Table:
    table = columns(("worker",), ("pid", "up", "restarts", "running"), ("revision",))
    for worker in told["workers"]:
        up = "–" if worker["up_s"] is None else f"{worker['up_s']:.0f} s"
        table.add_row(
            str(worker["worker"]),
            str(worker["pid"] or "–"),
            up,
            str(worker["restarts"]),
            "–" if worker["running"] is None else str(worker["running"]),
            worker["revision"] if worker["answers"] else "[red]does not answer[/]",
        )
    return table


def _models(told: dict[str, Any]) -> Table:
    table = columns(("model", "policy"), (), ("targets",))
    for name, model in told["models"].items():
        tiers = " | ".join(
            ", ".join(f"{target} {weight:g}" for target, weight in tier.items())
            for tier in model["tiers"]
        )
        off = f"[dim]off: {escape(model['off'])}[/]" if model["off"] else ""
        table.add_row(escape(name), escape(model["policy"]), off or escape(tiers))
    return table


def _targets(told: dict[str, Any]) -> Table:
    numbers = ("health", "first token", "per token", "in flight", "answered", "failed")
    texts = ("state", "provider leaves", "last failure")
    places = {name: _place(target["model"]) for name, target in told["targets"].items()}
    said = any(places.values())
    table = columns(("target",), numbers, (*texts, "where") if said else texts)
    counts = _counts(told)
    for name, target in told["targets"].items():
        good, bad = counts.get(name, (0, 0))
        table.add_row(
            escape(name),
            f"{target['health']:.2f}",
            _seconds(target["first_token_s"]),
            _seconds(target["per_token_s"]),
            str(target["in_flight"]),
            str(good),
            str(bad),
            _state(target),
            escape(", ".join([*map(_left, target["provider_says"]), *_used(target)])),
            _failure(target["last_failure"]),
            *([escape(places[name])] if said else []),
        )
    return table


def _place(model: dict[str, Any]) -> str:
    """What is kept where, and who may be served; the region is part of an address."""
    said = {
        "stays in": model.get("residency"),
        "tags": model.get("tags"),
        "for": model.get("tenants"),
    }
    return "; ".join(f"{what} {', '.join(names)}" for what, names in said.items() if names)


def _state(target: dict[str, Any]) -> str:
    """How it is, and what of its limits is used up."""
    gone = [what for what in LIMITED if (left := target[f"{what}_left"]) is not None and left < 1]
    told = [target["cause"] or target["state"], *([f"no {', '.join(gone)} left"] if gone else [])]
    return escape("; ".join(told))


def _left(level: dict[str, Any]) -> str:
    left = "?" if level["left"] is None else f"{level['left']:.0f}"
    limit = "" if level["limit"] is None else f" of {level['limit']}"
    return f"{left}{limit} {level['limit_of']}"


def _failure(last: dict[str, Any] | None) -> str:
    if last is None:
        return ""
    return f"{last['detail'] or last['outcome']} ({last['phase']}), {last['s_ago']:.0f} s ago"


def columns(names: tuple[str, ...], numbers: tuple[str, ...], texts: tuple[str, ...]) -> Table:
    """A table in which names are never cut, and texts wrap."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for column in names:
        table.add_column(column, no_wrap=True)
    for column in numbers:
        table.add_column(column, justify="right")
    for column in texts:
        table.add_column(column, overflow="fold")
    return table


def _counts(told: dict[str, Any]) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for row in told["attempts"]:
        good, bad = counts.get(row["target"], (0, 0))
        ok, failed = row["outcome"] == "ok", row["outcome"] in FAILURES
        counts[row["target"]] = (good + row["count"] * ok, bad + row["count"] * failed)
    return counts


def _used(target: dict[str, Any]) -> list[str]:
    """How much of its provisioned capacity is used, where its provider says so."""
    used = target["provisioned_used"]
    return [] if used is None else [f"{1 - used:.0%} of what is provisioned"]


def _seconds(number: float | None) -> str:
    """A dash also for 0: of a target that only answered in one piece no first token was seen."""
    if not number:
        return "–"
    return f"{number * 1000:.{1 if number < EXACT else 0}f} ms"
