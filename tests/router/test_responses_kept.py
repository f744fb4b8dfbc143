"""What accounts keep of responses, through a whole router: it stays with who made it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from router.testing import Answer, Body, Provider, Reply, Request, Stream
from tests.router.dialects.responses.said import MESSAGE, begun, ended, event, response, text
from tests.router.responding import Stage, sdk, stage
from tests.router.running import JSON

TENANTS = """\
tenants:
  one: {keys: ["${ONE}"]}
  two: {keys: ["${TWO}"]}
"""


def keeping(name: str) -> Callable[[Request], Reply]:
    """An account that keeps what it makes, under ids of its own."""
    id_ = f"resp_{name}"
    kept = response(id=id_, output=[{**MESSAGE, "id": f"msg_{name}"}])
    answers: dict[tuple[str, str], Any] = {
        ("POST", ""): kept,
        ("GET", f"/{id_}"): kept,
        ("GET", f"/{id_}/input_items"): {"object": "list", "data": [], "has_more": False},
        ("POST", f"/{id_}/cancel"): {**kept, "status": "cancelled"},
        ("DELETE", f"/{id_}"): {"id": id_, "object": "response", "deleted": True},
    }

    def said(request: Request) -> Reply:
        path = request.path.partition("?")[0].removeprefix("/v1/responses")
        if "stream=true" in request.path:
            return Stream([event("response.output_text.delta", 5, delta="lo"), ended()])
        if request.fields.get("background"):
            return Body({**kept, "status": "queued", "output": []})
        missing = {"error": {"message": "not found here", "type": "invalid_request_error"}}
        answer = answers.get((request.method, path))
        return Body(missing, 404) if answer is None else Body(answer)

    return said


def both() -> list[Callable[[Request], Reply]]:
    return [keeping("a"), keeping("b")]


async def at_b(there: Stage, **fields: Any) -> Any:
    """A response of the second account's, since the first was out of order."""
    good, there.native[0].script = there.native[0].script, Body({"error": {"message": "x"}}, 500)
    made = await there.client.responses.create(model="m", input="x", **fields)
    there.native[0].script = good
    assert made.id == "resp_b"
    return made


async def test_what_refers_to_an_answer_goes_to_the_account_that_made_it(tmp_path: Path) -> None:
    async with stage(tmp_path, *both()) as there:
        made = await at_b(there)
        before = len(there.native[0].requests)
        create = there.client.responses.create
        references: list[dict[str, Any]] = [
            {"previous_response_id": made.id, "input": "And?"},
            {"input": [{"type": "item_reference", "id": made.output[0].id}]},
            {"input": [{"type": "reasoning", "id": made.output[0].id, "summary": []}]},
        ]
        for fields in references:
            told = await create(model="m", **fields)
            assert told.id == "resp_b"
        assert len(there.native[0].requests) == before


async def test_it_has_nowhere_else_to_go(tmp_path: Path) -> None:
    async with stage(tmp_path, *both(), chat=Answer()) as there:
        made = await at_b(there)
        there.native[1].script = Body({"error": {"message": "x"}}, 500)
        with pytest.raises(openai.InternalServerError):
            await there.client.responses.create(model="m", input="x", previous_response_id=made.id)
        assert there.chat is not None
        assert not there.chat.requests


async def test_what_nobody_is_known_to_have_made_is_not_found(tmp_path: Path) -> None:
    async with stage(tmp_path, *both()) as there:
        with pytest.raises(openai.NotFoundError, match="for whom, is not known"):
            await there.client.responses.create(model="m", input="x", previous_response_id="resp_x")
        with pytest.raises(openai.NotFoundError, match="for whom, is not known"):
            await there.client.responses.retrieve("resp_x")
        assert not there.native[0].requests


async def test_where_nobody_keeps_anything_the_reason_is_told(tmp_path: Path) -> None:
    async with stage(tmp_path, chat=Answer()) as there:
        create = there.client.responses.create
        with pytest.raises(openai.NotFoundError, match="send the whole input"):
            await create(model="m", input="x", previous_response_id="resp_x")
        with pytest.raises(openai.BadRequestError, match="background"):
            await create(model="m", input="x", background=True)


async def test_one_account_alone_needs_nothing_to_be_known(tmp_path: Path) -> None:
    async with stage(tmp_path, keeping("a"), chat=Answer()) as there:
        told = await there.client.responses.create(
            model="m", input="x", previous_response_id="resp_of_long_ago"
        )
        assert told.id == "resp_a"
        kept = await there.client.responses.retrieve("resp_a")
        assert kept.output_text == "Hello"


async def test_what_is_kept_is_looked_at_followed_stopped_and_deleted(tmp_path: Path) -> None:
    async with stage(tmp_path, *both()) as there:
        made = await at_b(there, background=True)
        assert made.status == "queued"
        before = len(there.native[0].requests)
        responses = there.client.responses
        assert (await responses.retrieve(made.id)).output_text == "Hello"
        items = await responses.input_items.list(made.id, limit=5)
        assert items.data == []
        cancelled = await responses.cancel(made.id)
        assert cancelled.status == "cancelled"
        stream = await responses.retrieve(made.id, stream=True, starting_after=4)
        kinds = [one.type async for one in stream]
        assert kinds == ["response.output_text.delta", "response.completed"]
        asked = [(one.method, one.path) for one in there.native[1].requests[1:]]
        assert asked == [
            ("GET", "/v1/responses/resp_b"),
            ("GET", "/v1/responses/resp_b/input_items?limit=5"),
            ("POST", "/v1/responses/resp_b/cancel"),
            ("GET", "/v1/responses/resp_b?starting_after=4&stream=true"),
        ]
        assert all(one.header("authorization") == ["Bearer k1"] for one in there.native[1].requests)
        await responses.delete(made.id)
        with pytest.raises(openai.NotFoundError):
            await responses.retrieve(made.id)
        assert len(there.native[0].requests) == before


async def test_it_is_nobody_s_but_the_tenant_s(tmp_path: Path) -> None:
    async with stage(tmp_path, keeping("a"), rest=TENANTS, key="key-of-one") as there:
        made = await there.client.responses.create(model="m", input="x")
        seen = len(there.native[0].requests)
        async with sdk(there.router, "key-of-two") as other:
            with pytest.raises(openai.NotFoundError):
                await other.responses.retrieve(made.id)
            with pytest.raises(openai.NotFoundError):
                await other.responses.delete(made.id)
            with pytest.raises(openai.NotFoundError):
                await other.responses.create(model="m", input="x", previous_response_id=made.id)
        async with sdk(there.router, "key-of-nobody") as nobody:
            with pytest.raises(openai.AuthenticationError):
                await nobody.responses.retrieve(made.id)
        assert len(there.native[0].requests) == seen
        assert (await there.client.responses.retrieve(made.id)).id == made.id


async def test_what_was_made_before_a_restart_is_nobody_s_where_there_are_several_tenants(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, keeping("a"), rest=TENANTS, key="key-of-one") as there:
        async with sdk(there.router, "key-of-two") as other:
            for asked in (there.client, other):
                create = asked.responses.create
                with pytest.raises(openai.NotFoundError, match="send the whole input"):
                    await create(model="m", input="x", previous_response_id="resp_a")
                with pytest.raises(openai.NotFoundError, match="send the whole input"):
                    await create(
                        model="m",
                        input=[{"type": "item_reference", "id": "msg_a"}],
                    )
                with pytest.raises(openai.NotFoundError, match="for whom, is not known here"):
                    await asked.responses.retrieve("resp_a")
                with pytest.raises(openai.NotFoundError, match="for whom, is not known here"):
                    await asked.responses.delete("resp_a")
        assert not there.native[0].requests


async def test_where_requests_may_not_go_nobody_asks_about_what_is_kept_there(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, keeping("a")) as there:
        made = await there.client.responses.create(model="m", input="x")
        seen = len(there.native[0].requests)
        only = {"x-router-only": "residency=eu"}
        for id_ in (made.id, "resp_of_long_ago"):
            with pytest.raises(openai.NotFoundError):
                await there.client.responses.retrieve(id_, extra_headers=only)
        with pytest.raises(openai.PermissionDeniedError, match="does not stay where"):
            await there.client.responses.create(
                model="m", input="x", previous_response_id=made.id, extra_headers=only
            )
        assert len(there.native[0].requests) == seen
        assert (await there.client.responses.retrieve(made.id)).id == made.id


async def test_a_stream_s_answer_can_be_referred_to_as_soon_as_it_has_begun(
    tmp_path: Path,
) -> None:
    slow = Stream([*begun(), *text("Hel", "lo"), ended()]).stalled(after=2)
    async with stage(tmp_path, keeping("a"), slow) as there:
        there.native[0].script = Body({"error": {"message": "x"}}, 500)
        stream = await there.client.responses.create(
            model="m", input="x", background=True, stream=True
        )
        first = await anext(aiter(stream))
        assert first.type == "response.created"
        there.native[1].script = Body(response(id="resp_1", status="cancelled"))
        told = await there.client.responses.cancel("resp_1")
        assert told.status == "cancelled"
        await stream.close()


async def test_reasoning_of_an_unknown_maker_is_tried_where_it_can_be_read(tmp_path: Path) -> None:
    error = {"message": "x", "type": "invalid_request_error", "code": "invalid_encrypted_content"}
    async with stage(tmp_path, Body({"error": error}, 400), keeping("b")) as there:
        trace: Any = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "g"}
        user: Any = {"role": "user", "content": "And?"}
        told = await there.client.responses.create(model="m", input=[trace, user])
        assert told.id == "resp_b"
        assert there.native[1].requests[0].fields["input"] == [trace, user]


# What goes wrong on the way.


async def known(there: Stage) -> str:
    made = await there.client.responses.create(model="m", input="x")
    return f"/v1/responses/{made.id}"


async def test_errors_are_relayed_in_the_account_s_words_but_not_what_is_ours(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, keeping("a")) as there:
        path = await known(there)
        error = {"error": {"message": "too late", "type": "invalid_request_error"}}
        there.native[0].script = Body(error, 400)
        answer = await there.router.ask("POST", f"{path}/cancel", b"", JSON)
        assert (answer.status, answer.told) == (400, error)
        there.native[0].script = Body({"error": {"message": "bad key"}}, 401)
        answer = await there.router.ask("GET", path)
        assert (answer.status, answer.error["code"]) == (502, "upstream_failed")
        assert "bad key" not in answer.body.decode()
        there.native[0].script = Body("<html>", 500)
        assert (await there.router.ask("GET", path)).status == 500


async def test_silence_has_an_end_and_a_stream_that_breaks_says_so(tmp_path: Path) -> None:
    async with stage(tmp_path, keeping("a")) as there:
        path = await known(there)
        there.native[0].script = Body(response()).delayed(5)
        answer = await there.router.ask("GET", path, headers={"x-router-timeout": "0.1"})
        assert (answer.status, answer.error["code"]) == (502, "upstream_failed")
        cut = Stream([*begun(), b'event: response.output_text.delta\ndata: {"ty']).cut(after=3)
        there.native[0].script = cut
        answer = await there.router.ask("GET", f"{path}?stream=true")
        events = answer.body.split(b"\n\n")
        assert events[2].startswith(b"event: error\n")
        assert json.loads(events[2].partition(b"data: ")[2])["code"] == "upstream_failed"


async def test_an_idle_connection_that_was_closed_costs_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path, Body(response()).hung_up()) as there:
        path = await known(there)
        for _ in range(3):
            assert (await there.router.ask("GET", path)).status == 200
            await asyncio.sleep(0.02)


async def test_only_what_can_be_asked_is(tmp_path: Path) -> None:
    async with stage(tmp_path, keeping("a")) as there:
        path = await known(there)
        seen = len(there.native[0].requests)
        put = await there.router.ask("PUT", path, b"", JSON)
        assert (put.status, put.headers["allow"]) == (405, "GET, DELETE")
        for odd in ("/v1/responses/", f"{path}/../x", f"{path}/of/tomorrow", f"{path}%0d%0ax"):
            assert (await there.router.ask("GET", odd)).status == 404
        long = await there.router.ask("GET", f"/v1/responses/{'x' * 300}")
        assert long.status == 404
        assert len(there.native[0].requests) == seen


async def test_a_client_that_leaves_ends_what_it_followed(tmp_path: Path) -> None:
    async with stage(tmp_path, keeping("a")) as there:
        path = await known(there)
        provider: Provider = there.native[0]
        provider.script = Stream(begun()).stalled(after=2)
        url = f"http://{there.router.listen}{path}?stream=true"
        async with there.router.client.get(url) as answer:
            await answer.content.readany()
        assert await asyncio.wait_for(provider.requests[-1].until_over(), 1)
