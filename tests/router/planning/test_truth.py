"""What a plan says, and what a running router then does: the real pipeline with simulated
providers, in virtual time.
"""

from pathlib import Path
from random import Random

import pytest

from policies.simulate import Arrival
from router.planning.comparing import Group
from router.planning.plan import Asked, plan
from tests.router.planning.serving import WRITTEN, Served, serve

FILE = """
version: 1
providers:
  sim:
    dialect: simulated
    models:
      fast: {{first_token: 300ms, tokens_per_second: 20, jitter: 0.3, output_tokens: {written},
        error_rate: {sick}, price: {{input: 1, output: 4}}}}
      slow: {{first_token: 900ms, tokens_per_second: 10, jitter: 0.3, output_tokens: {written},
        price: {{input: 0.2, output: 1}}}}
      third: {{first_token: 500ms, tokens_per_second: 10, jitter: 0.1, output_tokens: {written},
        price: {{input: 3, output: 9}}, limits: {{concurrent: 4}}}}
models:
  chat: {{policy: {policy}, {targets}}}
"""
WEIGHTED = "weighted_round_robin", "targets: {sim/fast: 90, sim/slow: 10}"
CHANGED = "weighted_round_robin", "targets: {sim/fast: 40, sim/slow: 60}"
LATENCY = "least_latency", "targets: [sim/fast, sim/slow, sim/third]"
TIERS = "priority", "tiers: [{sim/third: 1}, {sim/fast: 1}, {sim/slow: 1}]"
WELL, SICK, GONE = 0.0, 0.03, 1.0
REQUESTS = 600
WITHIN = 0.10


def file(folder: Path, name: str, written: tuple[str, str], sick: float) -> Path:
    policy, targets = written
    path = folder / name
    path.write_text(FILE.format(written=WRITTEN, policy=policy, targets=targets, sick=sick))
    return path


def coming() -> list[Arrival]:
    """Requests in two minutes, of different lengths."""
    rng, at = Random(5), 0.0
    arrivals = []
    for _ in range(REQUESTS):
        at += rng.expovariate(10.0)
        arrivals.append(Arrival(at, rng.randint(5, 400), WRITTEN, model="chat"))
    return arrivals


def listed(path: Path, served: Served) -> Path:
    """What came, as an access log has it."""
    rows = [f"{a.at},{a.input_tokens},{a.output_tokens},{a.model}" for a in served.arrivals]
    path.write_text("\n".join(["arrival,tokens_in,tokens_out,model", *rows]))
    return path


def close(predicted: float, true: float, least: float = 0.0) -> bool:
    return abs(predicted - true) <= max(WITHIN * abs(true), least)


def as_told(group: Group, old: Served, new: Served) -> None:
    """Whether share, cost, median and errors of both files are those that were served."""
    for target, share in group.shares.items():
        assert close(share.old, old.shares.get(target, 0.0), 0.01), (target, share, old)
        assert close(share.new, new.shares.get(target, 0.0), 0.01), (target, share, new)
    for name, before, after in (
        ("cost", old.cost, new.cost),
        ("p50_first_token", old.median, new.median),
    ):
        change = group.figures[name]
        assert change is not None
        assert close(change.old, before), (name, change, before)
        assert close(change.new, after), (name, change, after)
    errors = group.figures["errors"]
    assert errors is not None
    assert close(errors.old, old.errors, 0.01)
    assert close(errors.new, new.errors, 0.01)


@pytest.mark.parametrize(
    ("before", "after", "sick"),
    [
        (WEIGHTED, CHANGED, SICK),
        (WEIGHTED, WEIGHTED, GONE),
        (WEIGHTED, LATENCY, WELL),
        (TIERS, TIERS, GONE),
        (LATENCY, TIERS, WELL),
    ],
    ids=[
        "other weights", "a lost provider", "another policy", "a lost provider in tiers",
        "tiers with limits",
    ],
)  # fmt: skip
def test_what_is_predicted_is_within_a_tenth_of_what_a_router_then_does(
    tmp_path: Path, before: tuple[str, str], after: tuple[str, str], sick: float
) -> None:
    old, new = file(tmp_path, "old.yaml", before, WELL), file(tmp_path, "new.yaml", after, sick)
    arrivals = coming()
    was, then = serve(old, arrivals), serve(new, arrivals)
    traffic = listed(tmp_path / "log.csv", was)

    made = plan(Asked(old, new, str(traffic)), {})

    as_told(made.comparison.models["chat"], was, then)


HIDDEN = """
version: 1
providers:
  {name}: {{dialect: {dialect}, {more} models: {{
    fast: {{price: {{input: 1, output: 4}}{fast}}},
    slow: {{price: {{input: 0.2, output: 1}}{slow}}}}}}}
models:
  chat: {{policy: weighted_round_robin, targets: {{sim/fast: {weight}, sim/slow: 50}}}}
"""


def hidden(path: Path, weight: int, *, simulated: bool) -> Path:
    """A file that simulates its provider, or one of which nothing is known but where it is."""
    wait = f", output_tokens: {WRITTEN}, tokens_per_second: 10, jitter: 0.3, first_token:"
    fast, slow = f"{wait} 300ms, error_rate: 0.03", f"{wait} 900ms"
    told = {"dialect": "simulated", "more": "", "fast": fast, "slow": slow}
    if not simulated:
        told = {"dialect": "openai", "more": "base_url: 'http://127.0.0.1:1',", "fast": "",
            "slow": ""}  # fmt: skip
    path.write_text(HIDDEN.format(name="sim", weight=weight, **told))
    return path


def test_targets_of_which_only_records_tell_serve_in_the_plan_as_they_did(tmp_path: Path) -> None:
    records, arrivals = tmp_path / "decisions.jsonl", coming()
    was = serve(hidden(tmp_path / "a.yaml", 150, simulated=True), arrivals, records)
    then = serve(hidden(tmp_path / "b.yaml", 25, simulated=True), arrivals)
    old = hidden(tmp_path / "old.yaml", 150, simulated=False)
    new = hidden(tmp_path / "new.yaml", 25, simulated=False)

    made = plan(Asked(old, new, str(records)), {})

    as_told(made.comparison.models["chat"], was, then)
    for basis in made.new.bases.values():
        assert basis.words.startswith("measured: first token ")
