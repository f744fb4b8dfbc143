"""The cheap tier first: its answer is checked before the client gets it, and the dear tier is asked
where it fails. Real routers, real sockets, providers that do what they are told.
"""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from router.testing import Answer, Silence, Status
from router.testing.reply import Reply
from tests.router.cascade.climbers import climbers
from tests.router.running import running, written

GOOD, DEAR = Answer("that way"), Answer("this way, certainly")
REFUSES = Answer("I'm sorry, but I can't help with that.")
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "person",
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
        },
    },
}
CASCADE = "x-router-cascade"
OWN = """
import asyncio
import time

def short(answered):
    return len(answered.said.text) < 10

async def slow(answered):
    await asyncio.sleep(60)

def odd(answered):
    return "perhaps"

def broken(answered):
    raise RuntimeError("no")
"""


async def test_an_answer_that_passes_goes_to_the_client(tmp_path: Path) -> None:
    async with climbers(tmp_path, GOOD, DEAR) as place:
        told = await place.chat()
        assert told.told["choices"][0]["message"]["content"] == "that way"
        assert told.headers[CASCADE] == "accepted"
        assert told.headers["x-router-attempts"] == "1"
        assert place.asked == (1, 0)


@pytest.mark.parametrize(
    ("answer", "check"),
    [(REFUSES, "refusal"), (Answer("half an", finish="length"), "finish"), (Answer(" "), "empty")],
)
async def test_one_that_fails_is_followed_by_the_dear_tier_s(
    tmp_path: Path, answer: Answer, check: str
) -> None:
    async with climbers(tmp_path, answer, DEAR) as place:
        told = await place.chat()
        assert told.told["choices"][0]["message"]["content"] == "this way, certainly"
        assert told.headers[CASCADE] == f"climbed; cheap/m={check}"
        assert told.headers["x-router-attempts"] == "2"
        assert told.headers["x-router-target"] == "dear/m"
        assert place.asked == (1, 1)
        [decision] = (await place.router.ask_admin("GET", "/decisions")).told["decisions"]
        assert decision["climbed"] == {"cheap/m": check}
        assert [one["kind"] for one in decision["attempts"]] == ["first", "climb"]
        assert [one["outcome"] for one in decision["attempts"]] == ["ok", "ok"]
        assert any("does not pass the checks; tier 2 is asked" in one for one in decision["words"])
        assert await place.router.says(f"climbed from cheap/m ({check})")


async def test_json_that_is_not_of_the_schema_climbs(tmp_path: Path) -> None:
    async with climbers(tmp_path, Answer('{"name": 7}'), Answer('{"name": "Ann"}')) as place:
        assert await place.say(response_format=SCHEMA) == '{"name": "Ann"}'
        assert await place.say() == '{"name": 7}'  # nobody asked for a form


async def test_a_cascade_serves_every_dialect(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES, DEAR) as place:
        message = {"role": "user", "content": "hello"}
        for path, fields in (
            ("messages", {"max_tokens": 50, "messages": [message]}),
            ("responses", {"input": "hello", "store": False}),
        ):
            body = json.dumps({"model": "chat", **fields}).encode()
            headers = {"content-type": "application/json"}
            told = await place.router.ask("POST", f"/v1/{path}", body, headers)
            assert b"certainly" in told.body, path
            assert told.headers[CASCADE] == "climbed; cheap/m=refusal"


async def test_where_the_dear_tier_fails_too_the_client_gets_the_best_there_was(
    tmp_path: Path,
) -> None:
    cascade = "{checks: [empty, {length: 20..}]}"
    async with climbers(tmp_path, GOOD, Status(503), cascade=cascade) as place:
        told = await place.chat()
        assert told.status == 200
        assert told.told["choices"][0]["message"]["content"] == "that way"
        assert told.headers[CASCADE] == "best; cheap/m=length 20.."
        assert told.headers["x-router-target"] == "cheap/m"
        page = await place.page()
        assert (page["requests"], page["climbed"]) == (1, 1)
    async with climbers(tmp_path, GOOD, Answer(""), cascade=cascade) as place:
        told = await place.chat()  # the dear one's answer is worse
        assert told.told["choices"][0]["message"]["content"] == "that way"
        assert told.headers[CASCADE] == "best; cheap/m=length 20.., dear/m=empty"
    async with climbers(tmp_path, Answer(""), GOOD, cascade=cascade) as place:
        assert await place.say() == "that way"  # as bad by the last check, but better by the first


@pytest.mark.parametrize(
    "dear", [Status(500).delayed(0.25), Answer("", finish="length").delayed(0.25)]
)
async def test_the_times_of_the_best_answer_are_its_own(tmp_path: Path, dear: Reply) -> None:
    cheap = REFUSES.delayed(0.1)
    cascade = "{checks: [empty, finish, refusal]}"
    async with climbers(tmp_path, cheap, dear, cascade=cascade) as place:
        told = await place.chat()
        assert told.headers["x-router-target"] == "cheap/m"
        times = dict(one.split(";dur=") for one in told.headers["server-timing"].split(", "))
        assert float(times["before"]) < 100
        assert 100 <= float(times["upstream"]) < 250


async def test_the_deadline_is_one_for_all_tiers(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES, Silence(), more="deadline: 400ms") as place:
        told = await place.chat()
        assert told.status == 200
        assert told.headers[CASCADE] == "best; cheap/m=refusal"


async def test_one_attempt_is_enough_to_climb(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES, DEAR, more="retry: {attempts: 1}") as place:
        assert await place.say() == "this way, certainly"


async def test_a_failing_cheap_tier_is_left_as_without_a_cascade(tmp_path: Path) -> None:
    async with climbers(tmp_path, Status(503), DEAR) as place:
        told = await place.chat()
        assert told.status == 200
        assert CASCADE not in told.headers


async def test_nothing_is_fallen_back_on_while_there_is_an_answer(tmp_path: Path) -> None:
    more = "when_all_fail: [{text: busy}]"
    async with climbers(tmp_path, REFUSES, Status(500), more=more) as place:
        told = await place.chat()
        assert b"can't help" in told.body
        assert "x-router-degraded" not in told.headers


async def test_what_is_not_checked_is_served_as_without_a_cascade(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES, DEAR) as place:
        told = await place.chat(stream=True)
        assert b"sorry" in told.body
        assert CASCADE not in told.headers
        told = await place.chat(n=2)
        assert CASCADE not in told.headers
        told = await place.chat(headers={"x-router-policy": "least_latency"})
        assert CASCADE not in told.headers
        told = await place.chat(headers={"x-router-target": "cheap/m"})
        assert CASCADE not in told.headers


async def test_both_answers_are_billed_and_the_client_s_is_labelled(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES, DEAR) as place:
        await place.chat()
        page = await place.page()
        spent = page["spent_on"]["answers"]
        [decision] = (await place.router.ask_admin("GET", "/decisions")).told["decisions"]
        money = sum(one["money"] for one in decision["attempts"])
        assert spent == pytest.approx(money / 1e9)
        dear = decision["attempts"][1]["money"]
        assert page["always_dear"] == pytest.approx(dear / 1e9)
        assert page["saved"] == pytest.approx((dear - money) / 1e9)
        assert page["saved"] < 0


async def test_a_judge_says_whether_an_answer_is_good_enough(tmp_path: Path) -> None:
    cascade = "{checks: [empty, {judge: judges, ask: 'Is it polite?'}]}"
    verdicts = [Answer("YES"), Answer("No."), Answer("hm"), Status(500)]
    async with climbers(tmp_path, GOOD, DEAR, verdicts, cascade=cascade) as place:
        assert [await place.say() for _ in range(3)] == ["that way", *["this way, certainly"] * 2]
        [system, user] = place.judge.requests[0].fields["messages"]
        assert system["content"] == "Is it polite?"
        assert "user: hello" in user["content"]
        assert "<answer>\nthat way\n</answer>" in user["content"]
        page = await place.page()
        assert page["tiers"][0]["failed"] == {"judge judges": 2}
        assert page["spent_on"]["checks"] > 0
        assert page["trouble"] == "judge judges: it said neither yes nor no in 1,000 tokens"
        assert await place.say() == "this way, certainly"
        assert (await place.page())["trouble"] == "judge judges: it did not answer"


async def test_a_judge_s_answer_is_bounded_and_so_its_budget_is_kept_by_any_number_at_once(
    tmp_path: Path,
) -> None:
    # One costs up to 1,000 tokens of output at $1 per million and some of input: five fit.
    cascade = "{checks: [{judge: judges, budget: $0.0065/day}]}"
    async with climbers(
        tmp_path, GOOD, DEAR, Answer("YES").delayed(0.25), cascade=cascade
    ) as place:
        said = Counter(await asyncio.gather(*(place.say() for _ in range(16))))
        assert said == {"that way": 5, "this way, certainly": 11}
        assert {one.fields["max_tokens"] for one in place.judge.requests} == {1000}
        # What was reserved and not used is there for the next.
        assert await place.say() == "that way"


async def test_what_a_judge_has_cost_counts_after_a_restart(tmp_path: Path) -> None:
    cascade = "{checks: [{judge: judges, budget: $0.0013/day}]}"
    for said in ("that way", "this way, certainly"):
        async with climbers(tmp_path, GOOD, DEAR, Answer("YES " * 700), cascade=cascade) as place:
            assert await place.say() == said


async def test_what_audits_have_cost_counts_after_a_restart(tmp_path: Path) -> None:
    cascade = "{checks: [empty], audit: {share: 100%, spend: $0.012/hour}}"
    for held in ({}, {"spend": 1}):
        async with climbers(tmp_path, GOOD, Answer("dear " * 700), cascade=cascade) as place:
            assert await place.say() == "that way"
            page = await place.settled(1)
            assert page["not_audited"] == held


async def test_an_audit_reserves_what_a_longer_answer_may_cost(tmp_path: Path) -> None:
    # The cheap one says two words; of the dear one's up to 1,000 at $10 per million one fits.
    cascade = "{checks: [empty], audit: {share: 100%, spend: $0.015/hour}}"
    late = Answer("dear " * 700).delayed(0.2)
    async with climbers(tmp_path, GOOD, late, cascade=cascade) as place:
        await asyncio.gather(*(place.say() for _ in range(4)))
        page = await place.settled(4)
        assert page["not_audited"] == {"spend": 3}
        assert len(place.dear.requests) == 1


async def test_a_judge_whose_budget_is_spent_has_not_said_yes(tmp_path: Path) -> None:
    cascade = "{checks: [{judge: judges, budget: $0.000001/day}]}"
    async with climbers(tmp_path, GOOD, DEAR, Answer("YES"), cascade=cascade) as place:
        assert await place.say() == "this way, certainly"
        assert not place.judge.requests
        assert (await place.page())["trouble"] == "judge judges: its budget is spent"


async def test_checks_of_one_s_own_are_asked_and_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_checks.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("own_checks", None)
    for check, words, trouble in (
        ("short", "that way", None),
        ("slow", "this way, certainly", "did not answer within 0."),
        ("odd", "this way, certainly", "neither true nor false"),
        ("broken", "this way, certainly", "own_checks:broken: RuntimeError at own_checks.py:"),
    ):
        cascade = f"{{checks: ['own_checks:{check}']}}"
        async with climbers(
            tmp_path, GOOD, DEAR, cascade=cascade, plugins="own_checks", more="deadline: 1s"
        ) as place:
            assert await place.say() == words, check
            told = (await place.page())["trouble"]
            assert told is None if trouble is None else trouble in told, told


async def test_who_leaves_during_a_check_is_let_go(tmp_path: Path) -> None:
    cascade = "{checks: [{judge: judges}]}"
    async with climbers(tmp_path, GOOD, DEAR, Silence(), cascade=cascade) as place:
        asking = asyncio.create_task(place.chat())
        for _ in range(200):
            if place.judge.requests:
                break
            await asyncio.sleep(0.005)
        asking.cancel()
        for _ in range(200):
            if not place.router.app.pipeline.running:
                break
            await asyncio.sleep(0.005)
        assert place.router.app.state.runtime.engine.in_flight == 0


async def test_a_cascade_that_costs_more_than_it_saves_is_switched_off_by_itself(
    tmp_path: Path,
) -> None:
    async with climbers(tmp_path, REFUSES, DEAR) as place:
        for _ in range(24):
            assert await place.say() == "this way, certainly"
        page = await place.page()
        tier = page["tiers"][0]
        assert not tier["asked_first"]
        assert tier["share_failed"] == 1.0
        assert "100% of its last answers failed" in tier["why"]
        before = place.asked
        for _ in range(30):
            told = await place.chat()
            assert told.status == 200
        after = place.asked
        assert after[0] - before[0] <= 5  # looks
        question = json.dumps({"model": "chat"}).encode()
        headers = {"content-type": "application/json"}
        told = (await place.router.ask_admin("POST", "/explain", question, headers)).told
        assert told["start"][0].startswith("starts in tier 2: tier 1 is skipped by its cascade")
        assert "dearer than to begin above it" in told["start"][-1]
        metrics = (await place.router.ask_admin("GET", "/metrics")).body.decode()
        assert 'pointsman_cascade_failed_total{model="chat",tier="1",check="refusal"}' in metrics


async def test_a_cheap_tier_that_is_not_cheap_is_not_asked_first(tmp_path: Path) -> None:
    async with climbers(tmp_path, GOOD, DEAR, price=0.5) as place:
        for _ in range(40):
            await place.chat()
        assert place.asked[0] <= 30
        assert "up to" not in (await place.page())["tiers"][0]["why"]


async def test_what_is_saved_is_counted_against_always_dear(tmp_path: Path) -> None:
    async with climbers(tmp_path, GOOD, DEAR) as place:
        for _ in range(5):
            await place.chat()
        page = await place.page()
        assert page["saved"] > 0
        assert page["words"].startswith("0 of 5 requests climbed; saved $")


AUDITED = "{checks: [empty], audit: {by: exact, share: 100%, bound: 20%}}"


async def test_accepted_answers_are_compared_with_the_dear_tier_s_off_their_path(
    tmp_path: Path,
) -> None:
    async with climbers(tmp_path, GOOD, DEAR.delayed(0.1), cascade=AUDITED) as place:
        told = await place.chat()
        assert told.headers[CASCADE] == "accepted"
        assert (await place.page())["tiers"][0]["audited"] == 0  # nobody waited for it
        page = await place.audited(1)
        tier = page["tiers"][0]
        assert (tier["audited"], tier["wrong"]) == (1, 1)
        assert tier["wrongly_accepted"]["high"] == 1.0
        assert page["spent_on"]["audits"] > 0
        assert page["saved"] == pytest.approx(page["always_dear"] - page["spent"], abs=1e-8)
        [asked] = place.dear.requests
        assert asked.fields["messages"] == place.cheap.requests[0].fields["messages"]
        assert (await place.router.ask_admin("GET", "/metrics")).status == 200


async def test_answers_that_are_the_same_are_trusted(tmp_path: Path) -> None:
    async with climbers(tmp_path, GOOD, GOOD, cascade=AUDITED) as place:
        for _ in range(3):
            await place.chat()
        tier = (await place.audited(3))["tiers"][0]
        assert (tier["wrong"], tier["wrongly_accepted"]["estimate"]) == (0, 0.0)


async def test_a_tier_whose_accepted_answers_are_wrong_too_often_is_skipped_until_it_is_not(
    tmp_path: Path,
) -> None:
    async with climbers(tmp_path, GOOD, DEAR, cascade=AUDITED) as place:
        for count in range(1, 21):
            await place.chat()
            await place.audited(count)
        tier = (await place.page())["tiers"][0]
        assert not tier["asked_first"]
        assert "wrong too often" in tier["why"]
        told = await place.chat(stream=True)  # those that are not checked as well
        assert b"certainly" in told.body
        place.dear.script = GOOD
        before = place.asked[0]
        lane = place.router.app.state.cascades.of("chat", place.router.app.state.runtime.cascades)
        assert lane is not None
        lane._chance = lambda: 0.0  # every request is a look
        for count in range(21, 41):
            await place.chat()
            await place.audited(count)
        assert place.asked[0] > before
        assert (await place.page())["tiers"][0]["asked_first"]


async def test_audits_keep_to_their_spend(tmp_path: Path) -> None:
    cascade = AUDITED.replace("exact", "exact, spend: $0.000001/day")
    async with climbers(tmp_path, GOOD, DEAR, cascade=cascade) as place:
        await place.chat()
        await asyncio.sleep(0.05)
        assert place.asked == (1, 0)
        assert (await place.page())["not_audited"] == {"spend": 1}


async def test_what_a_dear_tier_cannot_answer_says_nothing(tmp_path: Path) -> None:
    async with climbers(tmp_path, GOOD, Status(500), cascade=AUDITED) as place:
        await place.chat()
        for _ in range(100):
            if (await place.page())["not_audited"]:
                break
            await asyncio.sleep(0.005)
        page = await place.page()
        assert page["not_audited"] == {"unanswered": 1}
        assert page["tiers"][0]["audited"] == 0


BETTER = """
def better(pair):
    return -1 if len(pair.control.text) > len(pair.shadow.text) else 0
"""


async def test_a_judge_of_one_s_own_says_what_should_not_have_been_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_judge.py").write_text(BETTER)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("own_judge", None)
    cascade = "{checks: [empty], audit: {by: 'own_judge:better', share: 100%}}"
    async with climbers(tmp_path, GOOD, DEAR, cascade=cascade, plugins="own_judge") as place:
        await place.chat()
        assert (await place.audited(1))["tiers"][0]["wrong"] == 1


async def test_what_was_measured_is_kept_over_a_reload(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES, DEAR) as place:
        for _ in range(24):
            await place.chat()
        path = place.router.path
        path.write_text(path.read_text().replace("connect: 1s", "connect: 2s"))
        await place.router.app.reload()
        assert not (await place.page())["tiers"][0]["asked_first"]
        path.write_text(path.read_text().replace("cascade: auto", "cascade: {checks: [empty]}"))
        await place.router.app.reload()
        page = await place.page()
        assert page["tiers"][0]["asked_first"]  # by other checks it may be worth it
        assert await place.say() == "I'm sorry, but I can't help with that."


async def test_the_engine_s_own_simulated_providers_serve_a_cascade(tmp_path: Path) -> None:
    models = """
smart:
  policy: cost_tiers
  tiers: [[sim/fast], [sim/other]]
  cascade: {checks: [empty, {length: 100k..}]}
"""
    async with running(written(tmp_path, models)) as router:
        told = await router.chat("smart")
        assert told.status == 200
        assert told.headers[CASCADE].startswith("best; sim/fast=length 100k.., sim/other=length")
        assert told.headers["x-router-attempts"] == "2"


async def test_both_answers_count_for_the_limits_of_a_tenant(tmp_path: Path) -> None:
    async with climbers(tmp_path, REFUSES, DEAR) as place:
        path = place.router.path
        tenants = "tenants: {default: {limits: {tokens: 100k/min}}}\n"
        path.write_text(path.read_text() + tenants)
        await place.router.app.reload()
        told = await place.chat()
        [decision] = (await place.router.ask_admin("GET", "/decisions")).told["decisions"]
        used = sum(one["input_tokens"] + one["output_tokens"] for one in decision["attempts"])
        assert told.status == 200
        limits = (await place.router.ask_admin("GET", "/status")).told["tenants"]
        assert 100_000 - used in numbers_in(limits), (limits, used)


def numbers_in(told: object) -> set[int]:
    """All whole numbers in it."""
    if isinstance(told, dict):
        return {one for value in told.values() for one in numbers_in(value)}
    if isinstance(told, list):
        return {one for value in told for one in numbers_in(value)}
    return {int(told)} if isinstance(told, int | float) else set()


async def test_a_file_that_is_loaded_meanwhile_does_no_harm(tmp_path: Path) -> None:
    cascade = "{checks: [empty, {judge: judges}], audit: exact}"
    async with climbers(tmp_path, GOOD, DEAR, Answer("NO").delayed(0.2), cascade=cascade) as place:
        asking = asyncio.create_task(place.chat())
        for _ in range(200):
            if place.judge.requests:
                break
            await asyncio.sleep(0.005)
        path = place.router.path
        without = path.read_text().replace("[[cheap/m], [dear/m]]", "[[dear/m], [judge/m]]")
        path.write_text(without.replace(cascade, "auto"))
        await place.router.app.reload()
        assert await place.router.refused() == []
        told = await asking
        assert told.status == 200
        assert told.headers[CASCADE] == "climbed; cheap/m=judge judges"
        assert (await place.page())["requests"] == 0
