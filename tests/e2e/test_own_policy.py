"""The example package of a policy of one's own, used as its README says."""

import re
import shutil
import tomllib
from collections.abc import Iterator

import pytest

from tests.e2e.running import ROOT, Router, run, serving

OWN = ROOT / "docs" / "examples" / "own_policy"
FILE = (OWN / "providers.yaml").read_text()
SERVED = FILE.replace("server: {", "server: {drain: {announce: 0s}, ")


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    folder = tmp_path_factory.mktemp("own")
    shutil.copy(OWN / "ours.py", folder)
    with serving(folder, SERVED) as running:
        yield running


def explained(router: Router, *words: str) -> str:
    ended = run("explain", "--config", str(router.config), "--admin", router.admin, *words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_its_file_is_right_where_it_lies():
    checked = run("check", "--strict", str(OWN / "providers.yaml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "2 of 2 models can serve" in checked.stdout


def test_the_module_that_it_installs_is_there():
    project = tomllib.loads((OWN / "pyproject.toml").read_text())
    modules = project["tool"]["setuptools"]["py-modules"]
    assert [(OWN / f"{module}.py").is_file() for module in modules] == [True]


def test_a_tenant_stays_at_home(router):
    targets = {router.chat("chat").headers["x-router-target"] for _ in range(8)}
    assert len(targets) == 1
    told = explained(router, "--model", "chat")
    assert f"  goes to {targets.pop()}\n" in told
    assert "its rule: the home of who asks, unless another target is far quicker" in told


def test_the_check_sends_the_question_of_the_readme_to_the_large_model(router):
    asked = "How many ways?"
    assert f'"content": "{asked}"' in (OWN / "README.md").read_text()
    answer = router.chat("smart", messages=[{"role": "user", "content": asked}])
    told = "climbed; sim/small=ours:numbered"
    assert answer.headers["x-router-cascade"] == told
    assert answer.headers["x-router-target"] == "sim/large"
    assert f"`x-router-cascade: {told}`" in (OWN / "README.md").read_text()


def test_the_estimator_s_score_is_explained(router):
    [says] = re.findall(r'--says "(.*?)"', (OWN / "README.md").read_text())
    told = explained(router, "--model", "smart", "--says", says)
    assert "starts in tier 2: its score by the estimator is 1.00 of 1" in told


def test_one_s_own_that_fails_is_served_around_and_reported(tmp_path):
    broken = (OWN / "ours.py").read_text().replace("costs = ", "costs = 1 / 0 or ")
    broken = broken.replace("figures = ", "figures = 1 / 0 or ").replace(
        "asked = ", "asked = 1 / 0 or "
    )
    (tmp_path / "ours.py").write_text(broken)
    with serving(tmp_path, SERVED) as router:
        assert router.chat("chat").status == 200
        assert router.chat("smart").status == 200
        told = explained(router, "--model", "chat")
        assert "its policy fails to choose, so it goes to anyone of the first tier" in told
        assert router.said.count("ZeroDivisionError") >= 2
