"""Which reply a request gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import monotonic

from router.testing.openai import Answer
from router.testing.replies import HangUp
from router.testing.reply import Reply
from router.testing.request import Request

Choice = Callable[[Request], Reply]
Script = Reply | Iterable[Reply] | Choice
"""One reply for all; or one after the other, the last of them for all that follow; or what a
function says of the request, once its body has come.
"""


class Replies:
    """A script that is being followed."""

    def __init__(self, script: Script) -> None:
        self._choice: Choice | None = None
        self._coming: Iterator[Reply] = iter(())
        self._last: Reply | None = None
        if isinstance(script, Reply):
            self._last = script
        elif callable(script):
            self._choice = script
        else:
            self._coming = iter(script)

    @property
    def ask_the_request(self) -> bool:
        """Whether the reply depends on the whole request."""
        return self._choice is not None

    def to(self, request: Request) -> Reply:
        """What this request is to be answered. Raises ValueError where a script has no reply."""
        if self._choice is not None:
            return self._choice(request)
        self._last = next(self._coming, self._last)
        if self._last is None:
            raise ValueError("a script without a reply")
        return self._last


def stale(reply: Reply | None = None) -> Choice:
    """Answers the first request of each connection, and closes a connection that is used again
    without a byte: what a client sees that reuses a connection which the server has just given up.
    """
    first = reply or Answer()
    return lambda request: HangUp() if request.reused else first


def flapping(
    up: Reply, down: Reply, *, seconds: float, clock: Callable[[], float] = monotonic
) -> Choice:
    """One reply for so many seconds, then the other for as many, and so on. By requests instead
    of seconds it is `itertools.cycle([up, up, down])`.
    """
    began = clock()

    def choose(_: Request) -> Reply:
        return down if (clock() - began) // seconds % 2 else up

    return choose
