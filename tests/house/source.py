"""The project's own source, as its rules are checked on it."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
MADE = {
    ".venv", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis",
    "build", "dist", "pointsman.egg-info",
}  # fmt: skip


@dataclass(frozen=True)
class Module:
    """One file of the project: its full name, its text, and what it parses to."""

    name: str
    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def file(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Line and full name of whatever is imported anywhere in the module: `a.b` for
        `from a import b` too, since that may be a module.
        """
        return list(self._imports())

    def _imports(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.file}:{node.lineno} imports relatively"
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@cache
def modules(package: str) -> list[Module]:
    """Every module of a package of the project."""
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, path.read_text()))
    assert found
    return found


def within(name: str, *packages: str) -> bool:
    """Whether a module, or a name in one, belongs to one of these packages."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@cache
def tracked() -> list[Path]:
    """Every file that is, or is about to be, in the repository."""
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others"]
    listed = subprocess.run(
        [*git, "--exclude-standard"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    if listed.returncode:  # an unpacked archive: all of it was tracked, but for what was made since
        paths = [path for path in ROOT.rglob("*") if not MADE & set(path.relative_to(ROOT).parts)]
    else:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert paths
    return [path for path in paths if path.is_file()]
