"""One question to a worker: its answer whole, or none in time."""

import asyncio
from pathlib import Path

import pytest

from router.workers.asking import Told, ask

ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nnone"


async def asked(path: Path, answer: bytes, *, hold: bool = False) -> Told | None:
    """What is made of `answer`; with `hold` its sender keeps the connection."""
    seen: list[bytes] = []
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        if hold:
            await over.wait()
        writer.close()

    async with await asyncio.start_unix_server(serve, str(path)):
        told = await ask(path, "GET", "/status?x=1", within=0.2)
        over.set()
    assert seen[0].startswith(b"GET /status?x=1 HTTP/1.1\r\nhost: localhost\r\n")
    return told


async def test_an_answer_is_its_status_its_kind_and_its_body(tmp_path):
    assert await asked(tmp_path / "0", ANSWER) == Told(404, "text/plain", b"none")


@pytest.mark.parametrize("answer", [ANSWER[:-1], ANSWER[:30], b"", b"what\r\n\r\n", b"\xff" * 9])
async def test_what_is_no_whole_answer_is_none(tmp_path, answer):
    assert await asked(tmp_path / "0", answer) is None


async def test_who_says_nothing_is_not_waited_for(tmp_path):
    assert await asked(tmp_path / "0", b"", hold=True) is None


async def test_where_nobody_listens_there_is_no_answer(tmp_path):
    assert await ask(tmp_path / "none", "GET", "/") is None
