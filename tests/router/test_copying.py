"""A share of requests is asked of a shadow as well, and nobody can tell from their answers.

Real routers, real sockets, providers that do what they are told.
"""

import asyncio
import json
import sys

import pytest

from router.testing import Answer, Body, Silence, Status
from tests.router.shadowing import two

GOOD = Answer("one two three")
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
TOOL = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "required": ["place"]}},
}
RESPONSES = {"model": "chat", "input": "hello"}


@pytest.mark.parametrize("stream", [True, False])
async def test_the_same_is_asked_of_the_shadow_and_nobody_gets_its_answer(tmp_path, stream):
    async with two(tmp_path, GOOD, Answer("something else")) as pair:
        told = await pair.chat(stream=stream, temperature=0.5)
        assert told.status == 200
        assert b"something" not in told.body
        page = await pair.settled(1)
        [asked], [copied] = pair.production.requests, pair.shadow.requests
        assert {**asked.fields, "model": "m"} == {**copied.fields, "model": "m"}
        assert page["control"]["outcomes"] == page["shadow"]["outcomes"] == {"ok": 1}


async def test_what_both_came_to_is_compared(tmp_path):
    async with two(tmp_path, GOOD, Answer("one two three four five six")) as pair:
        for stream in (True, False, True, False):
            await pair.chat(stream=stream)
        told = await pair.evidence(4)
        assert told.failed.neither == told.total.count == told.characters.count == 4
        assert told.first.count == 2  # of those that are streamed
        assert told.characters.factor() == pytest.approx((27 / 13,) * 3)
        assert told.tokens.y == 2 * told.tokens.x
        assert told.cost.y > 2 * told.cost.x
        assert told.spent == told.cost.y


async def test_only_a_share_is_copied(tmp_path):
    async with two(tmp_path, GOOD, GOOD) as pair:
        path = pair.router.path
        path.write_text(path.read_text().replace("share: 100%", "share: 20%"))
        await pair.router.app.reload()
        for _ in range(15):
            await asyncio.gather(*(pair.chat() for _ in range(10)))
        sampled = (await pair.page())["sampled"]
        assert 12 <= sampled <= 50  # 30 are expected; 4 standard deviations
        assert (await pair.settled(sampled))["pairs"] == len(pair.shadow.requests)


async def test_a_schema_is_checked_on_both_sides(tmp_path):
    answers = Answer('{"name": "Ann"}'), Answer('{"name": 7}')
    async with two(tmp_path, *answers) as pair:
        for _ in range(3):
            await pair.chat(response_format=SCHEMA)
        await pair.chat()
        told = await pair.evidence(4)
        assert (told.malformed.shadow, told.malformed.count) == (3, 3)


async def test_calls_of_tools_are_checked_on_both_sides(tmp_path):
    def calls(arguments):
        function = {"name": "weather", "arguments": arguments}
        call = {"id": "c", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        usage = {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10}
        return Body({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage})

    async with two(tmp_path, calls('{"place": "Bern"}'), calls('{"plaice": "Bern"}')) as pair:
        await pair.chat(tools=[TOOL])
        told = await pair.evidence(1)
        assert (told.misused.shadow, told.misused.count) == (1, 1)
        assert told.shadow.stopped == {"tool_calls": 1}


async def test_clients_of_other_dialects_are_copied_too(tmp_path):
    async with two(tmp_path, GOOD, Answer("one two three four")) as pair:
        message = {"role": "user", "content": "hello"}
        body = {"model": "chat", "max_tokens": 50, "messages": [message]}
        for stream in (True, False):
            for path, fields in (("messages", body), ("responses", RESPONSES)):
                asked = json.dumps({**fields, "stream": stream}).encode()
                headers = {"content-type": "application/json"}
                answer = await pair.router.ask("POST", f"/v1/{path}", asked, headers)
                assert answer.status == 200
        told = await pair.evidence(4)
        assert told.failed.neither == told.characters.count == 4
        assert told.characters.factor() == pytest.approx((18 / 13,) * 3)


async def test_what_acts_or_is_kept_or_was_meant_for_one_target_is_not_copied(tmp_path):
    headers = {"content-type": "application/json"}
    async with two(tmp_path, GOOD, GOOD) as pair:
        acts = json.dumps({**RESPONSES, "tools": [{"type": "code_interpreter"}]}).encode()
        await pair.router.ask("POST", "/v1/responses", acts, headers)
        later = json.dumps({**RESPONSES, "background": True}).encode()
        await pair.router.ask("POST", "/v1/responses", later, headers)
        await pair.chat(headers={"x-router-target": "production/m"})
        await pair.chat(model="production/m")
        page = await pair.settled(1)
        assert page["held"] == {"acts": 1}
        assert pair.shadow.requests == []


async def test_the_shadow_is_told_not_to_keep_its_answer(tmp_path):
    headers = {"content-type": "application/json"}
    async with two(tmp_path, GOOD, GOOD, provider="preset: openai\n    api_key: k") as pair:
        await pair.router.ask("POST", "/v1/responses", json.dumps(RESPONSES).encode(), headers)
        await pair.chat(store=True)
        await pair.settled(2)
        assert [asked.fields["store"] for asked in pair.shadow.requests] == [False, False]
        assert pair.production.requests[1].fields["store"] is True


async def test_a_trace_of_the_caller_s_does_not_go_on_in_the_copy(tmp_path):
    async with two(tmp_path, GOOD, GOOD) as pair:
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        await pair.chat(headers={"traceparent": trace})
        await pair.settled(1)
        assert pair.production.requests[0].header("traceparent") == [trace]
        assert pair.shadow.requests[0].header("traceparent") == []


async def test_one_idempotency_key_is_copied_once(tmp_path):
    async with two(tmp_path, GOOD, GOOD) as pair:
        for _ in range(3):
            await pair.chat(headers={"idempotency-key": "once"})
        await pair.settled(1)
        assert len(pair.production.requests) == len(pair.shadow.requests) == 1


async def test_a_request_that_is_wrong_is_not_copied(tmp_path):
    async with two(tmp_path, Status(400), GOOD) as pair:
        assert (await pair.chat()).status == 400
        assert (await pair.settled(1))["held"] == {"unanswered": 1}


async def test_production_s_failures_are_counted_as_its_own(tmp_path):
    async with two(tmp_path, Status(500), GOOD) as pair:
        assert (await pair.chat()).status >= 500
        told = await pair.evidence(1)
        assert told.failed.control == 1
        assert told.total.count == 0


async def test_a_tenant_s_limits_know_nothing_of_copies(tmp_path):
    rest = "tenants:\n  default: {limits: {requests: 5/hour, tokens: 100k/hour, concurrent: 2}}\n"
    async with two(tmp_path, GOOD, GOOD, rest=rest) as pair:
        left = []
        for _ in range(5):
            told = await pair.chat(max_tokens=20)
            left.append(int(told.headers["x-ratelimit-remaining-requests"]))
            await pair.settled(len(left))
        assert left == [4, 3, 2, 1, 0]
        assert (await pair.chat()).status == 429
        status = (await pair.router.ask_admin("GET", "/status")).told
        scopes = status["tenants"]["default"]["limits"].values()
        assert {one["in_flight"] for levels in scopes for one in levels} == {0}
        assert len(pair.shadow.requests) == 5


async def test_what_is_counted_of_requests_leaves_copies_out(tmp_path):
    async with two(tmp_path, GOOD, [Status(500), GOOD]) as pair:
        for _ in range(3):
            await pair.chat()
        await pair.settled(3)
        metrics = (await pair.router.ask_admin("GET", "/metrics")).body.decode()
        assert 'requests_total{tenant="default",model="chat",status="200",end="ok"} 3' in metrics
        assert 'pointsman_attempts_total{target="shadow/m"' not in metrics
        assert 'pointsman_tokens_total{target="shadow/m"' not in metrics
        told = 'pointsman_shadow_attempts_total{model="chat",target="shadow/m",outcome='
        assert f'{told}"ok"}} 2' in metrics
        assert f'{told}"failed"}} 1' in metrics
        assert 'pointsman_shadow_sampled_total{model="chat"} 3' in metrics
        status = (await pair.router.ask_admin("GET", "/status")).told
        assert {one["model"] for one in status["requests"]} == {"chat"}


async def test_the_log_and_the_decisions_show_copies_for_what_they_are(tmp_path):
    async with two(tmp_path, GOOD, GOOD) as pair:
        await pair.chat()
        await pair.settled(1)
        assert await pair.router.says("chat→shadow → shadow/m: 200 ok")
        told = (await pair.router.ask_admin("GET", "/decisions")).told["decisions"]
        assert [one["shadow"] for one in told] == [True, False]
        assert [one["target"] for one in told] == ["shadow/m", "production/m"]
        assert told[0]["request"]["band"] == "sheddable"


async def test_nobody_can_ask_for_the_copies_route(tmp_path):
    async with two(tmp_path, GOOD, GOOD) as pair:
        told = await pair.chat(model="chat→shadow")
        assert told.status == 404
        assert "shadow" not in str(told.error["message"]).partition(";")[2]


async def test_a_judge_is_asked_about_both_answers(tmp_path, monkeypatch):
    (tmp_path / "taste.py").write_text(
        "def longer(pair):\n"
        "    assert pair.request['messages']\n"
        "    return 1.0 if len(pair.shadow.text) > len(pair.control.text) else -1.0\n"
        "async def moody(pair):\n"
        "    raise RuntimeError('not today')\n"
    )
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    more = "judge: taste:longer"
    async with two(
        tmp_path, GOOD, Answer("one two three four"), more=more, plugins="taste"
    ) as pair:
        for _ in range(3):
            await pair.chat()
        told = await pair.evidence(3)
        assert (told.score.count, told.score.total, told.errors) == (3, 3.0, 0)
        path = pair.router.path
        path.write_text(path.read_text().replace("taste:longer", "taste:moody"))
        await pair.router.app.reload()
        await pair.chat()
        page = await pair.settled(1)  # another judge, another sample
        assert page["judge_errors"] == 1
        assert page["judge_said"].startswith("RuntimeError at taste.py:5 < ")


async def test_a_judge_that_cannot_be_had_is_refused_with_the_file(tmp_path):
    async with two(tmp_path, GOOD, GOOD, plugins="nowhere") as pair:
        path = pair.router.path
        path.write_text(path.read_text().replace("rate: 6k/min", "rate: 1/s, judge: nowhere:best"))
        await pair.router.app.reload()
        assert "the judge 'nowhere:best' cannot be had" in (await pair.router.refused())[0]


async def test_without_a_shadow_there_is_no_page_and_nothing_is_copied(tmp_path):
    async with two(tmp_path, GOOD, GOOD) as pair:
        path = pair.router.path
        path.write_text(path.read_text().partition(", shadow:")[0] + "}\n")
        await pair.router.app.reload()
        await pair.chat()
        assert (await pair.router.ask_admin("GET", "/shadow")).told == {"shadows": {}}
        assert (await pair.router.ask_admin("GET", "/shadow/chat")).status == 404
        assert pair.shadow.requests == []


async def test_a_copy_under_way_does_not_hold_the_drain(tmp_path):
    async with two(tmp_path, GOOD, Silence()) as pair:
        await pair.chat()
        await pair.copied(1)
        began = asyncio.get_running_loop().time()
        await pair.router.app.drain(announce=False)
        assert asyncio.get_running_loop().time() - began < 1.0
        assert await pair.shadow.requests[0].until_over()


async def test_a_client_that_leaves_is_not_copied(tmp_path):
    async with two(tmp_path, Answer("one two three").paced(0.2), GOOD) as pair:
        async with pair.router.streamed() as response:
            await response.content.readany()
        assert (await pair.settled(1))["held"] == {"unanswered": 1}
        assert pair.shadow.requests == []
