"""The requests that are played to both files: from a file of them, or a named shape.

Why: the same requests, in the same order, at the same instants, whoever serves them.
Must not: know what either file says, but for the models that may be asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from policies.simulate import Arrival
from policies.simulate.shapes import SHAPES
from router.config.problems import nearest, quoted
from router.planning import listed, recorded
from router.planning.faults import BadInput
from router.planning.recorded import Measured

DEFAULT_TENANT = "default"
MOST_RECORDED = 100_000
"""Requests of a file that are played, unless more are asked for."""
MOST_SHAPED = 20_000


class Wish(NamedTuple):
    """What is asked for: a file or a shape by its name; how many requests at most (None: as many
    as are usual), how many a second on average where it is a shape; the `models` that are asked
    for, each as often as the others where the traffic itself names none; the seed of it all; and
    whether `only` what is asked of these models is wanted.
    """

    source: str
    models: Sequence[str]
    most: int | None = None
    rate: float = 10.0
    seed: int = 1
    only: bool = False


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests, in order, from second 0 on; where they come `of`, in words; and what their
    records say of targets.
    """

    of: str
    arrivals: list[Arrival]
    notes: tuple[str, ...] = ()
    measured: Mapping[str, Measured] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long they take to come."""
        return self.arrivals[-1].at


def read(wish: Wish) -> Traffic:
    """The traffic that is wished for. Raises `BadInput`."""
    if wish.source in SHAPES:
        return _shaped(wish)
    path = Path(wish.source)
    if not path.exists():
        shapes = ", ".join(SHAPES)
        raise BadInput(f"--traffic {wish.source}: no such file, and no shape; shapes are {shapes}")
    try:
        if listed.is_list(path):
            arrivals, notes = listed.read(path)
            measured: Mapping[str, Measured] = {}
        else:
            arrivals, notes, measured = recorded.read(path, Random(f"{wish.seed}/copies"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    return _fitted(wish, str(path), arrivals, notes, measured)


def _shaped(wish: Wish) -> Traffic:
    rng = Random(f"{wish.seed}/arrivals")
    count = wish.most or MOST_SHAPED
    arrivals = [
        each._replace(model=rng.choice(wish.models), tenant=DEFAULT_TENANT)
        for each in SHAPES[wish.source](wish.rate, count, rng)
    ]
    told = f"{wish.source}, made up with seed {wish.seed}: {wish.rate * 60:g} requests a minute"
    return Traffic(told, arrivals, _spread(wish.models))


def _fitted(
    wish: Wish,
    of: str,
    arrivals: list[Arrival],
    notes: list[str],
    measured: Mapping[str, Measured],
) -> Traffic:
    """What was read, in order and from second 0 on, as much as is wanted, each with a model."""
    rng = Random(f"{wish.seed}/models")
    if wish.only:
        arrivals = [each for each in arrivals if not each.model or each.model in wish.models]
    if not arrivals:
        raise BadInput(f"{of}: it holds no request" + " for these models" * wish.only)
    arrivals.sort(key=lambda each: each.at)
    most = wish.most or MOST_RECORDED
    if len(arrivals) > most:
        notes.append(f"the first {most:,} of its {len(arrivals):,} requests (--requests: more)")
        del arrivals[most:]
    first = arrivals[0].at
    if not all(each.model for each in arrivals):
        notes.extend(_spread(wish.models))
    fitted = [
        each._replace(
            at=each.at - first,
            model=each.model or rng.choice(wish.models),
            tenant=each.tenant or DEFAULT_TENANT,
        )
        for each in arrivals
    ]
    return Traffic(of, fitted, tuple(notes), measured)


def no_model(where: str, name: str, known: Iterable[str]) -> BadInput:
    """The error for a model that is in neither file."""
    return BadInput(f"{where} {quoted(name)}: it is in neither file; {nearest(name, known)}")


def _spread(models: Sequence[str]) -> tuple[str, ...]:
    if len(models) == 1:
        return ()
    return (f"it names no model: each of {', '.join(models)} is asked for as often (--model)",)
