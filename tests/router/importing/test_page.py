"""The tables of the page about coming from elsewhere are what an import does."""

import json
import re
from pathlib import Path

import pytest

from tests.router.importing.imported import imported

PAGE = (Path(__file__).parents[3] / "docs/coming.md").read_text()
CELL = re.compile(r"`([^`]+)`")


def rows(name: str) -> list[list[str]]:
    """A table of the page: what stands in its cells."""
    table = PAGE.partition(f"<!-- {name}: kept true by a test -->\n")[2].partition("\n\n")[0]
    return [row.strip("| ").split(" | ") for row in table.splitlines()[2:]]


def expected(cell: str) -> str:
    """What must be in the file that is made: a text of it, or what a comment says."""
    if cell.startswith("a comment: "):
        return cell.removeprefix("a comment: ")
    found = CELL.match(cell)
    assert found, cell
    return found[1]


def said(made: str) -> str:
    """The file, with each comment on one line."""
    return re.sub(r"\n *#   ", " ", made)


@pytest.mark.parametrize("row", rows("litellm"), ids=lambda row: row[1])
def test_a_row_of_litellm_s_table_is_so(row: list[str]) -> None:
    where, there = (CELL.findall(cell)[0] for cell in row[:2])
    parts = {"litellm_params": "", "model_info": ""} | {where: f", {there}"}
    first = f"{{model: openai/m{parts['litellm_params']}}}"
    text = f"""
model_list:
  - {{model_name: m, litellm_params: {first}, model_info: {{id: x{parts["model_info"]}}}}}
  - {{model_name: m, litellm_params: {{model: groq/n}}}}
  - {{model_name: other, litellm_params: {{model: openai/o}}}}
"""
    made, _ = imported("litellm", text + (f"{where}: {{{there}}}" if "settings" in where else ""))
    assert expected(row[2]) in said(made)


@pytest.mark.parametrize("row", rows("portkey"), ids=lambda row: row[0])
def test_a_row_of_portkey_s_table_is_so(row: list[str]) -> None:
    target = {"provider": "openai", "override_params": {"model": "m"}}
    config = {
        "strategy": {"mode": "loadbalance"},
        "targets": [target, {**target, "provider": "groq"}],
        **json.loads(f"{{{CELL.findall(row[0])[0]}}}"),
    }
    made, _ = imported("portkey", json.dumps(config))
    assert expected(row[1]) in said(made)


def test_both_tables_are_there() -> None:
    assert len(rows("litellm")) > 25
    assert len(rows("portkey")) > 5
