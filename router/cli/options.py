"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_FILE = Path("providers.yaml")
OTHERWISE = {"input_tokens": "--tokens", "output_tokens": "--output-tokens"}
"""Options that are not called as the fields are that they fill."""

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
AdminAddress = Annotated[
    str | None, typer.Option("--admin", help="Where the router's operators connect, if elsewhere.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

ModelName = Annotated[
    str | None, typer.Option("--model", "-m", help="The model that a client would ask for.")
]
Body = Annotated[
    Path | None,
    typer.Option(help="A file with a request's body (-: stdin), which is read as a client's."),
]
BodyPath = Annotated[
    str | None, typer.Option(help="Where it would be sent; absent: /v1/chat/completions.")
]
Stream = Annotated[bool, typer.Option("--stream", help="The answer is streamed.")]
Tools = Annotated[bool, typer.Option("--tools", help="It brings tools.")]
Schema = Annotated[bool, typer.Option("--schema", help="It asks for a JSON schema.")]
Images = Annotated[bool, typer.Option("--images", help="A message holds an image.")]
Documents = Annotated[bool, typer.Option("--documents", help="A message holds a document.")]
Audio = Annotated[bool, typer.Option("--audio", help="A message holds a sound.")]
Says = Annotated[str | None, typer.Option("--says", help="What the user said last.")]
Turns = Annotated[str | None, typer.Option("--turns", help="How many messages the user sent.")]
Only = Annotated[
    str | None, typer.Option("--only", help="Where it may go, as x-router-only: residency=eu.")
]
