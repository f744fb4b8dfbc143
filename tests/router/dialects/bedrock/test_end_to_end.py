"""OpenAI's SDK asks a running router, which asks a scripted Bedrock over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import botocore.session
import openai
import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from router.testing import Answer, Body, Provider, Request, Stream
from tests.router.dialects.bedrock.wire import (
    BEGUN,
    CALLING,
    EVENTS,
    HELLO,
    event,
    exception,
    judged,
    said,
    whole,
)
from tests.router.running import Running, running

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "the/secret+key"}
SESSION = {**KEYS, "AWS_SESSION_TOKEN": "the-session"}
BEARER = {"AWS_BEARER_TOKEN_BEDROCK": "the-bearer"}
FILE = """\
version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
providers:
  aws: {{preset: bedrock, region: eu-west-1, base_url: "{aws}", models: ["{model}"] {more}}}
  other: {{base_url: "{other}", api_key: key, models: [m]}}
models:
  chat: {{policy: priority, tiers: [["aws/{model}"], [other/m]]}}
  aws: {{targets: ["aws/{model}"]}}
"""
ASKED: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
TOOL: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
THROTTLED = Body({"message": "Too many requests"}, 429).with_headers(
    {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/"}
)


def stream(*frames: bytes) -> Stream:
    return Stream(frames, headers=EVENTS)


@asynccontextmanager
async def scene(
    folder: Path, bedrock: Any, environ: Mapping[str, str] = KEYS, more: str = ""
) -> AsyncIterator[tuple[openai.AsyncOpenAI, Running, Provider, Provider]]:
    """Bedrock says what the script says; behind it is another provider."""
    path = folder / "providers.yaml"
    async with Provider(bedrock) as aws, Provider(Answer("elsewhere")) as other:
        path.write_text(FILE.format(aws=aws.origin, other=other.url, model=MODEL, more=more))
        async with (
            running(path, environ) as router,
            openai.AsyncOpenAI(
                base_url=f"http://{router.listen}/v1", api_key="k", max_retries=0
            ) as sdk,
        ):
            yield sdk, router, aws, other


def signed_by_botocore(request: Request, session: str | None) -> None:
    """The request has the signature that AWS's own signer gives it."""
    [told] = request.header("authorization")
    [at] = request.header("x-amz-date")
    names = told.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    covered = {
        name: request.header(name)[0]
        for name in names
        if name not in ("host", "x-amz-date", "x-amz-security-token")
    }
    url = f"http://{request.header('host')[0]}{request.path}"
    again = AWSRequest("POST", url, headers=covered, data=request.body)
    keys = Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], session)
    instant = datetime.strptime(at, "%Y%m%dT%H%M%SZ")  # noqa: DTZ007 - as botocore has it
    with patch.object(auth, "get_current_datetime", lambda **_: instant):
        auth.SigV4Auth(keys, "bedrock", "eu-west-1").add_auth(again)
    assert told == again.headers["Authorization"]
    assert {"host", "content-type", "x-amz-date"} <= set(names)
    assert request.header("x-amz-security-token") == ([session] if session else [])


@pytest.mark.parametrize("environ", [KEYS, SESSION])
async def test_an_answer_in_one_piece_reaches_the_sdk(tmp_path: Path, environ) -> None:
    async with scene(tmp_path, Body(whole({"text": "Hello"})), environ) as (sdk, _, aws, other):
        answer = await sdk.chat.completions.create(model="chat", messages=ASKED)
    assert answer.choices[0].message.content == "Hello"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (9, 5)
    assert other.requests == []
    [request] = aws.requests
    assert judged(request.path, request.body) == {
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "system": [{"text": "Be brief."}],
    }
    signed_by_botocore(request, environ.get("AWS_SESSION_TOKEN"))
    assert request.header("accept") == ["*/*"]


async def test_a_scripted_answer_reaches_the_sdk_as_a_chat(tmp_path: Path) -> None:
    async with scene(tmp_path, Answer("Hello there.")) as (sdk, _, aws, other):
        whole = await sdk.chat.completions.create(model="chat", messages=ASKED)
        stream = await sdk.chat.completions.create(model="chat", messages=ASKED, stream=True)
        pieces = [one.choices[0].delta.content or "" async for one in stream if one.choices]
    assert whole.choices[0].message.content == "".join(pieces) == "Hello there."
    assert (len(aws.requests), other.requests) == (2, [])


async def test_a_stream_reaches_the_sdk_piece_by_piece(tmp_path: Path) -> None:
    async with scene(tmp_path, stream(*HELLO)) as (sdk, router, aws, _):
        chunks = [
            chunk
            async for chunk in await sdk.chat.completions.create(
                model="chat", messages=ASKED, stream=True, stream_options={"include_usage": True}
            )
        ]
        texts = [c.choices[0].delta.content for c in chunks if c.choices]
        async with router.streamed("chat") as response:
            raw = (await response.read()).decode()
            assert response.headers["content-type"].startswith("text/event-stream")
    assert [text for text in texts if text] == ["Hel", "lo"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 14
    assert raw.rstrip().endswith("data: [DONE]")
    assert f"aws/{MODEL}" in raw
    for request in aws.requests:
        assert request.path.endswith("/converse-stream")
        signed_by_botocore(request, None)


async def test_a_call_of_a_tool_goes_there_and_back(tmp_path: Path) -> None:
    script = [stream(*CALLING), Body(whole({"text": "One."}))]
    async with scene(tmp_path, script) as (sdk, _, aws, _):
        async with sdk.chat.completions.stream(model="chat", messages=ASKED, tools=[TOOL]) as came:
            first = (await came.get_final_completion()).choices[0].message
        assert first.tool_calls is not None
        [call] = first.tool_calls
        told = [
            *ASKED,
            first.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "1"},
        ]
        second = await sdk.chat.completions.create(model="chat", messages=told, tools=[TOOL])
    assert (call.function.name, json.loads(call.function.arguments)) == ("f", {"a": 1})
    assert second.choices[0].message.content == "One."
    turns = judged(aws.requests[1].path, aws.requests[1].body)["messages"]
    use, result = turns[1]["content"][0], turns[2]["content"][0]
    assert use == {"toolUse": {"toolUseId": "tooluse_1", "name": "f", "input": {"a": 1}}}
    assert result == {"toolResult": {"toolUseId": "tooluse_1", "content": [{"text": "1"}]}}


async def test_a_bearer_key_is_sent_as_it_is(tmp_path: Path) -> None:
    environ = {**KEYS, **BEARER}
    async with scene(tmp_path, Body(whole({"text": "Hello"})), environ) as (sdk, _, aws, _):
        await sdk.chat.completions.create(model="chat", messages=ASKED)
    [request] = aws.requests
    assert request.header("authorization") == ["Bearer the-bearer"]
    assert request.header("x-amz-date") == []


@pytest.mark.parametrize(
    "bedrock",
    [
        THROTTLED,
        stream(BEGUN, exception("throttlingException")),
        stream(b"x" * 40),
        stream(BEGUN, event("messageStop", stopReason="malformed_model_output")),
        stream(BEGUN),
    ],
)
async def test_a_failure_before_content_is_rescued_in_silence(tmp_path: Path, bedrock) -> None:
    async with scene(tmp_path, bedrock) as (sdk, _, _, _):
        came = await sdk.chat.completions.create(model="chat", messages=ASKED, stream=True)
        texts = [chunk.choices[0].delta.content or "" async for chunk in came if chunk.choices]
    assert "".join(texts) == "elsewhere"


@pytest.mark.parametrize(
    "end", [exception("modelStreamErrorException", "it broke"), said("!")[:-1] + b"?", b""]
)
async def test_a_failure_after_content_is_an_error_that_the_sdk_sees(tmp_path: Path, end) -> None:
    async with scene(tmp_path, stream(BEGUN, said("Hel"), end).paced(0.05)) as (sdk, _, _, _):
        came = await sdk.chat.completions.create(model="chat", messages=ASKED, stream=True)
        with pytest.raises(openai.APIError):
            async for _ in came:
                pass


async def test_a_refusal_is_told_in_the_client_s_words(tmp_path: Path) -> None:
    wrong = Body({"message": "The format is wrong."}, 400).with_headers(
        {"x-amzn-errortype": "ValidationException"}
    )
    async with scene(tmp_path, wrong) as (sdk, _, _, _):
        with pytest.raises(openai.BadRequestError, match=r"The format is wrong\."):
            await sdk.chat.completions.create(model="aws", messages=ASKED)


async def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    async with scene(tmp_path, Body(whole({"text": "Hello"}))) as (sdk, _, _, _):
        raw = await sdk.chat.completions.with_raw_response.create(
            model="aws", messages=ASKED, seed=7, logprobs=True
        )
    assert set(raw.headers["x-router-dropped"].split(", ")) == {"seed", "logprobs"}


async def test_without_a_credential_the_account_is_denied_and_the_log_says_why(
    tmp_path: Path, monkeypatch
) -> None:
    nothing = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }
    for name, value in nothing.items():
        monkeypatch.setenv(name, value)
    async with scene(tmp_path, Body({}), {}, ", auth: aws") as (sdk, router, aws, _):
        answer = await sdk.chat.completions.create(model="chat", messages=ASKED)
        with pytest.raises(openai.InternalServerError):
            await sdk.chat.completions.create(model="aws", messages=ASKED)
        await asyncio.sleep(0.05)
        log = router.stream.getvalue()
    assert answer.choices[0].message.content == "elsewhere"
    assert aws.requests == []
    assert "denied (connect): no credential: AWS: neither keys nor a profile nor a role" in log


async def test_keys_of_a_profile_sign_as_those_of_the_environment(
    tmp_path: Path, monkeypatch
) -> None:
    shared = tmp_path / "credentials"
    pair = f"aws_access_key_id = {KEYS['AWS_ACCESS_KEY_ID']}\n"
    pair += f"aws_secret_access_key = {KEYS['AWS_SECRET_ACCESS_KEY']}\n"
    shared.write_text(f"[default]\n{pair}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    hello = Body(whole({"text": "Hello"}))
    async with scene(tmp_path, hello, {}, ", auth: aws") as (sdk, _, aws, _):
        await sdk.chat.completions.create(model="chat", messages=ASKED)
    signed_by_botocore(aws.requests[0], None)


def test_botocore_reads_what_the_scripted_bedrock_says() -> None:
    script = [Body(whole({"text": "Hello"})), stream(*CALLING), THROTTLED]
    with Provider(script) as aws:
        client = botocore.session.get_session().create_client(
            "bedrock-runtime",
            region_name="eu-west-1",
            endpoint_url=aws.origin,
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(retries={"total_max_attempts": 1}),
        )
        asked: Any = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
        answer = client.converse(**asked)
        events = list(client.converse_stream(**asked)["stream"])
        with pytest.raises(client.exceptions.ThrottlingException):
            client.converse(**asked)
        client.close()
    assert answer["output"]["message"]["content"] == [{"text": "Hello"}]
    assert [next(iter(one)) for one in events] == [
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert events[-1]["metadata"]["usage"]["totalTokens"] == 14
