"""Reads a request's body whole: bounded in size and time, and asked for only when it is wanted."""

import asyncio
from collections.abc import Callable

from aiohttp import StreamReader
from aiohttp.web_protocol import RequestPayloadError
from aiohttp.web_request import BaseRequest

from router.front.exchange import Refused, TooLarge
from router.sink import ClientGone

# So many bytes buy a client another `pace` seconds: one byte would let it stay for ever.
PACE_BYTES = 16 * 1024


async def read_body(
    request: BaseRequest, ask: Callable[[], None], limit: int, pace: float
) -> bytes:
    """Read the body of at most `limit` bytes. `ask` gives a client that waits leave to send it.

    `pace` is how many seconds it has for each `PACE_BYTES`. Raises `Refused`: with 413 before
    anything is read, if the header says so.
    """
    content = request.content
    if int(request.headers.get("Content-Length", "0")) > limit:
        raise TooLarge(limit)
    if not content.is_eof():
        if request.headers.get("Expect", "").lower() == "100-continue":
            ask()
        return await _gather(content, limit, pace)
    body = content.read_nowait()
    if len(body) > limit:
        raise TooLarge(limit)
    return body


async def _gather(content: StreamReader, limit: int, pace: float) -> bytes:
    loop = asyncio.get_running_loop()
    parts: list[bytes] = []
    size, due = 0, PACE_BYTES
    try:
        async with asyncio.timeout(pace) as clock:
            while not content.at_eof():
                parts.append(await content.readany())
                size += len(parts[-1])
                if size > limit:
                    raise TooLarge(limit)
                if size >= due:
                    due = size + PACE_BYTES
                    clock.reschedule(loop.time() + pace)
    except TimeoutError:
        raise Refused(
            408, "body_too_slow", f"next to nothing of the request's body came for {pace:g} seconds"
        ) from None
    except RequestPayloadError:
        raise Refused(
            400, "malformed_request", "the request's body is not framed as HTTP asks"
        ) from None
    except ConnectionError:
        raise ClientGone from None
    return b"".join(parts)
