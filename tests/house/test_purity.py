"""`policies` is pure: time and chance are arguments, and nothing else comes from outside."""

import ast

import pytest

from tests.house.source import Module, modules, within

OUTSIDE = (
    "asyncio", "concurrent", "datetime", "io", "logging", "multiprocessing", "os", "pathlib",
    "secrets", "select", "signal", "socket", "subprocess", "sys", "tempfile", "threading", "time",
    "urllib", "uuid",
)  # fmt: skip
CALLS = frozenset({"breakpoint", "eval", "exec", "input", "open", "print", "__import__"})


@pytest.mark.parametrize("module", modules("policies"), ids=lambda module: module.file)
def test_no_clock_no_environment_and_nothing_that_waits_is_imported(module: Module):
    found = [f"{line}: {name}" for line, name in module.imports if within(name, *OUTSIDE)]
    assert not found


@pytest.mark.parametrize("module", modules("policies"), ids=lambda module: module.file)
def test_chance_comes_from_a_random_that_was_given(module: Module):
    imported = [name for _, name in module.imports if within(name, "random")]
    assert set(imported) <= {"random.Random"}
    # Without a seed it would take one from the system.
    assert not [call for call in calls(module, {"Random"}) if not call.args]


@pytest.mark.parametrize("module", modules("policies"), ids=lambda module: module.file)
def test_nothing_is_opened_printed_or_evaluated(module: Module):
    assert not [call.lineno for call in calls(module, CALLS)]


def calls(module: Module, names: set[str] | frozenset[str]) -> list[ast.Call]:
    """The calls of plain names."""
    return [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]
