"""How long `pointsman plan` takes over a hundred thousand requests, on this machine.

As a user runs it: the shipped providers.yaml and a copy with other weights, a table of requests to
four models from three tenants, one command. Wall clock and CPU are printed for each round, since
the two files are played at once, and a busy machine shows in the one and not in the other.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

from policies.simulate.shapes import steady

ROOT = Path(__file__).parents[1]
REQUESTS = 100_000
RATE = 50.0
ROUNDS = 3
ASKED = 10.0
"""Seconds on two cores."""


def main() -> None:
    """Print the table."""
    print(f"{REQUESTS:,} requests through two files; CPython {platform.python_version()}, ", end="")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; asked: {ASKED:.0f} s\n")
    with TemporaryDirectory() as folder:
        traffic, new = Path(folder) / "traffic.csv", Path(folder) / "providers.yaml"
        traffic.write_text("\n".join(_rows()))
        text = (ROOT / "providers.yaml").read_text()
        new.write_text(text.replace("{sim/fast: 90, sim/slow: 10}", "{sim/fast: 50, sim/slow: 50}"))
        command = ["plan", "providers.yaml", str(new), "--traffic", str(traffic), "--json"]
        for number in range(1, ROUNDS + 1):
            begin, before = perf_counter(), os.times()
            subprocess.run(
                [sys.executable, "-m", "router", *command],
                cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            wall, after = perf_counter() - begin, os.times()
            cpu = after.children_user - before.children_user
            cpu += after.children_system - before.children_system
            print(f"round {number}: {wall:.1f} s, {cpu:.1f} s of CPU in three processes")


def _rows() -> list[str]:
    rng = Random(1)
    models, tenants = ("chat", "quick", "steady", "smart"), ("a", "b", "c")
    return ["arrival,tokens_in,tokens_out,model,tenant"] + [
        f"{each.at:.3f},{each.input_tokens},{each.output_tokens},"
        f"{rng.choice(models)},{rng.choice(tenants)}"
        for each in steady(RATE, REQUESTS, rng)
    ]


if __name__ == "__main__":
    main()
