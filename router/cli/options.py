"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_FILE = Path("providers.yaml")

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
AdminAddress = Annotated[
    str | None, typer.Option("--admin", help="Where the router's operators connect, if elsewhere.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
