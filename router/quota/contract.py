"""What shared limits speak with: a server, whoever is told how that is, and whoever waits for them.

Words only; what is done with them is `shared`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from router.quota.bounds import Answered, Needs, Settled
from router.redis.down import Down


class Pong(NamedTuple):
    """A server's answer to a ping. `epoch` is another where it has forgotten what it was told;
    `warnings` are sentences on how it is set up; `name` is what it is, with its version.
    """

    epoch: str
    warnings: tuple[str, ...] = ()
    name: str = ""


class Server(Protocol):
    """Where the script runs. `run` and `ping` raise `Down`; `run` lasts no longer than a link's
    `PATIENCE`.
    """

    def on_lost(self, told: Callable[[Down], None]) -> None:
        """Tell when it was lost, also while nobody asks: it may come back with nothing in it."""

    async def run(self, keys: list[str], argument: bytes) -> bytes:
        """Run the script."""

    async def ping(self) -> Pong:
        """Return if it answers, and can run the script."""


class Changed(Protocol):
    """Who is told how the server is."""

    def away(self, why: str) -> None:
        """It does not answer."""

    def still_away(self, why: str, *, lasting: bool) -> None:
        """It was looked for, and does not serve; `lasting`: until somebody changes something."""

    def back(self, *, forgot: bool) -> Iterable[Settled]:
        """It answers again. Where it has forgotten everything, returns all that was sent."""


class Work(NamedTuple):
    """What was asked of the server so far, and answered, and the seconds that it took."""

    batches: int = 0
    reservations: int = 0
    seconds: float = 0.0

    def and_batch(self, reservations: int, seconds: float) -> Work:
        """With one more."""
        return Work(self.batches + 1, self.reservations + reservations, self.seconds + seconds)


class Ticket:
    """One reservation, asked for. It is `done` once `wake` was called; then `answer` is None where
    the server is away. What one gets that was `left` by whoever asked is given back.
    """

    __slots__ = ("alternatives", "answer", "done", "left", "wake")

    def __init__(self, alternatives: tuple[Needs, ...], wake: Callable[[], None]) -> None:
        self.alternatives = alternatives
        self.wake = wake
        self.answer: Answered | None = None
        self.done = self.left = False
