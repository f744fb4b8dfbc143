"""Everything that a provider can do wrong, done to a real router, as a client with OpenAI's SDK
sees it: `make drill`, or `python -m tests.drill --only reset`.
"""

import argparse
import asyncio
import json
import sys
import time

from tests.drill.drill import Row, drill
from tests.drill.faults import THEMES
from tests.drill.table import HEAD, line, told


def main(arguments: list[str] | None = None) -> int:
    """Run the faults; 1 if one of them does not end as it must."""
    parser = argparse.ArgumentParser(prog="make drill", description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="the faults with this in their name")
    parser.add_argument("--json", action="store_true", help="for machines")
    asked = parser.parse_args(arguments)
    themes = {fault.name: theme for theme in THEMES for fault in theme.faults}
    everything = [fault for theme in THEMES for fault in theme.faults]
    chosen = [fault for fault in everything if (asked.only or "") in fault.name]
    if not chosen:
        parser.error(f"no fault has {asked.only!r} in its name")
    heads: list[str] = []

    def tell(row: Row) -> None:
        if asked.json:
            return
        if (head := themes[row.fault.name].happens) not in heads:
            heads.append(head)
            print(f"\n{head} → {themes[row.fault.name].sees}")
        print("  " + line(row), flush=True)

    began = time.monotonic()
    if not asked.json:
        print("  " + HEAD)
    rows = asyncio.run(drill(chosen, tell))
    if asked.json:
        print(json.dumps([told(row) for row in rows], indent=2))
    else:
        print(f"\n{summary(rows)} in {time.monotonic() - began:.0f} s")
    return int(any(not row.passes for row in rows))


def summary(rows: list[Row]) -> str:
    """How many there were, and what became of them."""
    passed = sum(row.passes for row in rows)
    return f"{len(rows)} faults: {passed} pass, {len(rows) - passed} fail"


if __name__ == "__main__":
    sys.exit(main())
