"""The status of several workers as one: sums, the worst, and who says what."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from router.workers import overview
from router.workers.overview import decisions, status


def target(state: str = "healthy", health: float = 1.0, **more: Any) -> dict[str, Any]:
    return {
        "state": state,
        "health": health,
        "in_flight": 0,
        "requests_left": None,
        "tokens_left": None,
        "input_left": None,
        "output_left": None,
        "places_left": None,
        "last_failure": None,
        **more,
    }


def server_of_limits(**more: Any) -> dict[str, Any]:
    return {"up": True, "why": "", "outages": 0, **more}


def worker(**more: Any) -> dict[str, Any]:
    return {
        "ready": True,
        "revision": "abc",
        "running": 0,
        "log_lines_dropped": 0,
        "config": {"path": "providers.yaml", "errors": []},
        "decisions": None,
        "fleet": None,
        "kept": {"where": "with the fleet", "why_not": None},
        "models": {"chat": {}},
        "shared": server_of_limits(),
        "targets": {},
        "tenants": {},
        "cascades": {},
        "requests": [],
        "attempts": [],
        **more,
    }


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "model": st.sampled_from("ab"),
            "status": st.sampled_from([200, 500]),
            "count": st.integers(0, 9),
        }
    ),
    max_size=4,
)


@given(st.lists(st.tuples(st.integers(0, 99), ROWS), min_size=1, max_size=4))
def test_what_is_counted_is_summed(each):
    told = status(
        {n: worker(running=running, requests=rows) for n, (running, rows) in enumerate(each)}
    )
    assert told["running"] == sum(running for running, _ in each)
    for model in "ab":
        for code in (200, 500):
            found = [
                row["count"]
                for row in told["requests"]
                if (row["model"], row["status"]) == (model, code)
            ]
            assert len(found) <= 1
            assert sum(found) == sum(
                row["count"]
                for _, rows in each
                for row in rows
                if (row["model"], row["status"]) == (model, code)
            )


def test_the_server_of_shared_limits_is_shown_as_the_one_sees_it_to_whom_it_is_worst():
    away = server_of_limits(up=False, why="it hangs", outages=1)
    told = status({0: worker(), 1: worker(shared=away), 2: worker()})
    assert told["shared"] == away


def test_what_workers_write_of_decisions_is_summed_and_any_problem_is_one():
    fine = {"file": "d", "written": 5, "dropped": 0, "waiting_bytes": 9, "problem": ""}
    full = {**fine, "dropped": 2, "problem": "No space left on device"}
    assert status({0: worker(decisions=fine), 1: worker(decisions=full)})["decisions"] == {
        "file": "d",
        "written": 10,
        "dropped": 2,
        "waiting_bytes": 18,
        "problem": "No space left on device",
    }


def test_all_are_ready_or_it_is_not():
    assert status({0: worker(), 1: worker()})["ready"]
    assert not status({0: worker(), 1: worker(ready=False)})["ready"]


def test_of_a_target_the_worst_is_shown_and_who_differs():
    failed = {"outcome": "failed", "s_ago": 3.0}
    older = {"outcome": "denied", "s_ago": 9.0}
    told = status(
        {
            0: worker(targets={"a": target(in_flight=2, tokens_left=50.0, last_failure=older)}),
            1: worker(
                targets={
                    "a": target("ejected", 0.1, in_flight=1, tokens_left=20.0, last_failure=failed),
                    "b": target(in_flight=4),
                }
            ),
        }
    )["targets"]
    assert told["a"]["state"] == "ejected"
    assert told["a"]["health"] == 0.1
    assert told["a"]["in_flight"] == 3
    assert told["a"]["tokens_left"] == 20.0
    assert told["a"]["requests_left"] is None
    assert told["a"]["last_failure"] == failed
    assert told["a"]["workers"] == {"0": "healthy", "1": "ejected"}
    assert told["b"] == target(in_flight=4)


def test_a_pause_is_shown_although_a_health_elsewhere_is_lower():
    rows = {0: target(health=0.2), 1: target("resting", 1.0)}
    told = status({number: worker(targets={"a": row}) for number, row in rows.items()})
    assert told["targets"]["a"]["state"] == "resting"


def test_different_revisions_and_every_error_are_said():
    wrong = {"path": "providers.yaml", "errors": ["line 3 is wrong"]}
    told = status({0: worker(), 1: worker(revision="def", config=wrong)})
    first, second = told["config"]["errors"]
    assert first == "line 3 is wrong"
    assert "(0: abc, 1: def)" in second


def test_decisions_are_the_newest_of_all_and_say_whose_they_are():
    def listing(*times: float) -> dict[str, Any]:
        return {
            "engine": {"seed": len(times)},
            "requests": 9,
            "recorded": 3,
            "kept": 2,
            "decisions": [{"steps": [{"at": at}]} for at in times],
        }

    told = decisions({0: listing(5.0, 1.0), 1: listing(4.0, 3.0, 2.0)}, 3)
    assert [one["steps"][0]["at"] for one in told["decisions"]] == [5.0, 4.0, 3.0]
    assert [one["worker"] for one in told["decisions"]] == [0, 1, 1]
    assert (told["requests"], told["recorded"], told["kept"]) == (18, 6, 4)
    assert told["engines"] == {"0": {"seed": 2}, "1": {"seed": 3}}


def test_the_file_is_as_the_first_has_it_and_what_any_says_is_wrong_with_it():
    told = {
        0: {"revision": "a", "changes": ["x"], "errors": []},
        1: {"revision": "a", "changes": ["x"], "errors": ["f:1:1: no"]},
    }
    assert overview.config(told) == {"revision": "a", "changes": ["x"], "errors": ["f:1:1: no"]}
    told[1]["revision"] = "b"
    assert "different revisions (0: a, 1: b)" in overview.config(told)["errors"][1]


def fleet(told: int = 0, *, answers: bool = True) -> dict[str, Any]:
    return {"answers": answers, "listens": True, "news": {"told": told}}


def test_of_the_fleet_it_is_shown_what_is_worst_with_the_news_of_all():
    told = status({0: worker(fleet=fleet(1)), 1: worker(fleet=fleet(2, answers=False))})
    assert told["fleet"] == fleet(3, answers=False)
    assert status({0: worker(), 1: worker()})["fleet"] is None


def test_of_a_tenant_the_least_that_is_left_is_shown_and_what_was_refused_by_all():
    def tenant(left: int, refused: int) -> dict[str, Any]:
        level = {"limit": "requests", "left": left, "in_flight": 1}
        row = {"scope": "tenant", "limit": "requests", "count": refused}
        return {"limits": {"tenant:a": [level]}, "users": left, "refused": [row]}

    each = {0: worker(tenants={"a": tenant(5, 2)}), 1: worker(tenants={"a": tenant(3, 4)})}
    told = status(each)["tenants"]["a"]
    assert told["limits"]["tenant:a"] == [{"limit": "requests", "left": 3, "in_flight": 2}]
    assert told["users"] == 5
    assert [row["count"] for row in told["refused"]] == [6]


def test_what_one_worker_cannot_keep_is_said_of_all():
    away = {"where": "with the fleet", "why_not": "it does not answer"}
    assert status({0: worker(), 1: worker(kept=away), 2: worker()})["kept"] == away
    assert status({0: worker(), 1: worker()})["kept"]["why_not"] is None


def test_cascades_of_all_are_one() -> None:
    def page(asked_first: bool, audited: int, wrong: int) -> dict[str, Any]:
        tier = {
            "asked_first": asked_first,
            "why": "" if asked_first else "wrong too often",
            "checked": 5,
            "begun": 0,
            "failed": {"empty": 1},
            "share_failed": 0.2,
            "audited": audited,
            "wrong": wrong,
            "wrongly_accepted": None,
        }
        money = {"spent": 0.5, "spent_on": {"answers": 0.5}, "always_dear": 1.0, "saved": 0.5}
        counts = {"requests": 5, "climbed": 1, "unpriced": 0, "not_audited": {"spend": 1}}
        return {"tiers": [tier], "trouble": None, **counts, **money}

    pages = [
        page(asked_first=True, audited=9, wrong=0),
        page(asked_first=False, audited=1, wrong=1),
    ]
    each = {n: worker(cascades={"chat": one}) for n, one in enumerate(pages)}
    told = status(each)["cascades"]["chat"]
    [tier] = told["tiers"]
    assert (told["requests"], told["climbed"], told["saved"]) == (10, 2, 1.0)
    assert told["not_audited"] == {"spend": 2}
    assert (tier["asked_first"], tier["why"]) == (False, "wrong too often")
    assert (tier["checked"], tier["failed"], tier["audited"], tier["wrong"]) == (
        10, {"empty": 2}, 10, 1,
    )  # fmt: skip
    assert tier["wrongly_accepted"]["estimate"] == 0.1
    assert told["words"].startswith("2 of 10 requests climbed; saved $1.0000 (50%)")
