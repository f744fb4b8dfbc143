"""The admin listener over several workers, over real sockets: who may ask, and who answers."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from router.admin.pages import Pages
from router.config import Secret
from router.front.exchange import Inbound, Responder
from router.front.guard import Guard
from router.front.listener import Listener
from router.workers.crew import Post
from router.workers.view import View
from tests.router.shadow.test_evidence import page
from tests.router.shadow.test_verdict import evidence

PAGE = "# HELP x_total Xs.\n# TYPE x_total counter\nx_total 2\n"


class Serving:
    """What a view asks of a worker's process."""

    since = 0.0
    serving = True

    def __init__(self, pid: int) -> None:
        self.pid = pid


class Answers:
    """A worker's pages: what it was asked, and one answer to everything."""

    def __init__(self, status: int, body: str) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        self._status, self._body = status, body

    async def __call__(self, inbound: Inbound, responder: Responder) -> None:
        self.asked.append((inbound.path, inbound.query, await inbound.body()))
        headers = {"content-type": "application/json"}
        await responder.send(self._status, headers, self._body.encode())


def listener(handler: Any) -> Listener:
    return Listener(
        "127.0.0.1:0",
        handler,
        guard=Guard.of("127.0.0.1:0"),
        refuse=Pages.refuse,
        on_error=print,
        max_body=1000,
        client_write=1.0,
    )


@asynccontextmanager
async def view(
    folder: Path, *workers: Answers | None, token: str | None = None
) -> AsyncIterator[Any]:
    """Ask a view over these workers; None: nobody serves there."""
    async with AsyncExitStack() as stack:
        posts = []
        for number, worker in enumerate(workers):
            post = Post(number, folder)
            stack.callback(post.close)
            posts.append(post)
            if worker is not None:
                post.worker = Serving(100 + number)  # type: ignore[assignment]
                private = listener(worker)
                await private.start([post.admin.dup()])
                stack.push_async_callback(private.close)
        pages = listener(View(posts, Secret(token) if token else None, lambda: 7.0))
        address = await pages.start()
        stack.push_async_callback(pages.close)
        client = await stack.enter_async_context(aiohttp.ClientSession())

        async def ask(method: str, path: str, **more: Any) -> tuple[int, str]:
            async with client.request(method, f"http://{address}{path}", **more) as answer:
                return answer.status, await answer.text()

        yield ask


async def test_the_token_is_asked_for_here(tmp_path):
    worker = Answers(200, "{}")
    async with view(tmp_path, worker, token="open-sesame") as ask:
        for path in ("/status", "/metrics", "/none", "/status?worker=0"):
            assert (await ask("GET", path))[0] == 401
        assert not worker.asked
        header = {"authorization": "Bearer open-sesame"}
        assert await ask("GET", "/none", headers=header) == (200, "{}")


async def test_the_first_who_answers_is_asked_what_one_can_answer(tmp_path):
    worker = Answers(200, '{"targets": []}')
    async with view(tmp_path, None, worker) as ask:
        assert await ask("POST", "/explain", data=b'{"model": "m"}') == (200, '{"targets": []}')
    assert worker.asked == [("/explain", "", b'{"model": "m"}')]


async def test_what_changes_something_is_json_before_a_worker_hears_of_it(tmp_path):
    worker = Answers(201, "{}")
    async with view(tmp_path, worker) as ask:
        status, body = await ask("POST", "/overrides", data=b"{}")
        assert (status, json.loads(body)["title"]) == (415, "unsupported_content_type")
        assert not worker.asked
        header = {"content-type": "application/json; charset=utf-8"}
        assert await ask("POST", "/overrides", data=b"{}", headers=header) == (201, "{}")


async def test_one_worker_can_be_asked_alone_and_answers_as_it_is(tmp_path):
    first, second = Answers(200, "first"), Answers(404, "second")
    async with view(tmp_path, first, second) as ask:
        assert await ask("GET", "/decisions?limit=2&worker=1&model=m") == (404, "second")
        status, body = await ask("GET", "/status?worker=2")
        assert (status, json.loads(body)["title"]) == (404, "no_such_worker")
    assert first.asked == []
    assert second.asked == [("/decisions", "limit=2&model=m", b"")]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/status"), ("GET", "/decisions"), ("GET", "/decisions/req_1"), ("POST", "/explain")],
)
async def test_where_nobody_answers_that_is_said(tmp_path, method, path):
    async with view(tmp_path, None, None) as ask:
        status, body = await ask(method, path)
    assert status == 503
    assert json.loads(body)["detail"] == "no answer in time from worker 0, 1"


async def test_health_and_metrics_are_answered_without_any_worker(tmp_path):
    async with view(tmp_path, None, Answers(200, PAGE)) as ask:
        assert await ask("GET", "/healthz") == (200, '{"status":"ok"}')
        status, page = await ask("GET", "/metrics")
    assert status == 200
    assert "\nx_total 2\n" in page
    assert 'pointsman_worker_up{worker="0"} 0\npointsman_worker_up{worker="1"} 1\n' in page
    assert 'pointsman_worker_restarts_total{worker="1"} 0\n' in page


async def test_a_decision_that_nobody_has_may_be_the_silent_one_s(tmp_path):
    none = Answers(404, '{"title": "no_such_decision"}')
    async with view(tmp_path, none, None) as ask:
        status, body = await ask("GET", "/decisions/req_1")
        assert (status, json.loads(body)["title"]) == (503, "worker_silent")
    (other := tmp_path / "other").mkdir()
    async with view(other, none) as ask:
        assert (await ask("GET", "/decisions/req_1"))[0] == 404
        assert (await ask("GET", "/decisions?limit=x"))[0] == 400


async def test_the_shadows_of_all_workers_are_one_sample(tmp_path):
    def says(told):
        pages = {"chat": page(told)}
        return Answers(200, json.dumps({"shadows": pages}))

    one, other = evidence(200, seed=1), evidence(250, seed=2)
    async with view(tmp_path, says(one), says(other)) as ask:
        status, body = await ask("GET", "/shadow")
        assert (status, json.loads(body)["shadows"]["chat"]["pairs"]) == (200, 450)
        status, body = await ask("GET", "/shadow/chat")
        assert (status, json.loads(body)["pairs"]) == (200, 450)
        assert (await ask("GET", "/shadow/none"))[0] == 404
