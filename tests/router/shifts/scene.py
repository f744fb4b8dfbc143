"""A shift from `a/m` to `b/m`, and attempts on both."""

from __future__ import annotations

from random import Random

from policies import Outcome, Phase, Price, Report
from policies.shifting import Terms
from router.shifts.evidence import Gathering
from router.shifts.moving import Moving
from router.telemetry.journal import AttemptRecord

OK = Report(Outcome.OK, input_tokens=100, output_tokens=10)
FAILED = Report(Outcome.FAILED, Phase.HEAD)
TERMS = Terms(steps=(0.05, 0.25, 1.0), interval=10.0, least=50, cool_down=600.0)
PRICES = {"a/m": Price(1000, 2000), "b/m": Price(1000, 2000)}


def moving(
    model: str = "chat",
    terms: Terms = TERMS,
    to: dict[str, float] | None = None,
    targets: dict[str, float] | None = None,
) -> Moving:
    return Moving(model, f"{model}→to", targets or {"a/m": 1.0}, to or {"b/m": 1.0}, terms)


def attempt(
    model: str = "chat", target: str = "a/m", report: Report = OK, number: int = 1
) -> AttemptRecord:
    first = 1.2 if report.outcome is Outcome.OK else None
    return AttemptRecord("req_1", model, target, number, report, 1.0, first, 1.5)


class Traffic:
    """Requests for `chat`, of which the canary has its share; some fail there."""

    def __init__(self, gathering: Gathering, failing: float = 0.0) -> None:
        self.gathering, self.failing = gathering, failing
        self.exposed = 0
        self.rng = Random(7)

    def send(self, count: int, share: float) -> None:
        for _ in range(count):
            if self.rng.random() < share:
                self.exposed += 1
                report = FAILED if self.rng.random() < self.failing else OK
                self.gathering.attempt(attempt("chat→to", "b/m", report))
            else:
                self.gathering.attempt(attempt())
