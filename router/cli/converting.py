"""`import`: another gateway's file as one of ours."""

from __future__ import annotations

import sys
from pathlib import Path

from router.config.problems import ConfigError, Report
from router.config.syntax import contents
from router.importing import convert


def run(kind: str, file: Path, output: Path | None, asked: tuple[str, ...]) -> int:
    """Print our file, or write it to `output`, which must not be there yet; 0 if it could be made.

    What was not taken over is counted on stderr: it is told in the file itself.
    """
    report = Report(str(file))
    text = contents(file, report)
    try:
        if text is None:
            raise report.error()
        made, remarks = convert(kind, text, str(file), asked)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    if output is None:
        print(made, end="")
    else:
        try:
            with output.open("x") as to:
                to.write(made)
        except OSError as error:
            print(f"{output}: {error.strerror}", file=sys.stderr)
            return 1
    print(f"{file}: {remarks} comments to read in it", file=sys.stderr)
    return 0
