"""The PEM files that a provider's `tls` names.

Why: a path that leads nowhere should be an error with its line, not a provider that fails.
Must not: know TLS; whether a certificate is good is seen when it is used.
"""

from __future__ import annotations

from pathlib import Path

from router.config.problems import Report, quoted
from router.config.tree import Table, find
from router.config.values import Tls
from router.config.watching import stamp
from router.config.written import WrittenTls

_PEM = b"-----BEGIN "
_MOST_READ = 64 * 1024


def resolve_tls(provider: str, written: WrittenTls, tree: Table, report: Report) -> Tls:
    """The files that `provider` itself names, each looked at; what is wrong with one goes to
    `report`.
    """
    mark = find(tree, ("providers", provider, "tls")).node.mark
    folder = Path(mark.file).parent
    paths = {name: folder / text for name, text in written.given().items() if text}
    for name, path in paths.items():
        report.files[path] = stamp(path)
        found = find(tree, ("providers", provider, "tls", name))
        if fault := _fault(path):
            report.problem(found.node.mark, f"tls.{name}: {quoted(str(path))} {fault}", _REMEDY)
    if "key" in paths and "cert" not in paths:
        report.problem(mark, "tls has a key and no cert", "add the certificate that it is for")
    return Tls(**paths)


_REMEDY = "name a PEM file; paths are relative to this one"


def _fault(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return "" if _PEM in file.read(_MOST_READ) else "holds no PEM"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
