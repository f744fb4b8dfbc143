"""What a file's cascades come to."""

from __future__ import annotations

from pathlib import Path

from router.building.cascading import cascades_of
from router.config import load

FILE = """\
version: 1
providers:
  sim:
    dialect: simulated
    models:
      cheap: {price: {input: 1, output: 1}}
      dear: {price: {input: 9, output: 9}}
      judge: {price: {input: 2, output: 2}}
      other: {price: {input: 3, output: 3}}
      rest: {price: {input: 4, output: 4}}
models:
  chat:
    policy: cost_tiers
    tiers: [[sim/cheap], [sim/dear]]
    cascade: {checks: [{judge: judges}]}
  judges: {targets: [sim/judge], shift: {to: [sim/other]}}
"""


def test_a_judge_costs_what_it_does_also_where_its_traffic_moves(tmp_path: Path) -> None:
    path = tmp_path / "providers.yaml"
    path.write_text(FILE)
    prices = cascades_of(load(path, {}))["chat"].prices
    assert prices.keys() == {"sim/cheap", "sim/dear", "sim/judge", "sim/other"}
    other = prices["sim/other"]
    assert other is not None
    assert (other.input, other.output) == (3000, 3000)
