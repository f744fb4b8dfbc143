"""How a request would be decided, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from router.cli.tables import columns, terminal

if TYPE_CHECKING:
    from rich.console import Console


def explained(source: str, told: dict[str, Any]) -> None:
    """Print an explanation."""
    screen = terminal()
    screen.print(escape(f"{told['model']} by {told['policy']}, as {source} sees it"))
    if (read := told.get("request")) is not None:
        screen.print(escape(_read(read)), soft_wrap=True)
    for number, sentence in enumerate(told["start"]):
        screen.print(escape(f"{'    ' if number else '  '}{sentence}"), soft_wrap=True)
    shift = told.get("shift")
    if shift is not None:
        screen.print(f"its traffic moves: {1 - shift['share']:.0%} of the requests are here")
    _candidates(screen, told["targets"])
    if shift is not None:
        screen.print(f"\nand {shift['share']:.0%} here, by {shift['by']}")
        _candidates(screen, shift["targets"])
    for sentence in _cached(told.get("prompt_cache")):
        screen.print(escape(f"  {sentence}"), soft_wrap=True)
    for rung in told["when_all_fail"]:
        [(what, which)] = rung.items()
        screen.print(escape(f"  when all fail: {what} {which}"), soft_wrap=True)


def _candidates(screen: Console, targets: list[dict[str, Any]]) -> None:
    numbers = ("tier", "weight", "odds", "health", "A", "L", "R", "predicted", "in flight")
    table = columns(("target",), numbers, ())
    for target in targets:
        table.add_row(
            escape(target["target"]),
            str(target["tier"]),
            f"{target['weight']:g}",
            f"{target['odds']:.0%}",
            *(f"{target[factor]:.2f}" for factor in ("health", "availability", "latency", "ramp")),
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
    most = "as many as it takes" if bound is None else f"{bound:,} at most"
    brings = [*(["streamed"] if request["stream"] else []), *request["brings"]]
    only = [f"confined to {', '.join(request['confined_to'])}"] if request["confined_to"] else []
    told = [f"{request['input_tokens']:,} tokens in, {most} out", *brings, *only]
    return f"read as {', '.join(told)}"
