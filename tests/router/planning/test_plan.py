"""A plan as a whole: the same for the same seed, nothing where nothing changes, and honest about
what it stands on.
"""

from pathlib import Path

import pytest

from router.config import ConfigError
from router.planning.comparing import Comparison, Group
from router.planning.faults import BadInput
from router.planning.measuring import ASSUMED
from router.planning.plan import Asked, plan
from router.planning.told import as_json, remarks
from tests.router.running import written

MODELS = """
chat: {policy: weighted_round_robin, targets: {sim/fast: 9, sim/other: 1}}
quick: {targets: [sim/fast, sim/other]}
gpt: {targets: [dear/gpt]}
"""


def file(folder: Path, name: str, models: str = MODELS, rest: str = "") -> Path:
    (folder / name).mkdir(exist_ok=True)
    return written(folder / name, models, rest=rest)


def pair(folder: Path, *change: str, models: str = MODELS) -> tuple[Path, Path]:
    """A file and an edited copy of it."""
    old = file(folder, "old", models)
    new = file(folder, "new", models)
    for before, after in zip(change[::2], change[1::2], strict=True):
        assert before in new.read_text()
        new.write_text(new.read_text().replace(before, after))
    return old, new


def groups(comparison: Comparison) -> list[Group]:
    return [comparison.all, *comparison.models.values(), *comparison.tenants.values()]


@pytest.mark.parametrize("source", ["steady", "office-hours", "bursty", "agents"])
def test_a_file_beside_itself_differs_by_nothing_at_all(tmp_path: Path, source: str) -> None:
    made = plan(Asked(*pair(tmp_path), source, 400), {})
    for group in groups(made.comparison):
        changes = [*group.figures.values(), *group.shares.values()]
        assert all(not c.seen and c.difference == c.half == 0.0 for c in changes if c is not None)
    assert made.changes == ()


def test_the_same_seed_is_the_same_plan_and_another_is_another(tmp_path: Path) -> None:
    old, new = pair(tmp_path, "sim/fast: 9", "sim/fast: 5")
    once, again, other = (plan(Asked(old, new, most=400, seed=s), {}) for s in (1, 1, 2))
    assert as_json(once, []) == as_json(again, [])
    assert as_json(once, []) != as_json(other, [])


def test_two_processes_say_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(*pair(tmp_path, "sim/fast: 9", "sim/fast: 5"), most=200)
    alone = as_json(plan(asked, {}), [])
    monkeypatch.setattr("router.planning.plan.QUICK", 0)
    assert as_json(plan(asked, {}), []) == alone


def test_weights_show_as_shares_of_their_model_alone(tmp_path: Path) -> None:
    made = plan(Asked(*pair(tmp_path, "sim/fast: 9", "sim/fast: 1"), most=400), {})
    share = made.comparison.models["chat"].shares["sim/other"]
    assert share.old == pytest.approx(0.1, abs=0.02)
    assert share.new == pytest.approx(0.5, abs=0.02)
    assert share.seen
    assert made.changes == ("chat: sim/fast 9 → 1",)


def test_a_limit_shows_as_hits_and_as_errors(tmp_path: Path) -> None:
    model = "other: {first_token: 1ms,"
    old, new = pair(tmp_path, model, f"{model} limits: {{requests: 30/min}},")
    for path in (old, new):
        path.write_text(path.read_text().replace("{sim/fast: 9, sim/other: 1}", "[sim/other]"))
    made = plan(Asked(old, new, most=600, models=("chat",)), {})
    hits, errors = (made.comparison.all.figures[name] for name in ("limit_hits", "errors"))
    assert hits is not None
    assert errors is not None
    assert (hits.old, errors.old) == (0.0, 0.0)
    assert hits.new > 0.9
    assert hits.seen
    assert errors.new == pytest.approx(1 - 60 / 600, abs=0.05)


def test_a_ladder_answers_what_its_model_cannot(tmp_path: Path) -> None:
    models = "chat: {targets: [sim/broken]}\nquick: {targets: [sim/fast]}\n"
    old, new = pair(
        tmp_path, "[sim/broken]}", "[sim/broken], when_all_fail: [{model: quick}]}", models=models
    )
    made = plan(Asked(old, new, most=300, models=("chat",)), {})
    errors = made.comparison.models["chat"].figures["errors"]
    assert errors is not None
    assert (errors.old, errors.new) == (1.0, 0.0)
    assert made.comparison.models["chat"].shares["sim/fast"].new > 0.5


def test_a_model_that_is_gone_fails_for_whoever_asks_for_it(tmp_path: Path) -> None:
    quick = "  quick: {targets: [sim/fast, sim/other]}\n"
    made = plan(Asked(*pair(tmp_path, quick, ""), most=300), {})
    errors = made.comparison.models["quick"].figures["errors"]
    assert errors is not None
    assert (errors.old, errors.new) == (0.0, 1.0)
    assert made.comparison.models["quick"].figures["p50_first_token"] is None
    assert "new: quick cannot serve: there is no such model" in remarks(made)


def test_cost_is_by_the_prices_of_the_file_and_unknown_where_one_is_missing(tmp_path: Path) -> None:
    fast = "fast: {first_token: 1ms,"
    other = "other: {first_token: 1ms,"
    both = (fast, f"{fast} price: {{input: 1, output: 2}},")
    old, new = pair(tmp_path, *both)
    table = tmp_path / "log.csv"
    table.write_text("\n".join(f"{second},100,10,quick" for second in range(200)))
    unknown = plan(Asked(old, new, str(table)), {})
    assert unknown.comparison.all.figures["cost"] is None
    assert unknown.comparison.all.unpriced == ("sim/fast", "sim/other")
    for path, price in ((old, "{input: 1, output: 2}"), (new, "{input: 2, output: 4}")):
        text = path.read_text().replace(f"{fast} price: {{input: 1, output: 2}},", fast)
        for model in (fast, other):
            text = text.replace(model, f"{model} price: {price},")
        path.write_text(text)
    cost = plan(Asked(old, new, str(table)), {}).comparison.all.figures["cost"]
    assert cost is not None
    assert (cost.old, cost.new) == (100 * 1000 + 10 * 2000, 2 * (100 * 1000 + 10 * 2000))


def test_tenants_of_the_traffic_are_told_apart(tmp_path: Path) -> None:
    table = tmp_path / "log.csv"
    rows = [f"{second},100,10,{'chat,a' if second % 2 else 'quick,b'}" for second in range(100)]
    table.write_text("\n".join(rows))
    made = plan(Asked(*pair(tmp_path), str(table)), {})
    assert {name: group.requests for name, group in made.comparison.tenants.items()} == {
        "a": 50, "b": 50,
    }  # fmt: skip
    assert set(made.comparison.tenants["a"].shares) == {"sim/fast", "sim/other"}


def test_a_limit_of_a_tenant_refuses_what_is_beyond_it_and_nobody_else(tmp_path: Path) -> None:
    table = tmp_path / "log.csv"
    rows = [f"{number / 10},100,10,chat,{'a' if number % 2 else 'b'}" for number in range(600)]
    table.write_text("\n".join(rows))
    old, new = pair(tmp_path)
    limited = "tenants: {a: {keys: ['${A_KEY:-}'], limits: {requests: 60/min}}}\n"
    new.write_text(new.read_text() + limited)
    tenants = plan(Asked(old, new, str(table)), {}).comparison.tenants
    for name, refused in (("a", 1 - 60 / 300), ("b", 0.0)):
        errors, hits = (tenants[name].figures[figure] for figure in ("errors", "limit_hits"))
        assert errors is not None
        assert hits is not None
        assert (errors.old, hits.old) == (0.0, 0.0)
        assert errors.new == pytest.approx(refused, abs=0.02)
        assert hits.new == pytest.approx(refused, abs=0.02)


def test_it_says_of_every_target_what_it_stands_on(tmp_path: Path) -> None:
    old, new = pair(tmp_path, "tokens_per_second: 10000", "tokens_per_second: 100")
    made = plan(Asked(old, new, most=300), {"DEAR_KEY": "k"})
    told = "\n".join(remarks(made))
    assert "sim/fast, old: as the file simulates it: first token 1 ms, 10000 tokens a" in told
    assert "sim/fast, new: as the file simulates it: first token 1 ms, 100 tokens a" in told
    assert f"dear/gpt: {ASSUMED.words}" in told
    assert "not measured: assumed first token 500 ms, 50 tokens a second, none fail" in told


def test_it_says_what_the_files_have_and_it_does_not_play(tmp_path: Path) -> None:
    models = """
chat: {targets: [sim/fast], shift: {to: [sim/other]}, when_all_fail: [{model: spare}]}
quick: {policy: {name: least_latency, affinity: prefix}, targets: [sim/fast, sim/other]}
smart: {policy: cost_tiers, tiers: [[sim/fast], [sim/other]], cascade: auto, start: auto}
spare: {targets: [sim/fast], shadow: {to: sim/other, share: 1%, spend: none}}
"""
    made = plan(Asked(*pair(tmp_path, "cascade: auto", "patience: 0s", models=models), most=40), {})
    shift = "chat: its shift is not played: all requests go to its targets"
    words = "smart: what `start` reads of words is not played: no request says any"
    assert [line for line in remarks(made) if "not played" in line] == [
        shift,
        "quick: affinity is not played: no prompt begins as another does, so no cache is warm",
        words,
        "spare: its shadow is not played: copies take no room and cost nothing",
        "old: smart: its cascade is not played: every answer passes its checks, and nobody climbs",
    ]
    assert as_json(made, [])["new"]["not_played"][0] == shift
    one = plan(Asked(*pair(tmp_path, models=models), most=40, models=("chat",)), {})
    assert [line.partition(":")[0] for line in one.new.unplayed] == ["chat", "spare"]
    none = plan(Asked(*pair(tmp_path), most=40), {})
    assert not [line for line in remarks(none) if "not played" in line]


def test_it_says_which_models_are_off_and_why(tmp_path: Path) -> None:
    made = plan(Asked(*pair(tmp_path), most=100, models=("gpt",)), {})
    told = "\n".join(remarks(made))
    assert "new: gpt cannot serve: dear: DEAR_KEY is not set" in told
    assert made.comparison.all.figures["errors"] == (1.0, 1.0, 0.0)


def test_a_model_or_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    old, new = pair(tmp_path)
    with pytest.raises(
        BadInput, match='--model "caht": it is in neither file; did you mean "chat"'
    ):
        plan(Asked(old, new, models=("caht",)), {})
    with pytest.raises(BadInput, match="--traffic nothing: no such file, and no shape; shapes are"):
        plan(Asked(old, new, "nothing"), {})
    new.write_text(new.read_text().replace("sim/other: 1", "sim/otter: 1"))
    with pytest.raises(ConfigError, match="otter"):
        plan(Asked(old, new), {})


def test_more_requests_than_are_played_are_said_to_be_left_out(tmp_path: Path) -> None:
    table = tmp_path / "log.csv"
    table.write_text("\n".join(f"{second},1,1,chat" for second in range(50)))
    made = plan(Asked(*pair(tmp_path), str(table), 20), {})
    assert len(made.traffic.arrivals) == 20
    assert "traffic: the first 20 of its 50 requests (--requests: more)" in remarks(made)
    assert made.runs == 10


def test_requests_go_nowhere_that_either_file_bars_them_from(tmp_path: Path) -> None:
    old, new = pair(tmp_path)
    for path, residency in ((old, "us"), (new, "eu")):
        text = path.read_text().replace("fast: {", f"fast: {{residency: {residency}, ")
        text = text.replace("other: {", "other: {residency: eu, ")
        path.write_text(text + "\ntenants: {default: {only: {residency: eu}}}\n")
    shares = plan(Asked(old, new, most=400), {}).comparison.models["chat"].shares
    assert shares["sim/other"].old == 1.0
    assert shares["sim/other"].new == pytest.approx(0.1, abs=0.03)
