"""What can be asked of `pointsman`: the arguments of each command, and nothing of how it works."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from router.cli import operators, options
from router.cli.options import DEFAULT_FILE, AdminAddress, AsJson, ConfigFile

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
InputTokens = Annotated[
    str | None, typer.Option("--tokens", "--input-tokens", help="Its length: 300, 8k.")
]
OutputTokens = Annotated[
    str | None, typer.Option(help="The most that the model may write; absent: no bound.")
]
Priority = Annotated[str | None, typer.Option(help="critical, standard or sheddable.")]
TenantName = Annotated[
    str | None, typer.Option("--tenant", help="Who asks; absent: somebody who may ask for all.")
]


class LogFormat(StrEnum):
    """How log lines look."""

    text = "text"
    json = "json"
    off = "off"


class Gateway(StrEnum):
    """Whose files can be imported."""

    litellm = "litellm"
    portkey = "portkey"


def _version(asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(version("pointsman"))
        except PackageNotFoundError:
            print("unknown: it runs from a folder where it was not installed")
        raise typer.Exit


@app.callback()
def pointsman(
    asked: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Route LLM traffic: by health, latency, quota and a policy."""


@app.command()
def serve(
    config: ConfigFile = DEFAULT_FILE,
    listen: Annotated[
        str | None, typer.Option(help="Where clients connect, instead of server.listen.")
    ] = None,
    admin: Annotated[
        str | None, typer.Option(help="Where operators connect, instead of server.admin.")
    ] = None,
    log: Annotated[LogFormat, typer.Option(help="Log lines on stderr.")] = LogFormat.text,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="How many processes serve, instead of server.workers."),
    ] = None,
) -> None:
    """Serve the models of a file, and follow its edits.

    The first line on stdout is JSON with the addresses that were bound.

    SIGHUP loads the file again; SIGTERM drains; a second signal ends at once.
    """
    from router.cli.serving import run

    sys.exit(run(config, listen, admin, log.value, workers))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The file to check.")] = DEFAULT_FILE,
    strict: Annotated[bool, typer.Option("--strict", help="Notes are errors too.")] = False,
) -> None:
    """Check a file: every mistake at once, as file:line:column, and what to do about it."""
    from router.cli.asking import check as run

    sys.exit(run(file, strict=strict))


@app.command()
def schema(
    records: Annotated[
        bool, typer.Option("--records", help="Of a line of the records of decisions instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of the file, with which editors complete, explain and check it."""
    from json import dumps

    if records:
        from router.telemetry.lines.line import json_schema
    else:
        from router.config.json_schema import json_schema
    print(dumps(json_schema(), indent=1, ensure_ascii=False))


@app.command()
def explain(
    model: options.ModelName = None,
    body: options.Body = None,
    path: options.BodyPath = None,
    config: ConfigFile = DEFAULT_FILE,
    input_tokens: InputTokens = None,
    output_tokens: OutputTokens = None,
    stream: options.Stream = False,
    tools: options.Tools = False,
    schema: options.Schema = False,
    images: options.Images = False,
    documents: options.Documents = False,
    audio: options.Audio = False,
    says: options.Says = None,
    turns: options.Turns = None,
    priority: Priority = None,
    tenant: TenantName = None,
    only: options.Only = None,
    admin: AdminAddress = None,
    json: AsJson = False,
) -> None:
    """Explain how a request would be decided: by the running router if there is one, else from
    a cold start.
    """
    from router.cli.asking import explain as run

    if (model is None) is (body is None):
        raise typer.BadParameter("name a --model, or give a --body")
    asked: dict[str, object] = {"model": model, "priority": priority, "tenant": tenant}
    asked |= {"input_tokens": input_tokens, "output_tokens": output_tokens}
    asked |= {"says": says, "turns": turns, "only": only}
    flags = {"stream": stream, "tools": tools, "schema": schema, "images": images}
    flags |= {"documents": documents, "audio": audio}
    # What is not said is not asked, so that nothing contradicts a body.
    asked |= {name: True for name, said in flags.items() if said}
    if path is not None:
        asked["path"] = path
    sys.exit(run(config, asked, admin, as_json=json, body=body))


@app.command()
def status(
    config: ConfigFile = DEFAULT_FILE,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Again every second, until Ctrl-C.")
    ] = False,
    admin: AdminAddress = None,
    json: AsJson = False,
) -> None:
    """Show the running router: models, targets, their health, and what has been answered."""
    from router.cli.asking import status as run

    sys.exit(run(config, admin, watch=watch, as_json=json))


@app.command()
def shadow(
    model: Annotated[str | None, typer.Argument(help="One model's shadow; absent: all.")] = None,
    config: ConfigFile = DEFAULT_FILE,
    admin: AdminAddress = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what shadows came to beside production, and whether it is safe to switch. The exit code
    is 0 where it is for all that are shown, 2 where it is not, 3 where it is not known yet.
    """
    from router.cli.comparing import run

    sys.exit(run(config, model, admin, as_json=json))


@app.command()
def plan(
    old: Annotated[Path, typer.Argument(help="The file as it is.")],
    new: Annotated[Path, typer.Argument(help="The file as it would be.")],
    traffic: Annotated[
        str,
        typer.Option(
            help="Records of decisions, a .csv of arrival, tokens_in, tokens_out[, model, tenant], "
            "or a shape: steady, office-hours, bursty, agents."
        ),
    ] = "steady",
    requests: Annotated[
        str | None, typer.Option(help="How many at most; of a shape 20k, of a file 100k.")
    ] = None,
    rate: Annotated[str, typer.Option(help="How many in a while, of a shape.")] = "600/min",
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="For this model alone; repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of what is left to chance.")] = 1,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            help="Exit with 1 if so: cost>+10%, errors>+1%, p99_first_token>1.5x, "
            "chat:cost>+10%; repeatable."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what an edit would do: traffic played to both files, by the router's own engine.

    Exits with 0, with 1 where a --fail-if is broken, with 2 where something cannot be read.
    """
    from router.cli.planning import Wanted, run

    wanted = Wanted(old, new, traffic, requests, rate, tuple(model or ()), seed)
    sys.exit(run(wanted, tuple(fail_if or ()), html, in_json=json))


@app.command("import")
def import_(
    kind: Annotated[Gateway, typer.Argument(help="Whose file it is.")],
    file: Annotated[Path, typer.Argument(help="LiteLLM's config.yaml, a Portkey config as JSON.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new file, instead of stdout.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="A model that clients ask for and the file does not name; repeatable."),
    ] = None,
) -> None:
    """Print a providers.yaml that means what another gateway's file means, with comments on what
    has no equal.
    """
    from router.cli.converting import run

    sys.exit(run(kind.value, file, output, tuple(model or ())))


operators.add(app)


def main() -> None:
    """Run the command line."""
    app()
