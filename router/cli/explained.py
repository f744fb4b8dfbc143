"""How a request would be decided, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from router.cli.tables import columns, terminal

if TYPE_CHECKING:
    from rich.console import Console

FACTORS = ("health", "availability", "latency", "ramp")


def explained(source: str, told: dict[str, Any]) -> None:
    """Print an explanation."""
    screen = terminal()
    screen.print(escape(f"{told['model']} by {told['policy']}, as {source} sees it"))
    if (read := told.get("request")) is not None:
        screen.print(escape(_read(read)), soft_wrap=True)
    shift = told.get("shift")
    part = "" if shift is None else f"{1 - shift['share']:.0%}, as its traffic moves: "
    screen.print(escape(f"  {part}{told['verdict']}"), soft_wrap=True)
    if told.get("tenant"):
        screen.print(escape(f"  but refused now: {told['tenant']}"), soft_wrap=True)
    if told["rule"]:
        screen.print(escape(f"  its rule: {told['rule']}"), soft_wrap=True)
    for number, sentence in enumerate(told["start"]):
        screen.print(escape(f"{'    ' if number else '  '}{sentence}"), soft_wrap=True)
    _candidates(screen, told["targets"])
    if shift is not None:
        other = f"{shift['share']:.0%}, by {shift['by']}: {shift['verdict']}"
        screen.print(escape(f"\n  the other {other}"), soft_wrap=True)
        _candidates(screen, shift["targets"])
    for sentence in _cached(told.get("prompt_cache")):
        screen.print(escape(f"  {sentence}"), soft_wrap=True)
    for rung in told["when_all_fail"]:
        [(what, which)] = rung.items()
        then = f"the model {which} is asked" if what == "model" else f"the answer is: {which}"
        screen.print(escape(f"  when all fail, {then}"), soft_wrap=True)


def _candidates(screen: Console, targets: list[dict[str, Any]]) -> None:
    factors = ("health", "= available", "× speed", "× ramp")
    numbers = ("tier", "weight", "odds", *factors, "predicted", "in flight")
    if not targets:
        return
    table = columns(("target",), numbers, ())
    for target in targets:
        table.add_row(
            escape(target["target"]),
            str(target["tier"]),
            f"{target['weight']:g}",
            f"{target['odds']:.0%}",
            *(f"{target[factor]:.2f}" for factor in FACTORS),
            "unseen" if target["predicted_s"] is None else f"{target['predicted_s']:.2f} s",
            str(target["in_flight"]),
        )
    screen.print(table)
    screen.print()
    for target in targets:
        screen.print(escape(f"  {target['target']}: {target['words']}"), soft_wrap=True)


def _cached(prompt_cache: dict[str, str] | None) -> list[str]:
    """Who is told that it may cache the prompt."""
    if prompt_cache == {}:
        return ["prompt_cache: none of its targets can be told"]
    found = (prompt_cache or {}).items()
    return [f"{target} may cache the prompt: it is told {words}" for target, words in found]


def _read(request: dict[str, Any]) -> str:
    """What was read of a body."""
    bound = request["output_tokens"]
    most = "no bound on those out" if bound is None else f"{bound:,} out at most"
    brings = [*(["streamed"] if request["stream"] else []), *request["brings"]]
    only = [f"confined to {', '.join(request['confined_to'])}"] if request["confined_to"] else []
    told = [f"{request['input_tokens']:,} tokens in, {most}", *brings, *only]
    return f"read as {', '.join(told)}"
