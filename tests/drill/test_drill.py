"""The drill tells what passes from what fails; what the README says of it is what it does."""

import json
import re

import pytest

from policies import Outcome
from router.telemetry.counters import Counters
from router.telemetry.prometheus import prometheus
from router.testing import Status
from tests.drill import __main__ as command
from tests.drill.drill import drill
from tests.drill.fault import GOOD, Expected, Fault, Theme, only_late
from tests.drill.faults import THEMES
from tests.drill.shared.failures import THEMES as OF_FLEETS
from tests.drill.table import readme
from tests.house.source import ROOT

BESIDES = (
    "A worker dies",
    "It says that little is left (headers of limits)",
    "Limits on tokens are met too early, or not at all",
    "The file was saved and nothing changed",
    "A target must get nothing for a while",
    "Shifting traffic",
)
"""Sections of the operators' page about what no provider does."""
OF_THE_PARENT = {"worker_restarts_total"}
OF_SHIFTS = {"shift_state", "shift_requests_total", "shift_errors_total"}
EVERYTHING = [fault for theme in THEMES for fault in theme.faults]


def test_every_fault_has_a_name_of_its_own():
    names = [fault.name for fault in EVERYTHING]
    assert len(names) == len(set(names))


def test_the_readme_s_table_is_the_drill_s():
    table = readme([*THEMES, *OF_FLEETS])
    assert table in (ROOT / "README.md").read_text(), table


def test_the_operators_page_has_a_section_for_each_theme_and_no_other():
    page = (ROOT / "docs/operations.md").read_text()
    headings = [f"{theme.happens[0].upper()}{theme.happens[1:]}" for theme in THEMES]
    found = [one for one in re.findall(r"^## (.*)$", page, re.MULTILINE) if one not in BESIDES]
    assert found == ["Where to look", *headings]


def test_the_operators_page_names_metrics_and_labels_that_there_are():
    page = (ROOT / "docs/operations.md").read_text()
    known = set(re.findall(r"# TYPE pointsman_(\w+)", prometheus(Counters(), {}, 0, 0)))
    named = set(re.findall(r"`(?:pointsman_)?(\w+_(?:total|state|seconds))\b", page))
    assert named <= known | OF_THE_PARENT | OF_SHIFTS
    assert {"requests_total", "attempts_total", "target_state"} <= named
    outcomes = set(re.findall(r'outcome="(\w+)"', page))
    assert outcomes <= {outcome.value for outcome in Outcome}
    ends = set(re.findall(r'end="(\w+)"', page))
    assert ends <= {
        "ok",
        "error",
        "interrupted",
        "gone",
        "slow",
        "drained",
        "fault",
        "replayed",
        "degraded",
        "refused",
    }


def test_only_what_was_late_is_looked_at_again():
    late = "450 ms more, 400 are allowed"
    assert only_late([late])
    assert not only_late([])
    assert not only_late([late, "no end, and no error"])


async def test_a_fault_of_each_theme_ends_as_it_must():
    rows = await drill([theme.faults[0] for theme in THEMES], lambda _: None)
    assert len(rows) == len(THEMES)
    if late := [row.fault for row in rows if only_late(row.wrong)]:
        rows = [row for row in rows if row.fault not in late] + await drill(late, lambda _: None)
    assert [(row.fault.name, row.wrong) for row in rows if not row.passes] == []


def test_what_does_not_end_as_it_must_is_told_and_ends_the_command_with_1(monkeypatch, capsys):
    wrong = Expected(by=("first",))
    faults = [
        Fault("right", GOOD, wrong, attempts=(1, 0), ways=("whole",)),
        Fault("wrong", Status(500), wrong, ways=("whole",)),
    ]
    monkeypatch.setattr(command, "THEMES", [Theme("it happens", "is seen", faults)])
    monkeypatch.setattr(command, "OF_FLEETS", [])
    assert command.main([]) == 1
    told = capsys.readouterr().out.splitlines()
    verdicts = {line[2:12].strip(): line for line in told if line.startswith("  ")}
    assert verdicts["right"].endswith("pass")
    assert verdicts["wrong"].endswith("FAIL: from second instead of first")
    assert told[-1].startswith("2 faults: 1 pass, 1 fail")


def test_machines_are_told_as_much(capsys):
    assert command.main(["--only", "a parameter that is wrong", "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert (told["fault"], told["passes"]) == ("a parameter that is wrong", True)
    assert told["ways"]["stream"]["attempts"] == [1, 0]
    assert told["ways"]["whole"]["saw"] == "BadRequestError 400 invalid_value"


def test_a_name_that_no_fault_has_is_a_mistake(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--only", "no such fault"])
    assert ended.value.code == 2


@pytest.mark.proof
def test_every_fault_ends_as_it_must(capsys):
    assert command.main([]) == 0, capsys.readouterr().out
