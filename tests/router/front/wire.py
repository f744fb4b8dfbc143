"""A listener to talk to over real sockets, on either loop, and what is needed to talk to it raw."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import update_wrapper
from inspect import Parameter, Signature, signature
from typing import Any

import pytest
import uvloop

from router.front.exchange import Handler, Headers, Inbound, Refused, Responder
from router.front.guard import Guard
from router.front.listener import Listener

GET = b"GET /v1/models?all=1 HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/chat HTTP/1.1\r\nHost: localhost\r\n"


def on_both_loops(scenario: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test on asyncio's own event loop and on uvloop, which is served on; what else it asks
    for is pytest's to give.
    """

    def run(new_loop: Callable[[], asyncio.AbstractEventLoop], **given: Any) -> None:
        async def scene() -> None:
            await scenario(**given)

        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(scene())

    asked = signature(scenario).parameters
    loop = Parameter("new_loop", Parameter.KEYWORD_ONLY)
    update_wrapper(run, scenario)
    del run.__wrapped__  # type: ignore[attr-defined]  # pytest would run that one
    run.__signature__ = Signature([*asked.values(), loop])  # type: ignore[attr-defined]
    loops = [asyncio.new_event_loop, uvloop.new_event_loop]
    made: Callable[..., None] = pytest.mark.parametrize(
        "new_loop", loops, ids=["asyncio", "uvloop"]
    )(run)
    return made


@dataclass
class Served:
    """A listener that runs, and the exceptions that it reported."""

    listener: Listener
    address: str
    errors: list[BaseException] = field(default_factory=list)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self.address.split(":")
        return await asyncio.open_connection(host, int(port))

    async def ask(self, request: bytes) -> "Answer":
        """Send this on a new connection, and read one answer."""
        reader, writer = await self.connect()
        writer.write(request)
        try:
            return await read_answer(reader)
        finally:
            writer.close()


@dataclass
class Answer:
    """One answer, and whether it came to its proper end."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool = True

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["error"]["code"])


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    async with asyncio.timeout(2):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *lines = head.strip().split("\r\n")
    fields = (line.split(": ", 1) for line in lines)
    return int(status.split()[1]), {name.lower(): value for name, value in fields}


async def read_answer(reader: asyncio.StreamReader, *, bodiless: bool = False) -> Answer:
    status, headers = await read_head(reader)
    answer = Answer(status, headers, b"")
    async with asyncio.timeout(2):
        if bodiless:
            return answer
        if "content-length" in headers:
            answer.body = await reader.readexactly(int(headers["content-length"]))
        elif "transfer-encoding" in headers:
            answer.whole = False
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while size := int(await reader.readuntil(b"\r\n"), 16):
                    answer.body += (await reader.readexactly(size + 2))[:-2]
                answer.whole = await reader.readexactly(2) == b"\r\n"
    return answer


def refuse(refused: Exception, inbound: Inbound) -> tuple[int, Headers, bytes] | None:
    if not isinstance(refused, Refused):
        return None
    error = {"code": refused.code, "message": refused.message, "path": inbound.path}
    body = json.dumps({"error": error}).encode()
    return refused.status, {"Content-Type": "application/json"}, body


async def echo(inbound: Inbound, responder: Responder) -> None:
    """Answer with what came."""
    body = await inbound.body()
    await responder.send(200, {"X-Path": inbound.path, "X-Query": inbound.query}, body)


@asynccontextmanager
async def serving(
    handler: Handler = echo,
    *,
    hosts: Iterable[str] = (),
    origins: Iterable[str] = (),
    max_body: int = 1000,
    client_write: float = 0.2,
    body_pace: float = 0.2,
) -> AsyncIterator[Served]:
    """Run a listener; nothing of it may be left afterwards, nor an error that nobody expected."""
    errors: list[BaseException] = []
    listener = Listener(
        "127.0.0.1:0",
        handler,
        guard=Guard.of("127.0.0.1:0", hosts, origins),
        refuse=refuse,
        on_error=errors.append,
        max_body=max_body,
        client_write=client_write,
        body_pace=body_pace,
    )
    served = Served(listener, await listener.start(), errors)
    try:
        yield served
        assert errors == []
    finally:
        await listener.close()
    assert listener.requests_open == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with pytest.raises(OSError):  # noqa: PT011 - refused, whichever way the loop says so
        await served.connect()


async def until(listener: Listener, *, requests_open: int) -> None:
    """Wait until so many requests are open."""
    async with asyncio.timeout(2):
        while listener.requests_open != requests_open:  # noqa: ASYNC110 - a number has no event
            await asyncio.sleep(0.001)


async def within(seconds: float, happens: Awaitable[Any]) -> Any:
    async with asyncio.timeout(seconds):
        return await happens
