"""Files to load, and what loading them says."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from router.config import Config, ConfigError, load

PROVIDERS = """\
version: 1
providers:
  sim:
    dialect: simulated
    models: {fast: , slow: }
"""
MODELS = """\
models:
  chat: {targets: [sim/fast, sim/slow]}
"""
HERE = "»"
SHIPPED = Path(__file__).parents[3] / "providers.yaml"


def loaded(text: str | bytes, environ: Mapping[str, str] | None = None) -> Config:
    """The configuration in `text`, from a file that does not outlive the call."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "providers.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load(path, environ or {})


def said(text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with `text`, as `line:column: what; remedy`."""
    try:
        loaded(text, environ)
    except ConfigError as error:
        return [str(problem).partition("providers.yaml:")[2] for problem in error.problems]
    return []


def noted(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """The notes about `text`, as `line:column: what; remedy`."""
    notes = loaded(text, environ).notes
    return [str(note).partition("providers.yaml:")[2] for note in notes]


def places(text: str) -> tuple[str, list[str]]:
    """`text` without its marks, and where they stood, as `line:column: `."""
    found = []
    while HERE in text:
        before, _, after = text.partition(HERE)
        found.append(f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: ")
        text = before + after
    return text, found
