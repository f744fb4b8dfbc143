"""Everything that a provider, and the server that instances share, can do wrong, done to real
routers, as clients with OpenAI's SDK see it: `make drill`, or `python -m tests.drill --only reset`.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable

from tests.drill import table
from tests.drill.drill import Row, drill
from tests.drill.fault import Theme
from tests.drill.faults import THEMES
from tests.drill.shared import table as table_of_fleets
from tests.drill.shared.drill import Row as RowOfFleet
from tests.drill.shared.drill import drill as drill_of_fleets
from tests.drill.shared.failure import Theme as ThemeOfFleets
from tests.drill.shared.failures import THEMES as OF_FLEETS

Say = Callable[[str], None]
Told = list[dict[str, object]]


def main(arguments: list[str] | None = None) -> int:
    """Run the faults; 1 if one of them does not end as it must."""
    parser = argparse.ArgumentParser(prog="make drill", description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="the faults with this in their name")
    parser.add_argument("--json", action="store_true", help="for machines")
    asked = parser.parse_args(arguments)

    def say(text: str) -> None:
        if not asked.json:
            print(text, flush=True)

    began = time.monotonic()
    told = of_providers(asked.only or "", say) + of_fleets(asked.only or "", say)
    if not told:
        parser.error(f"no fault has {asked.only!r} in its name")
    if asked.json:
        print(json.dumps(told, indent=2))
    passed = sum(bool(one["passes"]) for one in told)
    seconds = time.monotonic() - began
    say(f"\n{len(told)} faults: {passed} pass, {len(told) - passed} fail in {seconds:.0f} s")
    return int(passed < len(told))


def of_providers(only: str, say: Say) -> Told:
    """Run the faults of providers with this in their name."""
    themes = {fault.name: theme for theme in THEMES for fault in theme.faults}
    chosen = [fault for theme in THEMES for fault in theme.faults if only in fault.name]
    if not chosen:
        return []
    say("  " + table.HEAD)
    headed = Headed(say)

    def tell(row: Row) -> None:
        headed.tell(themes[row.fault.name], table.line(row))

    return [table.told(row) for row in asyncio.run(drill(chosen, tell))]


def of_fleets(only: str, say: Say) -> Told:
    """Run the failures of what a fleet shares with this in their name."""
    themes = {fault.name: theme for theme in OF_FLEETS for fault in theme.faults}
    chosen = [fault for theme in OF_FLEETS for fault in theme.faults if only in fault.name]
    if not chosen:
        return []
    say(f"\n  {table_of_fleets.LEGEND}\n  {table_of_fleets.HEAD}")
    headed = Headed(say)

    def tell(row: RowOfFleet) -> None:
        headed.tell(themes[row.fault.name], table_of_fleets.line(row))

    return [table_of_fleets.told(row) for row in asyncio.run(drill_of_fleets(chosen, tell))]


class Headed:
    """Lines under the theme that they are of, each theme once."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._last: Theme | ThemeOfFleets | None = None

    def tell(self, theme: Theme | ThemeOfFleets, line: str) -> None:
        """Say a line."""
        if theme is not self._last:
            self._last = theme
            self._say(f"\n{theme.happens} → {theme.sees}")
        self._say("  " + line)


if __name__ == "__main__":
    sys.exit(main())
