"""What requests with a cascade are said to have cost, and to have saved, is what they did."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.testing import Answer, Status
from tests.router.cascade.climbers import climbers
from tests.router.cascade.test_cascades import DEAR, GOOD

UNCOUNTED = Answer("YES", usage=False)


async def test_where_nobody_knows_what_a_judge_has_cost_nothing_is_said_to_be_saved(
    tmp_path: Path,
) -> None:
    cascade = "{checks: [{judge: judges}]}"
    async with climbers(tmp_path, GOOD, DEAR, UNCOUNTED, cascade=cascade) as place:
        assert await place.say() == "that way"
        page = await place.page()
        assert (page["requests"], page["unpriced"], page["saved"]) == (1, 1, 0)


async def test_what_nobody_knows_of_a_judge_is_taken_of_its_budget_as_it_was_reserved(
    tmp_path: Path,
) -> None:
    cascade = "{checks: [{judge: judges, budget: $0.0015/day}]}"
    async with climbers(tmp_path, GOOD, DEAR, UNCOUNTED, cascade=cascade) as place:
        assert await place.say() == "that way"
        assert await place.say() == "this way, certainly"
        assert (await place.page())["trouble"] == "judge judges: its budget is spent"


async def test_what_nobody_knows_of_an_audit_is_taken_of_its_budget_as_it_was_reserved(
    tmp_path: Path,
) -> None:
    cascade = "{checks: [empty], audit: {share: 100%, spend: $0.015/hour}}"
    dear = Answer("dear", usage=False)
    async with climbers(tmp_path, GOOD, dear, cascade=cascade) as place:
        assert await place.say() == "that way"
        page = await place.audited(1)
        assert page["spent_on"]["audits"] > 0.01
        assert await place.say() == "that way"
        assert (await place.settled(2))["not_audited"] == {"spend": 1}


async def test_a_judge_that_answers_at_its_second_try_is_paid_for_both(tmp_path: Path) -> None:
    cascade, broken = "{checks: [{judge: judges}]}", Answer("YES").cut(after_bytes=200)
    paid = []
    for script in (Answer("YES"), [broken, Answer("YES")]):
        async with climbers(tmp_path, GOOD, DEAR, script, cascade=cascade) as place:
            assert await place.say() == "that way"
            paid.append((len(place.judge.requests), (await place.page())["spent_on"]["checks"]))
    (once, one), (twice, both) = paid
    assert (once, twice) == (1, 2)
    assert both > one


@pytest.mark.parametrize("status", [429, 500])
async def test_who_refuses_is_not_paid(tmp_path: Path, status: int) -> None:
    async with climbers(tmp_path, Status(status), DEAR, cascade="{checks: [empty]}") as place:
        assert await place.say() == "this way, certainly"
        page = await place.page()
        assert (page["requests"], page["spent"]) == (0, 0)
