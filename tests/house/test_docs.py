"""What the documents show is what there is."""

import asyncio
import re
import sys
from pathlib import Path
from random import Random
from typing import Any

from policies import Engine, Outcome, Request, Task
from router import copying
from router.building import build, cascading, choosing
from router.cascade.terms import Answered, OwnCheck
from router.config import load
from router.config.base_written import Written
from router.config.counts import AS_WRITTEN, Counts
from router.config.place_written import WrittenOnly, WrittenPlace
from router.config.presets import PRESETS
from router.config.sections_written import WrittenDefaults
from router.config.startup_written import WrittenServer, WrittenShared, WrittenWhenDown
from router.config.written import (
    WrittenAudit,
    WrittenCascade,
    WrittenCheck,
    WrittenConditions,
    WrittenLimits,
    WrittenModel,
    WrittenProvider,
    WrittenRetry,
    WrittenRoute,
    WrittenRule,
    WrittenShadow,
    WrittenTimeouts,
)
from router.dialects.errors import quirks
from router.dialects.errors.table import Table
from router.dialects.openai.resume import CONTINUES
from router.dialects.seam import LEAST_ECHO, MOST_KEPT
from router.idempotency import fleet
from router.idempotency.claim import LONGEST
from router.idempotency.recording import LARGEST, MOST_RECORDED
from router.idempotency.store import LIFETIME, MOST_ANSWERS, MOST_BYTES
from router.redis.link import PATIENCE
from router.shadow import Judged, Said, judging, verdict
from router.shadow.copies import MOST_BODY
from router.shadow.shadows import FOR_PRODUCTION
from router.shadow.sinks import MOST_ANSWER, MOST_HELD
from router.stored import fleet as makers
from router.stored import owners

ROOT = Path(__file__).parents[2]
TABLES: tuple[type[Written], ...] = (
    WrittenServer,
    WrittenShared,
    WrittenWhenDown,
    WrittenDefaults,
    WrittenTimeouts,
    WrittenRetry,
    WrittenProvider,
    WrittenModel,
    WrittenLimits,
    WrittenRoute,
    WrittenRule,
    WrittenConditions,
    WrittenCascade,
    WrittenCheck,
    WrittenAudit,
    WrittenShadow,
    WrittenPlace,
    WrittenOnly,
)


def blocks(file: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / file).read_text(), re.DOTALL)


def test_the_readme_s_library_example_runs_as_written(capsys):
    [example] = [block for block in blocks("README.md", "python") if "from policies" in block]
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - the project's own text
    first, second = capsys.readouterr().out.splitlines()
    assert {first, second} == {"send to openai/gpt-5-mini", "send to groq/llama-3.3-70b"}


def test_the_table_of_outcomes_in_the_design_is_the_one_in_the_code():
    rows = []
    for outcome in Outcome:
        health, rest, after = outcome.effect.health, outcome.effect.rest, outcome.effect.next
        rows.append(f"| {outcome.value} | {health.value} | {rest.value} | {after.value} |")
    assert "\n".join(rows) in (ROOT / "docs/design.md").read_text()


def test_every_key_of_the_file_stands_in_the_reference():
    reference = (ROOT / "docs/reference.md").read_text()
    fields = [field for table in TABLES for field in table.model_fields.items()]
    keys = {field.alias or name for name, field in fields}
    missing = [key for key in keys if not re.search(rf"[`.{{ ]{key}[`:]", reference)]
    assert sorted(missing) == []


def test_every_preset_stands_in_the_reference_with_its_address_and_its_key():
    reference = (ROOT / "docs/reference.md").read_text()
    table = reference[reference.index("<!-- presets:") :].partition("\n\n")[0]
    for name, preset in PRESETS.items():
        [row] = re.findall(rf"^\| `{name}` \| (.*) \|$", table, re.MULTILINE)
        address, _, key = row.partition(" | ")
        assert (f"`{preset.base_url}`" if preset.base_url else f"`{preset.path}`") in address
        assert key == (f"`{preset.key}`" if preset.key else "–")


COUNTED = {
    "written": "input and output",
    "bound": "input and bound, settled to what was written",
    "whole": "input and bound, whatever is written",
    "larger": "the larger of input and bound, whatever is written",
    "nothing": "input alone",
}


def counted(counts: Counts) -> str:
    besides = [
        f"`requests` of a minute are counted by the {SLICES[counts.slice]}" if counts.slice else "",
        f"`requests` of a day begin anew at midnight in `{counts.midnight}`"
        if counts.midnight
        else "",
        "without a bound, the model's `output` is reserved" if counts.longest else "",
    ]
    cached = "counts" if counts.cached else "does not count"
    told = "; ".join(filter(None, besides))
    return f"{COUNTED[counts.answers]} | {cached} | {told} |".replace("|  |", "| |")


SLICES = {1.0: "second"}


def test_the_reference_tells_how_each_preset_counts():
    reference = (ROOT / "docs/reference.md").read_text()
    table = reference[reference.index("<!-- counts:") :].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| (`[a-z-]+`|any other) \| (.*)$", table, re.MULTILINE))
    known = {f"`{name}`": preset.counts for name, preset in PRESETS.items()}
    others = {name: counts for name, counts in known.items() if counts != AS_WRITTEN}
    assert rows == {
        name: counted(counts) for name, counts in (others | {"any other": AS_WRITTEN}).items()
    }


def test_the_reference_tells_how_long_and_how_much_is_kept_for_idempotency_keys():
    reference = " ".join((ROOT / "docs/reference.md").read_text().split())
    for told in (
        f"1 to {LONGEST} printable ASCII characters",
        f"for {LIFETIME / 3600:g} hours, at most {MOST_ANSWERS:,} of them",
        f"and {MOST_BYTES >> 20} MiB in all",
        f"of more than {LARGEST >> 20} MiB",
        f"while {MOST_RECORDED >> 20} MiB are being recorded",
        f"one of more than {fleet.LARGEST >> 20} MiB is known",
        f"frees its keys within {fleet.LIFE:g} s",
    ):
        assert told in reference


def test_the_reference_tells_how_many_ids_are_remembered_and_for_how_long():
    reference = " ".join((ROOT / "docs/reference.md").read_text().split())
    for told in (
        f"({owners.MOST:,} of them, {owners.KEPT_FOR / 86_400:g} days, in memory)",
        f"the last {makers.MOST:,} ids of the fleet",
        f"asks, for {PATIENCE * 1000:g} ms",
    ):
        assert told in reference


def test_every_file_that_the_design_draws_exists():
    drawn = blocks("docs/design.md", "")[0]
    for name in re.findall(r"\b(\w+\.py)\b", drawn):
        assert list(ROOT.glob(f"policies/**/{name}")) + list(ROOT.glob(f"router/**/{name}")), name


LINK = re.compile(r"\]\((?!https?:)([^()#\s]*)(?:#([^()\s]+))?\)")


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    plain = [re.sub(r"[^\w -]", "", title.lower()) for title in titles]
    return {title.replace(" ", "-") for title in plain}


def test_every_link_between_the_pages_leads_somewhere():
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")):
        for path, anchor in LINK.findall(page.read_text()):
            target = page.parent / path if path else page
            assert target.exists(), f"{page.name}: {path}"
            assert not anchor or anchor in anchors(target), f"{page.name}: {path}#{anchor}"


def test_the_examples_of_how_to_test_run_as_written():
    examples = blocks("docs/testing.md", "python")
    assert len(examples) == 2
    for example in examples:
        scope: dict[str, Any] = {}
        exec(compile(example, "docs/testing.md", "exec"), scope)  # noqa: S102 - our own text
        for name, claim in scope.items():
            if name.startswith("test_"):
                asyncio.run(claim()) if asyncio.iscoroutinefunction(claim) else claim()


def test_the_reference_s_policy_works_as_written(tmp_path, monkeypatch):
    [module] = [block for block in blocks("docs/reference.md", "python") if "Shortest" in block]
    [models] = [block for block in blocks("docs/reference.md", "yaml") if "Shortest" in block]
    (tmp_path / "shortest.py").write_text(module)
    path = tmp_path / "providers.yaml"
    path.write_text(
        "version: 1\nproviders: {sim: {dialect: simulated, models: [fast, slow]}}\n" + models
    )
    monkeypatch.setattr("sys.path", [*sys.path])
    config = load(path, {})
    choosing.find_plugins(config)
    engine = Engine(build.routes_of(config), rng=Random(1), now=0.0)
    explained = engine.explain(Request("chat", 60.0), 0.0)
    assert explained.policy == "Shortest"
    assert sum(target.odds for target in explained.targets) == 1


def test_an_estimator_of_one_s_own_is_made_as_the_reference_shows_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    [module] = [block for block in blocks("docs/reference.md", "python") if "Hardness" in block]
    [models] = [block for block in blocks("docs/reference.md", "yaml") if "Hardness" in block]
    monkeypatch.delitem(sys.modules, "hardness", raising=False)  # another test's
    (tmp_path / "hardness.py").write_text(module)
    file = tmp_path / "providers.yaml"
    providers = "version: 1\nproviders: {sim: {dialect: simulated, models: [slow, fast]}}\n"
    file.write_text(providers + models)
    estimating = choosing.estimators_of(load(file, {}))["smart"]
    task = Task("smart", "so many words " * 10, 50, None, False, "default", {})
    assert estimating.score(task) == 0.5
    sys.modules.pop("hardness")


def test_a_check_of_one_s_own_is_made_as_the_reference_shows_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    [module] = [block for block in blocks("docs/reference.md", "python") if "polite" in block]
    [models] = [block for block in blocks("docs/reference.md", "yaml") if "polite" in block]
    (tmp_path / "manners.py").write_text(module)
    file = tmp_path / "providers.yaml"
    providers = "version: 1\nproviders: {sim: {dialect: simulated, models: [slow, fast]}}\n"
    file.write_text(providers + models)
    terms = cascading.cascades_of(load(file, {}))["smart"]
    assert [one.name for one in terms.checks] == ["empty", "finish"]
    [own] = terms.others
    assert isinstance(own, OwnCheck)
    assert own.holds(Answered("smart", {}, Said("Yes, please.")))
    sys.modules.pop("manners")


def rows_of_errors(table: Table) -> list[str]:
    """Every line of a table as the page of errors shows it."""
    rows = ["| status | code or message | outcome | whose | back |", "|---|---|---|---|---|"]
    for line in table.lines:
        means = line.means
        marks = " {page}" * (line.told is False) + " {dated}" * line.dated
        marks += " {rare}" * line.unusual
        told = (
            f"`{line.says}`".replace("|", r"\|") if line.says else " ".join(map(code, line.codes))
        )
        sick = ", sick" * means.overloaded
        shown = f"{statuses(line.status)}{marks}"
        outcome = f"{means.outcome.value}{sick}"
        rows.append(
            f"| {shown} | {told} | {outcome} | {means.scope.value} | {means.resets.value} |"
        )
    return rows


def code(word: str) -> str:
    return f"`{word}`"


def statuses(found: frozenset[int]) -> str:
    """`500, 502–504`: neighbours, three and more, are drawn together."""
    runs: list[list[int]] = []
    for status in sorted(found):
        if runs and status == runs[-1][-1] + 1:
            runs[-1].append(status)
        else:
            runs.append([status])
    parts = [f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(parts) or "any"


def test_the_tables_of_errors_on_their_page_are_the_ones_in_the_code():
    page = (ROOT / "docs/errors.md").read_text()
    for name, table in (("Everybody", quirks.EVERYBODY), *quirks.TABLES.items()):
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        shown = [line for line in section.splitlines() if line.startswith("|")]
        assert shown == rows_of_errors(table), name


def test_the_judge_on_the_page_of_shadows_judges():
    [module] = blocks("docs/shadow.md", "python")
    scope: dict[str, Any] = {}
    exec(compile(module, "docs/shadow.md", "exec"), scope)  # noqa: S102 - our own text
    asked = {"messages": [{"role": "user", "content": "42"}]}

    def score(control: str, shadow: str) -> float:
        return float(scope["better"](Judged("chat", asked, Said(control), Said(shadow))))

    assert score("I do not know", "It is 42") == 1.0
    assert score("It is 42", "I do not know") == -1.0
    assert score("It is 42, as said", "It is 42") == 0.2


def test_the_page_of_shadows_has_the_figures_of_the_code():
    page = " ".join((ROOT / "docs/shadow.md").read_text().split())
    for told in (
        f"more than {MOST_BODY >> 20} MiB",
        f"at most {MOST_ANSWER >> 20} MiB of each and {MOST_HELD >> 20} MiB with all",
        f"four times as long as production took ({copying.LEAST_PATIENCE:g} s at least)",
        f"at most {verdict.SLOWER:g} times",
        f"at most {verdict.DEARER:g} times",
        f"at least {verdict.WORSE:g} |",
        f"with {verdict.LEAST} pairs at least",
        f"with {verdict.FEW} at least",
        f"After {judging.PATIENCE:g} s it is cut off",
    ):
        assert told in page, told
    assert (copying.TIMES, FOR_PRODUCTION, judging.MOST_THREADS) == (4, 0.8, 4)
    assert verdict.POINT == 0.01


def test_the_reference_tells_what_is_kept_of_a_stream_and_who_continues_a_text():
    reference = " ".join((ROOT / "docs/reference.md").read_text().split())
    assert f"more than {MOST_KEPT:,} characters" in reference
    assert f"({LEAST_ECHO} characters, without a period)" in reference
    [presets] = re.findall(r"known to continue one: the presets (.*?)\. `max_tokens`", reference)
    assert set(CONTINUES) <= set(re.findall(r"`(\w+)`", presets))
