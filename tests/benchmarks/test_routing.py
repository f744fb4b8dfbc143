import gzip
from pathlib import Path

import pytest

from benchmarks import routing
from benchmarks.regression import REGRESSION
from benchmarks.traces import replays
from policies.simulate import SCENARIOS, Bound

QUIET = "brown-out, quiet"
ROW = "2023-11-16 18:{minute:02}:00.0000000,100,20\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = "".join(ROW.format(minute=minute) for minute in range(40))
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + rows
    (tmp_path / "some-conv-1.csv.gz").write_bytes(gzip.compress(text.encode()))
    return tmp_path


def test_the_quick_form_says_little_and_ends_well(capsys):
    assert routing.main(["--quick", "--scenario", QUIET]) == 0
    assert capsys.readouterr().out.startswith("1 scenarios, 3 seeds, ")


def test_a_run_is_told_in_tables_and_a_summary(data, capsys):
    asked = ["--scenario", QUIET, "--seeds", "2", "--data", str(data)]
    assert routing.main(asked) == 0
    told = capsys.readouterr().out
    assert f"| {QUIET} | LeastLatency |" in told
    assert "some-conv-1" in told
    assert "2 scenarios, 2 seeds, " in told


def test_it_ends_with_1_where_something_is_worse_than_it_was(monkeypatch, capsys):
    monkeypatch.setattr(routing, "REGRESSION", {QUIET: (Bound("wait", most=0.1),)})
    assert routing.main(["--quick", "--scenario", QUIET]) == 1
    assert f"{QUIET}: wait ≤ 0.1 is missed: 0." in capsys.readouterr().out


def test_every_scenario_is_held_to_something():
    assert REGRESSION.keys() == {scenario.name for scenario in SCENARIOS}
    assert all(REGRESSION.values())


def test_a_replay_has_the_recorded_requests_whatever_the_seed(data):
    (replay,) = replays(data)
    assert list(replay.come(1)) == list(replay.come(2))
    assert [one.input_tokens for one in replay.come(1)] == [100] * 40
    assert replay.seconds == 39 * 60 + 1


def test_a_folder_without_traces_is_an_error_that_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="conv"):
        replays(tmp_path)
