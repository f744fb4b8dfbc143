"""Requests about what an account keeps: to look at it, to follow it, to stop it, to delete it.

They are not routed: one account knows it, so that is asked, once, and what it says is passed on in
its own words. Only what concerns the router's own account there is not: a client is never told that
its key is wrong because ours is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from policies import Phase
from router.bell import Bell
from router.caller import Caller
from router.dialects.contract import ClientError
from router.dialects.sse import Oversized, Splitter
from router.headers import downward
from router.quota.sharing import asked_for
from router.reply import Reply
from router.runtime import Runtime
from router.sink import Sink
from router.stored.about import About
from router.stored.accounts import Account, unknown, unmade
from router.stored.owners import Owners
from router.upstream.transport import Exchange, Head, UpstreamError

MOST = 64 * 1024 * 1024
"""Bytes of what is kept, in one piece."""
OURS = frozenset({401, 402, 403, 407})
"""Statuses that speak of the router's account."""


class Relay:
    """Asks accounts. `running` counts the requests under way."""

    def __init__(
        self, runtime: Callable[[], Runtime], owners: Owners, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._runtime = runtime
        self._owners = owners
        self._loop = loop
        self.running = 0

    async def run(self, about: About, caller: Caller, sink: Sink) -> None:
        """Answer into `sink`. Raises `ClientError` where nobody is known to ask, or it is too much
        for the limits of its tenant.
        """
        await self._owners.learn((about.id,))
        account = self._account(about.id, caller)
        now, allowance, allowances = self._loop.time(), None, caller.tenant.allowances
        if allowances is not None:
            allowance = allowances.admit_question(now)
        reply = Reply(caller, sink, self._loop.time, now, allowance)
        bell, fleet = Bell(self._loop), self._runtime().fleet
        self.running += 1
        try:
            if allowance is not None and fleet is not None:
                await asked_for(allowance, fleet.shared, bell, self._loop.time)
            if reply.refusal is not None:
                raise reply.refusal
            if allowance is not None:
                allowance.sent = True  # whoever leaves meanwhile has asked
            sent = await self._answer(about, account, caller, bell, reply)
            if allowance is not None:
                allowance.sent = sent
        finally:
            self.running -= 1
            bell.close()
            if allowance is not None:
                allowance.settle(self._loop.time())
                if fleet is not None:
                    fleet.shared.settle(allowance.settled())

    async def _answer(
        self, about: About, account: Account, caller: Caller, bell: Bell, reply: Reply
    ) -> bool:
        """Ask, and pass on what is said; whether anything was sent."""
        told = {"x-request-id": caller.request_id}
        try:
            status = await self._asked(about, account, caller, bell, reply, told)
        except UpstreamError as broken:
            message = f"{account.name}: {broken.detail}"
            await reply.error(ClientError(502, "server_error", "upstream_failed", message), told)
            return broken.phase is not Phase.CONNECT
        if about.method == "DELETE" and 200 <= status < 300:
            self._owners.forget(about.id)
        return True

    def _account(self, id_: str, caller: Caller) -> Account:
        """Who is asked: who made it, or, where that is not known, the only one that keeps, if it
        cannot be another tenant's.
        """
        runtime = self._runtime()
        barred, accounts = runtime.barred(caller).keys(), runtime.accounts
        owner = self._owners.of(id_)
        if owner is None:
            # The only one there is: that the others are barred does not make one of them its maker.
            (account,) = accounts.values() if len(accounts) == 1 else (None,)
            open_to_it = account.targets - barred if account is not None else None
            reached = open_to_it and runtime.reaches(caller.tenant, open_to_it)
            if account is None or not reached or not runtime.tenants.alone:
                raise unmade(id_, self._owners)
            return account
        account = accounts.get(owner.account)
        if owner.tenant != caller.tenant.name or account is None or not account.targets - barred:
            raise unknown(id_)
        return account

    async def _asked(
        self,
        about: About,
        account: Account,
        caller: Caller,
        bell: Bell,
        reply: Reply,
        told: Mapping[str, str],
    ) -> int:
        """Ask, and once more if the connection had just been closed while it was idle; the status
        of the answer.
        """
        deadline = min(account.deadline, caller.wishes.timeout or account.deadline)
        for again in (True, False):
            exchange = account.asker.ask(about.method, about.path, caller.headers, bell)
            coming = Coming(exchange, bell, self._loop.time, account.silence, deadline)
            try:
                head = await coming.head()
                headers = {**downward(head.headers), **told}
                if coming.streamed:
                    await _follow(coming, reply, headers)
                else:
                    await reply.whole(head.status, headers, await coming.whole())
            except UpstreamError as broken:
                if not (again and broken.stale):
                    raise
            else:
                return head.status
            finally:
                exchange.abort()
        raise AssertionError  # the second time returns or raises


class Coming:
    """An answer as it comes. `silence` and `deadline` are seconds that the next piece, and all of
    it up to the first, may take.
    """

    def __init__(
        self,
        exchange: Exchange,
        bell: Bell,
        clock: Callable[[], float],
        silence: float,
        deadline: float,
    ) -> None:
        self._exchange = exchange
        self._bell = bell
        self._clock = clock
        self._silence = silence
        self._until = clock() + deadline
        self._first: bytes | None = None

    @property
    def streamed(self) -> bool:
        """Whether it comes as events."""
        head = self._exchange.head
        kind = head.headers.get("content-type", "") if head is not None else ""
        return head is not None and head.status < 300 and kind.startswith("text/event-stream")

    async def head(self) -> Head:
        """Status and headers. Raises UpstreamError."""
        self._first = await self._next(None)
        head = self._exchange.head
        if head is None:
            raise UpstreamError(Phase.HEAD, "no answer, only its end")
        if head.status in OURS:
            raise UpstreamError(Phase.HEAD, f"the router is not let in ({head.status})")
        return head

    async def piece(self, reply: Reply | None = None) -> bytes:
        """The next bytes, empty at the end; a client to whom `reply` is streaming is told meanwhile
        that it is not forgotten. Raises UpstreamError.
        """
        if self._first is not None:
            first, self._first = self._first, None
            return first
        self._until = self._clock() + self._silence
        return await self._next(reply)

    async def whole(self) -> bytes:
        """All of it. Raises UpstreamError."""
        body = bytearray()
        while piece := await self.piece():
            body += piece
            if len(body) > MOST:
                raise UpstreamError(Phase.BODY, f"an answer longer than {MOST} bytes")
        return bytes(body)

    async def _next(self, reply: Reply | None) -> bytes:
        while (piece := self._exchange.take()) is None:
            now = self._clock()
            if now >= self._until:
                raise UpstreamError(Phase.HEAD, "no answer in time")
            until = self._until
            if reply is not None and reply.streaming:
                if now >= reply.quiet_until:
                    await reply.keep_alive({})
                until = min(until, reply.quiet_until)
            await self._bell.wait(until)
        return piece


async def _follow(coming: Coming, reply: Reply, headers: Mapping[str, str]) -> None:
    """Pass a stream on in whole events, so that an error can stand between two of them. Raises
    UpstreamError.
    """
    splitter = Splitter()
    while piece := await coming.piece(reply):
        try:
            events = b"".join(splitter.feed(piece))
        except Oversized as error:
            raise UpstreamError(Phase.BODY, str(error)) from None
        if events:
            await reply.stream(events, headers)
    if rest := splitter.rest():
        await reply.stream(rest.rstrip(b"\r\n") + b"\n\n", headers)
    await reply.end()
