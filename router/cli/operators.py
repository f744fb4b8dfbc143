"""What operators can say to a running router: the arguments of each command, and nothing of how it
works.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from router.cli.options import DEFAULT_FILE, AdminAddress, AsJson, ConfigFile

For = Annotated[
    str | None, typer.Option("--for", help="How long: 30m, 2h, 7d. Absent: an hour. At most 30d.")
]
Reason = Annotated[str | None, typer.Option(help="Why, for the log and whoever looks.")]
Force = Annotated[
    bool, typer.Option("--force", help="Also where it leaves a model without any target.")
]


class Verb(StrEnum):
    """What can be done to a shift."""

    pause = "pause"
    resume = "resume"
    abort = "abort"


def add(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(drain)
    app.command()(pin)
    app.command()(overrides)
    app.command()(lift)
    app.command()(shifts)
    app.command()(shift)


def drain(
    target: Annotated[str, typer.Argument(help="What gets nothing new, as provider/model.")],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="In this model alone; absent: in all.")
    ] = None,
    lasts: For = None,
    reason: Reason = None,
    force: Force = False,
    config: ConfigFile = DEFAULT_FILE,
    admin: AdminAddress = None,
    json: AsJson = False,
) -> None:
    """Send a target nothing new for a while, without touching the file. What runs finishes."""
    from router.cli.operating import say

    asked = {"kind": "drain", "target": target, "model": model, "for": lasts, "reason": reason}
    sys.exit(say(config, {**asked, "force": force}, admin, as_json=json))


def pin(
    model: Annotated[str, typer.Argument(help="The model that clients ask for.")],
    target: Annotated[str, typer.Argument(help="The one of its targets that gets all of it.")],
    lasts: For = None,
    reason: Reason = None,
    force: Force = False,
    config: ConfigFile = DEFAULT_FILE,
    admin: AdminAddress = None,
    json: AsJson = False,
) -> None:
    """Send all of a model to one of its targets for a while, without touching the file."""
    from router.cli.operating import say

    asked = {"kind": "pin", "target": target, "model": model, "for": lasts, "reason": reason}
    sys.exit(say(config, {**asked, "force": force}, admin, as_json=json))


def overrides(
    config: ConfigFile = DEFAULT_FILE, admin: AdminAddress = None, json: AsJson = False
) -> None:
    """Show what operators have said that still holds."""
    from router.cli.operating import show

    sys.exit(show(config, admin, as_json=json))


def lift(
    which: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="As `pointsman overrides` shows it.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that hold.")] = False,
    config: ConfigFile = DEFAULT_FILE,
    admin: AdminAddress = None,
    json: AsJson = False,
) -> None:
    """Take back what an operator said before its time is over."""
    from router.cli.operating import lift as run

    if (not which) is not every:
        raise typer.BadParameter(
            "name one by its id, as `pointsman overrides` shows it, or say --all"
        )
    sys.exit(run(config, which, admin, as_json=json))


def shifts(
    config: ConfigFile = DEFAULT_FILE, admin: AdminAddress = None, json: AsJson = False
) -> None:
    """Show the shifts of the file: how far each has come, and what both arms did on its step."""
    from router.cli.shifting import show

    sys.exit(show(config, admin, as_json=json))


def shift(
    verb: Annotated[Verb, typer.Argument(help="What to do.")],
    model: Annotated[str, typer.Argument(help="The model whose traffic shifts.")],
    config: ConfigFile = DEFAULT_FILE,
    admin: AdminAddress = None,
    json: AsJson = False,
) -> None:
    """Pause a shift where it is, resume it (anew, once it was taken back or aborted), or abort it:
    all traffic is back at once.
    """
    from router.cli.shifting import order

    sys.exit(order(config, verb.value, model, admin, as_json=json))
