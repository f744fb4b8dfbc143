"""The admin listener's pages where several workers serve: all are asked, and they answer as one.

Why: to an operator, a router is one thing at one address. Must not: wait for a worker that hangs.
It is named as silent, and the others' answer is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from router.admin.pages import DECISION, JSON, TEXT, asked_of, check_change
from router.admin.shadow import BELOW, answer
from router.admin.shadow import PATH as SHADOW
from router.config import Secret
from router.front.exchange import Inbound, Refused, Responder
from router.front.guard import check_admin_token
from router.workers import overview, series
from router.workers.asking import Told, ask
from router.workers.crew import Post

SAID = ("ready", "revision", "running")
"""What the status of a worker says of it alone."""


class View:
    """Answers the admin listener's requests for the workers at `posts`."""

    def __init__(
        self, posts: Sequence[Post], token: Secret | None, clock: Callable[[], float]
    ) -> None:
        self._posts, self._token, self._clock = posts, token, clock
        self._started = clock()
        self._tally = series.Tally()

    async def __call__(self, inbound: Inbound, responder: Responder) -> None:
        """Answer one request."""
        if self._token is not None and (
            refused := check_admin_token(inbound.headers, self._token.reveal())
        ):
            raise refused
        if refused := check_change(inbound):  # the workers see no type but ours
            raise refused
        method, path = inbound.method.replace("HEAD", "GET"), inbound.path
        posts, query = self._asked(inbound.query)
        target = f"{path}?{query}" if query else path
        if posts is not self._posts:
            told = await self._any(posts, method, target, await inbound.body())
        elif (method, path) == ("GET", "/healthz"):
            told = Told(200, JSON["content-type"], b'{"status":"ok"}')
        elif (method, path) == ("GET", "/metrics"):
            told = Told(200, TEXT["content-type"], (await self._metrics()).encode())
        elif (method, path) == ("GET", "/status"):
            told = _json(await self._status())
        elif (method, path) == ("GET", "/config"):
            told = _json(overview.config(await self._pages("/config")))
        elif (method, path) == ("GET", "/decisions"):
            told = await self._decisions(target, asked_of(query).limit)
        elif method == "GET" and path.startswith(DECISION):
            told = await self._decision(target)
        elif method == "GET" and (path == SHADOW or path.startswith(BELOW)):
            shadows = overview.shadows((await self._pages(SHADOW)).values())
            told = Told(200, JSON["content-type"], answer(shadows, path))
        else:
            told = await self._any(posts, method, target, await inbound.body())
        await responder.send(told.status, {"content-type": told.kind}, told.body)

    def _asked(self, query: str) -> tuple[Sequence[Post], str]:
        """Who is to answer, and the query without that. Raises `Refused`."""
        pairs = parse_qsl(query, keep_blank_values=True)
        named = [value for name, value in pairs if name == "worker"]
        if not named:
            return self._posts, query
        posts = [post for post in self._posts if str(post.number) == named[-1]]
        if not posts:
            raise Refused(
                404, "no_such_worker", f"workers are 0 to {len(self._posts) - 1}: ?worker=0"
            )
        return posts, urlencode([pair for pair in pairs if pair[0] != "worker"])

    async def _any(self, posts: Sequence[Post], method: str, target: str, body: bytes) -> Told:
        """What the first worker says who says anything. Raises `Refused`."""
        for post in posts:
            told = await ask(post.path, method, target, body) if post.serving else None
            if told is not None:
                return told
        raise _silent(posts)

    async def _all(self, target: str) -> dict[int, Told]:
        """What all workers say who answer in time, by their numbers."""
        posts = [post for post in self._posts if post.serving]
        told = await asyncio.gather(*(ask(post.path, "GET", target) for post in posts))
        return {post.number: one for post, one in zip(posts, told, strict=True) if one is not None}

    async def _metrics(self) -> str:
        told = await self._all("/metrics")
        pids = {post.number: post.worker.pid for post in self._posts if post.worker is not None}
        pages = {number: series.read(one.body.decode()) for number, one in told.items()}
        return series.write({**self._tally.page(pids, pages), **self._own(told)})

    def _own(self, told: Container[int]) -> series.Page:
        """What the parent itself knows of its workers."""
        up = {post.number: float(post.number in told) for post in self._posts}
        restarts = {post.number: float(post.restarts) for post in self._posts}
        return {
            "pointsman_worker_up": series.Family(
                "1 for a worker that answers in time.",
                "gauge",
                series.each("pointsman_worker_up", up),
            ),
            "pointsman_worker_restarts_total": series.Family(
                "Workers that died and were started again.",
                "counter",
                series.each("pointsman_worker_restarts_total", restarts),
            ),
        }

    async def _pages(self, target: str) -> dict[int, dict[str, Any]]:
        """A page as all workers have it who answer in time. Raises `Refused` if none does."""
        told = {n: msgspec.json.decode(one.body) for n, one in (await self._all(target)).items()}
        if not told:
            raise _silent(self._posts)
        return told

    async def _status(self) -> dict[str, Any]:
        told = await self._pages("/status")
        whole = overview.status(told)
        return {
            **whole,
            "ready": whole["ready"] and len(told) == len(self._posts),
            "uptime_s": round(self._clock() - self._started, 1),
            "workers": [self._worker(post, told.get(post.number)) for post in self._posts],
        }

    def _worker(self, post: Post, told: dict[str, Any] | None) -> dict[str, Any]:
        """One line of the status. What only a worker can say is null where it is silent."""
        worker = post.worker
        since = worker.since if worker is not None else None
        return {
            "worker": post.number,
            "pid": worker.pid if worker is not None else None,
            "answers": told is not None,
            "up_s": round(self._clock() - since, 1) if since is not None and post.serving else None,
            "restarts": post.restarts,
            **{key: told[key] if told is not None else None for key in SAID},
        }

    async def _decisions(self, target: str, limit: int) -> Told:
        told = await self._all(target)
        if not told:
            raise _silent(self._posts)
        refused = next((one for one in told.values() if one.status != 200), None)
        if refused is not None:
            return refused
        pages = {number: msgspec.json.decode(one.body) for number, one in told.items()}
        return _json({**overview.decisions(pages, limit), "silent": self._missing(told)})

    async def _decision(self, target: str) -> Told:
        """One decision, by whoever made it. Raises `Refused`."""
        told = await self._all(target)
        for number, one in told.items():
            if one.status == 200:
                return _json({**msgspec.json.decode(one.body), "worker": number})
        if missing := self._missing(told):
            raise _silent([self._posts[number] for number in missing])
        return next(iter(told.values()))

    def _missing(self, told: Container[int]) -> list[int]:
        return [post.number for post in self._posts if post.number not in told]


def _json(told: object) -> Told:
    return Told(200, JSON["content-type"], msgspec.json.encode(told))


def _silent(posts: Sequence[Post]) -> Refused:
    numbers = ", ".join(str(post.number) for post in posts)
    return Refused(503, "worker_silent", f"no answer in time from worker {numbers}")
