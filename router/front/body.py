"""Reads a request's body whole: bounded in size and time, and asked for only when it is wanted."""

from __future__ import annotations

import asyncio

from router.front.connection import Connection
from router.front.exchange import Refused, TooLarge
from router.front.request import Request

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# So many bytes buy a client another `pace` seconds: one byte would let it stay for ever.
PACE_BYTES = 16 * 1024


async def read_body(connection: Connection, request: Request, limit: int, pace: float) -> bytes:
    """Read the body of at most `limit` bytes; a client that waits for leave to send it gets it.

    `pace` is how many seconds it has for each `PACE_BYTES`. Raises `Refused`: with 413 before
    anything is read, if the header says so.
    """
    if request.size > limit or int(request.headers.get("content-length", "0")) > limit:
        raise TooLarge(limit)
    if not request.whole:
        if request.headers.get("expect", "").lower() == "100-continue" and not request.size:
            connection.transport.write(CONTINUE)
        await _gather(connection, request, limit, pace)
    return request.body()


async def _gather(connection: Connection, request: Request, limit: int, pace: float) -> None:
    loop = asyncio.get_running_loop()
    due = request.size + PACE_BYTES
    try:
        async with asyncio.timeout(pace) as clock:
            while not request.whole:
                if request.broken:
                    raise Refused(
                        400,
                        "malformed_request",
                        "the request's body is not framed as HTTP asks",
                    )
                await connection.more(request)
                if request.size > limit:
                    raise TooLarge(limit)
                if request.size >= due:
                    due = request.size + PACE_BYTES
                    clock.reschedule(loop.time() + pace)
    except TimeoutError:
        raise Refused(
            408, "body_too_slow", f"next to nothing of the request's body came for {pace:g} seconds"
        ) from None
