"""Habits that keep failures visible and processes independent."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import Module, modules

DOORS = {
    "policies/engine/engine.py": "a user's policy chooses",
    "policies/engine/showing/odds.py": "a user's policy is asked for its odds",
    "policies/engine/showing/terms.py": "a user's policy says what it weighs",
    "policies/engine/showing/explaining.py": "a user's policy is explained",
    "router/building/choosing.py": "a user's policy is made",
    "router/estimating.py": "a user's estimator is asked",
    "router/lasting.py": "what must last goes on",
    "router/front/listener.py": "one request's fault is not the others'",
    "router/shadow/judging.py": "a user's judge judges",
    "router/telemetry/lines/writing.py": "the thread that writes goes on",
    "router/telemetry/journal.py": "a reader's fault is not the request's",
}
"""Where anything may be caught, since anything may come."""
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
CHANGING = frozenset(
    {
        "add",
        "append",
        "clear",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "setdefault",
        "update",
    }
)
SOURCE = [*modules("policies"), *modules("router")]


def broad(module: Module) -> list[int]:
    """The lines of handlers that catch everything."""
    return [
        node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and catches_all(node.type)
    ]


def catches_all(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(catches_all(one) for one in caught.elts)
    return caught is None or (
        isinstance(caught, ast.Name) and caught.id in ("Exception", "BaseException")
    )


def test_only_the_doors_catch_everything():
    assert {module.file for module in SOURCE if broad(module)} == DOORS.keys()


def test_each_door_says_why():
    for module in SOURCE:
        lines = module.text.splitlines()
        for line in broad(module):
            _, _, why = lines[line - 1].partition("#")
            assert "door" in why or "must not" in why, f"{module.file}:{line}"


@pytest.mark.parametrize("module", SOURCE, ids=lambda module: module.file)
def test_nothing_of_a_module_is_changed_while_it_runs(module: Module):
    assert not [node.lineno for node in ast.walk(module.tree) if isinstance(node, ast.Global)]


@pytest.mark.parametrize("module", SOURCE, ids=lambda module: module.file)
def test_what_a_module_holds_is_not_changed_by_its_functions(module: Module):
    held = {
        target.id
        for statement in module.tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for target in ast.walk(statement)
        if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)
    }
    functions = [node for node in ast.walk(module.tree) if isinstance(node, FUNCTION)]
    assert not [name for function in functions for name in changed(function) if name in held]


def changed(function: ast.AST) -> Iterator[str]:
    """The plain names whose content a function changes."""
    for node in ast.walk(function):
        match node:
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=verb)):
                if verb in CHANGING:
                    yield name
