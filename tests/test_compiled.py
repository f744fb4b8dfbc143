"""What is compiled does what its sources do: their own tests pass on it. Takes minutes, most of
them the compiler's.
"""

import ast
import shutil
import subprocess
import sys
import tomllib
from functools import partial
from pathlib import Path

import pytest

from tests.house.source import Module, modules

ROOT = Path(__file__).parents[1]
COMPILED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pointsman"]["compiled"]
SOURCE = [*modules("policies"), *modules("router")]
TESTS = [
    "tests/policies/engine", "tests/policies/test_machine.py",
    "tests/router/dialects/openai", "tests/router/front", "tests/router/telemetry",
    "tests/router/upstream", *sorted(map(str, (ROOT / "tests/router").glob("test_*.py"))),
]  # fmt: skip
REACHING_IN = [
    # They derive from what is compiled, put something else in the place of a method of it, of an
    # attribute or of a constant, hand it what is not of its types, or ask where in the program a
    # fault was.
    "tests/policies/engine/test_standing.py::test_bad_news_casts_a_doubt",
    "tests/policies/engine/test_standing.py::test_whoever_is_thought_clear_is_found_clear",
    "tests/router/telemetry/test_log.py::test_a_fault_of_ours_is_logged_by_its_place_and_not_by_what_it_quotes",
    "tests/router/test_answer.py::test_what_is_kept_of_an_answer_is_bounded",
    "tests/router/test_estimating.py::test_no_text_is_read_for_routes_that_do_not_need_it",
    "tests/router/test_estimating.py::test_what_is_needed_is_read_once_and_no_text_comes_to_the_engine",
    "tests/router/test_gemini.py::test_what_was_dropped_is_said_at_a_stream_s_end_too",
    "tests/router/cascade/test_cascades.py::test_checks_of_one_s_own_are_asked_and_cut_off",
    "tests/router/test_app.py::test_a_reader_that_fails_is_reported_once_and_costs_no_answer",
]


def test_every_module_that_is_to_be_compiled_exists():
    assert [file for file in COMPILED if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("module", SOURCE, ids=lambda module: module.file)
def test_what_derives_from_what_is_compiled_is_compiled_too(module: Module):
    if module.file in COMPILED:
        return
    classes = [node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    bases = {base.id for node in classes for base in node.bases if isinstance(base, ast.Name)}
    within = tuple(file.removesuffix(".py").replace("/", ".") + "." for file in COMPILED)
    told = [name for _, name in module.imports if name.rpartition(".")[2] in bases]
    assert [name for name in told if name.startswith(within)] == []


@pytest.mark.parametrize("file", COMPILED)
def test_what_is_compiled_awaits_nothing_while_it_handles_an_error(file: str):
    """Not even in a `finally`: mypyc forgets over it what was raised."""
    tries = [n for n in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(n, ast.Try)]
    last = [[*one.handlers, *one.finalbody] for one in tries]
    waits = (node for nodes in last for one in nodes for node in ast.walk(one))
    assert [node.lineno for node in waits if isinstance(node, ast.Await)] == []


@pytest.mark.parametrize("file", COMPILED)
def test_a_constant_of_what_is_compiled_is_final(file: str):
    """Else it is looked up by its name wherever it is met: 150 times in a request."""
    plain = [n for n in ast.parse((ROOT / file).read_text()).body if isinstance(n, ast.Assign)]
    names = [one.id for n in plain for one in n.targets if isinstance(one, ast.Name)]
    assert [name for name in names if name.isupper()] == []


@pytest.mark.proof
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_tests_of_what_is_compiled_pass_on_it(tmp_path: Path):
    run = partial(subprocess.run, check=True, cwd=ROOT)
    run([sys.executable, ".ci/compiled.py", str(tmp_path)])
    (wheel,) = tmp_path.glob("*.whl")
    built = tmp_path / "built"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run([*pip, "install", "--no-deps", f"--target={built}", str(wheel)])
    for file in COMPILED:
        assert list((built / file).parent.glob(f"{Path(file).stem}.*.so")), file
    without = [f"--deselect={each}" for each in REACHING_IN]
    run([sys.executable, "-m", "pytest", "-n2", f"-opythonpath={built}", *without, *TESTS])
