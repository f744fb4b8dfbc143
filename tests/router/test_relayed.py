"""Moderations, images, audio and rerank, by the official client through a running router."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import openai
import pytest

from router.testing import Body, Provider, Raw, Status, Stream, Then, event
from tests.router.running import JSON, Running, running, written

FLAGGED = {"id": "modr_1", "model": "up", "results": [{"flagged": True}]}
DRAWN = {"created": 1, "data": [{"b64_json": "AA=="}], "usage": {"input_tokens": 3}}
HEARD = {"text": "once upon a time"}
RANKED = {"results": [{"index": 1, "relevance_score": 0.9}]}


@asynccontextmanager
async def between(
    folder: Path, first: Provider, second: Provider
) -> AsyncIterator[tuple[openai.AsyncOpenAI, Running]]:
    path = written(folder, "any: {policy: priority, tiers: [[one/up], [two/up]]}")
    text = path.read_text()
    own = "".join(
        f"  {name}: {{base_url: {provider.url}, models: [up]}}\n"
        for name, provider in (("one", first), ("two", second))
    )
    path.write_text(text.replace("providers:\n", f"providers:\n{own}", 1))
    async with (
        running(path) as router,
        openai.AsyncOpenAI(
            base_url=f"http://{router.listen}/v1", api_key="unused", max_retries=0
        ) as client,
    ):
        yield client, router


async def test_moderations_fail_over_and_pass_as_they_came(tmp_path: Path) -> None:
    async with Provider(Status(500)) as bad, Provider(Body(FLAGGED)) as good:
        async with between(tmp_path, bad, good) as (client, _):
            told = await client.moderations.create(model="any", input="how to …")
        assert told.results[0].flagged
        assert good.requests[0].path == "/v1/moderations"
        assert good.requests[0].fields == {"model": "up", "input": "how to …"}


async def test_images_are_made_and_edited(tmp_path: Path) -> None:
    async with Provider(Body(DRAWN)) as one, Provider() as two:
        async with between(tmp_path, one, two) as (client, _):
            drawn = await client.images.generate(model="any", prompt="a signal box")
            edited = await client.images.edit(model="any", image=b"PNG", prompt="at night")
    assert drawn.data is not None
    assert drawn.data[0].b64_json == "AA=="
    assert edited.data is not None
    form = one.requests[1]
    assert (form.path, form.body.count(b"PNG")) == ("/v1/images/edits", 1)
    (kind,) = form.header("content-type")
    assert kind.startswith("multipart/form-data; boundary=")
    assert b'name="model"\r\n\r\nup\r\n' in form.body


async def test_a_sound_is_heard_by_the_next_if_the_first_fails(tmp_path: Path) -> None:
    async with Provider(Raw([Then.RESET])) as bad, Provider(Body(HEARD)) as good:
        async with between(tmp_path, bad, good) as (client, _):
            told = await client.audio.transcriptions.create(model="any", file=b"RIFF" * 20_000)
    assert told.text == "once upon a time"
    assert bad.requests[0].body == good.requests[0].body
    assert good.requests[0].body.count(b"RIFF") == 20_000


async def test_a_sound_that_was_made_passes_as_it_came(tmp_path: Path) -> None:
    sound = bytes(range(256)) * 400
    spoken = Body(sound).with_headers({"content-type": "audio/mpeg"})
    async with Provider(spoken) as one, Provider() as two:
        async with between(tmp_path, one, two) as (client, router):
            told = await client.audio.speech.create(model="any", voice="alloy", input="mind it")
            assert await told.aread() == sound
            body = json.dumps({"model": "any", "input": "x", "voice": "v"}).encode()
            answer = await router.ask("POST", "/v1/audio/speech", body, JSON)
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["x-router-target"] == "one/up"


async def test_a_transcript_comes_in_pieces(tmp_path: Path) -> None:
    kinds = ["transcript.text.delta", "transcript.text.done"]
    events = [event(type=kind, text="once", delta="once") for kind in kinds]
    async with Provider(Stream(events)) as one, Provider() as two:
        async with between(tmp_path, one, two) as (client, _):
            stream = await client.audio.transcriptions.create(
                model="any", file=b"RIFF", stream=True
            )
            assert [told.type async for told in stream] == kinds


async def test_rerank_has_no_client_of_openais_and_passes_too(tmp_path: Path) -> None:
    async with Provider(Body(RANKED)) as one, Provider() as two:
        async with between(tmp_path, one, two) as (_, router):
            body = json.dumps({"model": "any", "query": "q", "documents": ["a", "b"]}).encode()
            answer = await router.ask("POST", "/v1/rerank", body, JSON)
    assert (answer.status, answer.told) == (200, RANKED)


async def test_a_path_that_a_server_has_not_benches_nobody(tmp_path: Path) -> None:
    missing = Body({"detail": "Not Found"}, 404)
    async with Provider(missing) as one, Provider(missing) as two:
        async with between(tmp_path, one, two) as (client, router):
            with pytest.raises(openai.NotFoundError):
                await client.moderations.create(model="any", input="x")
            status = (await router.ask_admin("GET", "/status")).told
    assert "denied" not in json.dumps(status["targets"])


async def test_without_a_model_nobody_is_asked(tmp_path: Path) -> None:
    async with Provider() as one, Provider() as two:
        async with between(tmp_path, one, two) as (client, _):
            with pytest.raises(openai.BadRequestError, match="`model` is missing"):
                await client.moderations.create(input="x")
        assert one.requests == []
