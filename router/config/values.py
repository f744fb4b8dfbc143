"""The small values that a configuration is made of.

Why: whoever reads the file makes them, and whoever resolves it passes them on.
Must not: know which keys hold them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A credential. Only `reveal()` shows it: not repr, not str, not an f-string."""

    _text: str

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener binds. Port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Rate:
    """`amount` in any window of `seconds`."""

    amount: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Spend:
    """Nano-dollars in any window; None: nothing bounds them."""

    rate: Rate | None


class Extent(NamedTuple):
    """From `least` to `most` of something; `most` None: any number."""

    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: authorities to trust instead of the system's, and a certificate of our own with
    its key (None: in the same file).
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class WeightedTarget:
    """A place to send to, `provider/upstream-model`, and its share. Weight 0 drains it. `said` is
    who says so, and until when, where it is not the file.
    """

    name: str
    weight: float
    said: str = ""
