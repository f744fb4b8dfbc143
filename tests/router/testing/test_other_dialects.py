"""A scripted answer in the dialects that are not chat, as their own SDKs read it."""

from typing import Any

import anthropic
import openai
import pytest

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
