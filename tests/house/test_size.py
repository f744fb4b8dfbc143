"""A file or a function that no longer fits in the head is two."""

import ast

import pytest

from tests.house.source import Module, modules

MOST_LINES = 300  # of a file
MOST_LINES_OF_A_FUNCTION = 40  # with its docstring, without decorators
SOURCE = [*modules("policies"), *modules("router"), *modules("benchmarks")]


@pytest.mark.parametrize("module", SOURCE, ids=lambda module: module.file)
def test_a_file_is_not_too_long(module: Module):
    assert len(module.text.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("module", SOURCE, ids=lambda module: module.file)
def test_no_function_is_too_long(module: Module):
    lengths = [
        (node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [told for told in lengths if told[1] > MOST_LINES_OF_A_FUNCTION] == []


@pytest.mark.parametrize("module", SOURCE, ids=lambda module: module.file)
def test_every_module_says_why_it_exists(module: Module):
    assert ast.get_docstring(module.tree) or not module.text
