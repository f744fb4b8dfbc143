"""What the drill of the shared server says is what it does, and the page on call says as much."""

import re

from router.telemetry.counters import Counters
from router.telemetry.prometheus import prometheus
from tests.drill.fault import only_late
from tests.drill.shared.drill import drill
from tests.drill.shared.failures import THEMES
from tests.house.source import ROOT

EVERYTHING = [failure for theme in THEMES for failure in theme.faults]
FEW = (
    "hangs (SIGSTOP)",
    "`fail_closed`: is killed, and comes back",
    "is told to rest by a provider (429)",
)
PAGE = "docs/fleet.md"
AROUND = ("Setting it up", "When all is well", "Where to look", "What is never done")
ALONE = ("Instances of a fleet differ, or do not hear of each other",)
"""Sections about what takes longer than a drill does."""


def test_every_failure_has_a_name_of_its_own():
    names = [failure.name for failure in EVERYTHING]
    assert len(names) == len(set(names))


def test_the_fleet_s_page_has_a_section_for_each_theme_and_no_other():
    page = (ROOT / PAGE).read_text()
    headings = [f"{theme.happens[0].upper()}{theme.happens[1:]}" for theme in THEMES]
    found = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert [one for one in found if one not in (*AROUND, *ALONE)] == headings
    assert {*AROUND, *ALONE} <= set(found)


def test_what_the_page_says_that_logs_say_stands_in_the_code():
    page = (ROOT / PAGE).read_text()
    rooms = [*(ROOT / "router").glob("quota/*.py"), *(ROOT / "router").glob("fleet/*.py")]
    rooms += [*(ROOT / "router").glob("redis/*.py"), ROOT / "router/cli/tables.py"]
    code = "".join(path.read_text() for path in rooms)
    code = re.sub(r'"\s*\n\s*f?"', "", code)  # strings that are written on two lines
    page = re.sub(r"(?<=[\w,:])\n(?=\w)", " ", page)  # and so are sentences of the page
    cells = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    told = [one for cell in cells for one in re.findall(r"`([^`]+)`", cell)]
    told = [one for one in told if " " in one and not one.startswith("pointsman")]
    told += re.findall(r"`(?:this instance )?((?:is not|does not|shared|instances)[^`]*?:)", page)
    assert len(told) > 20
    for one in told:
        for part in (part.strip(" ,:") for part in one.split("…")):
            assert part in code, part


def test_the_fleet_s_page_names_metrics_that_there_are():
    page = (ROOT / PAGE).read_text()
    named = set(re.findall(r"`pointsman_(\w+)", page))
    shown = "".join(
        (ROOT / "router" / room / "shown.py").read_text() for room in ("quota", "fleet")
    )
    known = set(re.findall(r"# TYPE pointsman_(\w+)", prometheus(Counters(), {}, 0, 0)))
    assert {one for one in named if f'"{one}"' not in shown} <= known
    assert {"shared_up", "shared_outages_total"} <= named


async def test_a_few_failures_end_as_they_must():
    rows = await drill([one for one in EVERYTHING if one.name in FEW], lambda _: None)
    assert len(rows) == len(FEW)
    if late := [row.fault for row in rows if only_late(row.wrong)]:
        rows = [row for row in rows if row.fault not in late] + await drill(late, lambda _: None)
    assert [(row.fault.name, row.wrong) for row in rows if not row.passes] == []
