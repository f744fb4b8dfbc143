"""From a path to a `Config`, or to everything that is wrong with the file.

Why: a file is used whole or not at all, and its author should have to correct it once.
Must not: read the environment itself, know the network, or keep anything between two loads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from router.config.hinted import note_untold
from router.config.including import gather
from router.config.normalise import normalise
from router.config.only import Known, check_only
from router.config.problems import Mark, Report
from router.config.providers import resolve_providers
from router.config.routes import resolve_routes
from router.config.schema import Config
from router.config.server import resolve_defaults, resolve_server, resolve_shared
from router.config.startup import Server
from router.config.tenants import resolve_tenants
from router.config.tree import Leaf, Listing, Node
from router.config.validate import VERSION, validate


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in `path`, with variables from `environ`. Raises ConfigError."""
    report = Report(str(path))
    tree = gather(path, environ, report)
    if tree is None:
        raise report.error()
    tree = normalise(tree, report)
    sections = validate(tree, report)
    server = resolve_server(sections.server, tree, report)
    shared = resolve_shared(sections.shared, server, tree, report)
    defaults = resolve_defaults(sections.defaults)
    providers = resolve_providers(sections.providers, defaults.timeouts, environ, tree, report)
    routes = resolve_routes(sections.models, providers, defaults, server.plugins, tree, report)
    tenants = resolve_tenants(sections.tenants, frozenset(routes), server, tree, report)
    note_untold(routes.values(), providers, tree, report)
    check_only(Known(providers, routes, tenants, tree), server.auth, report)
    if report.failed():
        raise report.error()
    return Config(
        version=VERSION,
        server=server,
        shared=shared,
        defaults=defaults,
        providers=MappingProxyType(providers),
        models=MappingProxyType(routes),
        tenants=MappingProxyType(tenants),
        notes=report.notes(),
        path=path,
        files=MappingProxyType(report.files),
        revision=sha256(b"".join(report.contents)).hexdigest()[:12],
    )


def server_of(path: Path, environ: Mapping[str, str]) -> Server:
    """The `server` block of the file at `path`, as far as it can be read and whatever else is wrong
    with the file: where a router that serves an older one is asked.
    """
    report = Report(str(path))
    tree = gather(path, environ, report)
    if tree is None:
        return Server()
    tree = normalise(tree, report)
    return resolve_server(validate(tree, report).server, tree, report)


def written_at(path: Path, environ: Mapping[str, str], value: str) -> str:
    """Where the file at `path` says `value` first, as `file:line:column`; the path alone where it
    does not.
    """
    tree = gather(path, environ, Report(str(path)))
    found = next(_marks(tree, value), None) if tree is not None else None
    return str(path) if found is None else str(found._replace(file=found.file or str(path)))


def _marks(node: Node, written: str) -> Iterator[Mark]:
    if isinstance(node, Leaf):
        if node.written == written:
            yield node.mark
        return
    inside = (
        node.items if isinstance(node, Listing) else [one.value for one in node.entries.values()]
    )
    for one in inside:
        yield from _marks(one, written)
