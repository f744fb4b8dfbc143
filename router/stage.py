"""Between two stages of a request it gives way to the others.

Under load many requests come in one turn of the loop. If each were carried as far as it goes, every
one would find the processor's caches full of what the one before it did last. Where all wait for
each other between stages, the same code runs for one after the other: with dozens of requests under
way that takes a tenth off what each of them costs, and a request that is alone pays with a turn of
an idle loop.
"""

from __future__ import annotations

from collections.abc import Generator
from types import coroutine


@coroutine
def give_way() -> Generator[None, None, None]:
    """Go on in the loop's next turn."""
    yield
