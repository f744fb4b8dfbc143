"""A scripted answer in the dialects that are not chat, as their own SDKs read it."""

import asyncio
from typing import Any

import anthropic
import botocore.session
import openai
import pytest
from botocore.config import Config
from google import genai

from router.testing import Answer, Provider

TEXT = "Hello there, you."
MESSAGES: Any = [{"role": "user", "content": "hello"}]


async def test_an_answer_is_a_response_where_that_is_asked_for():
    async with (
        Provider(Answer(TEXT)) as provider,
        openai.AsyncOpenAI(base_url=provider.url, api_key="k", max_retries=0) as client,
    ):
        whole = await client.responses.create(model="m", input="hello")
        assert (whole.output_text, whole.model) == (TEXT, "m")
        assert whole.usage is not None
        assert (whole.usage.input_tokens, whole.usage.output_tokens) == (10, 3)
        async with client.responses.stream(model="m", input="hello") as stream:
            kinds = [event.type async for event in stream]
            assert (await stream.get_final_response()).output_text == TEXT
        assert kinds.count("response.output_text.delta") == 3
        assert kinds[-1] == "response.completed"


async def test_an_answer_is_a_message_where_that_is_asked_for():
    async with (
        Provider(Answer(TEXT)) as provider,
        anthropic.AsyncAnthropic(base_url=provider.origin, api_key="k", max_retries=0) as client,
    ):
        whole = await client.messages.create(model="m", messages=MESSAGES, max_tokens=9)
        assert [block.to_dict() for block in whole.content] == [{"type": "text", "text": TEXT}]
        assert (whole.usage.input_tokens, whole.usage.output_tokens) == (10, 3)
        async with client.messages.stream(model="m", messages=MESSAGES, max_tokens=9) as stream:
            assert (await stream.get_final_text()) == TEXT


async def test_an_answer_is_gemini_s_where_that_is_asked_for():
    async with Provider(Answer(TEXT)) as provider:
        whole, chunks = await asyncio.to_thread(asked_by_google, provider.origin)
    assert (whole.text, whole.model_version) == (TEXT, "m")
    counts = whole.usage_metadata
    assert (counts.prompt_token_count, counts.candidates_token_count) == (10, 3)
    assert [chunk.text for chunk in chunks] == ["Hello", " there,", " you.", ""]
    ends = [chunk.candidates[0].finish_reason for chunk in chunks]
    assert ends == [None, None, None, "STOP"]
    assert chunks[-1].usage_metadata == counts


def asked_by_google(origin: str) -> tuple[Any, list[Any]]:
    with genai.Client(api_key="k", http_options={"base_url": origin}) as client:
        whole = client.models.generate_content(model="m", contents="hello")
        return whole, list(client.models.generate_content_stream(model="m", contents="hello"))


async def test_an_answer_is_bedrock_s_where_that_is_asked_for():
    async with Provider(Answer(TEXT, finish="length")) as provider:
        whole, events = await asyncio.to_thread(asked_by_botocore, provider.origin)
    assert whole["output"]["message"]["content"] == [{"text": TEXT}]
    assert (whole["stopReason"], whole["usage"]["outputTokens"]) == ("max_tokens", 3)
    deltas = [one["contentBlockDelta"] for one in events if "contentBlockDelta" in one]
    assert "".join(one["delta"]["text"] for one in deltas) == TEXT
    assert [next(iter(one)) for one in events][-3:] == [
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]


def asked_by_botocore(origin: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    client = botocore.session.get_session().create_client(
        "bedrock-runtime",
        region_name="eu-west-1",
        endpoint_url=origin,
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(retries={"total_max_attempts": 1}),
    )
    messages = [{"role": "user", "content": [{"text": "hello"}]}]
    whole = client.converse(modelId="m", messages=messages)
    streamed = client.converse_stream(modelId="m", messages=messages)
    told = whole, list(streamed["stream"])
    client.close()
    return told


async def test_such_a_stream_can_be_without_its_end_or_be_cut():
    async with (
        Provider(Answer(TEXT, finish=None)) as provider,
        openai.AsyncOpenAI(base_url=provider.url, api_key="k", max_retries=0) as client,
    ):
        stream = await client.responses.create(model="m", input="hello", stream=True)
        kinds = [event.type async for event in stream]
        assert kinds[-1] == "response.output_text.delta"
        provider.script = Answer(TEXT).cut(after=5)
        with pytest.raises(openai.APIConnectionError):
            [one async for one in await client.responses.create(model="m", input="x", stream=True)]
