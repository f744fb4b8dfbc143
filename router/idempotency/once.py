"""A request with a key is made once: run and remembered, or answered from memory.

Only an answer that is whole and good is kept. Whatever else becomes of a request (an error, an
interruption, a client that left) frees its key, so that it can be tried again. An answer from
memory takes no attempt, no limit and no place in a queue, and is in the journal like any other.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping

from router.caller import Caller
from router.dialects.contract import Call, ClientError
from router.idempotency.claim import HEADER, Claim
from router.idempotency.recording import Recording, Room
from router.idempotency.store import KeyInUse, KeyReused, Store, WholeAnswer
from router.sink import ClientGone, Sink, SlowClient
from router.telemetry.journal import Journal, RequestRecord
from router.tenants.wording import NAMES

REPLAYED = "idempotent-replayed"
"""The header of an answer from memory; others call it so too."""
OF_ITS_TIME = frozenset({"server-timing", "x-request-id"}) | NAMES
"""Headers that are about the first request, and not about its answer."""
AT_ONCE = 64 * 1024
"""Bytes of a stream that a client is given at once: one that reads slowly costs no more."""

Run = Callable[[Call, Caller, Sink], Awaitable[bool]]


class Once:
    """Answers requests with keys. `replaying` is how many are being answered from memory."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        clock: Callable[[], float],
        room: Room,
    ) -> None:
        self.replaying = 0
        self._store = store
        self._journal = journal
        self._clock = clock
        self._room = room

    async def answer(self, claim: Claim, run: Run, call: Call, caller: Caller, sink: Sink) -> bool:
        """Answer `call` into `sink` by `run`, which tells whether its answer was whole and good, or
        from memory; whether it was. Raises `ClientError` for a key that cannot be used now.
        """
        try:
            kept = await self._store.claim(claim, self._clock())
        except KeyInUse:
            raise _refused(409, "idempotency_key_in_use", RUNNING) from None
        except KeyReused:
            raise _refused(422, "idempotency_key_reused", REUSED) from None
        if kept is not None:
            await self._replay(kept, call, caller, sink)
            return True
        recording = Recording(sink, self._room)
        good = False
        try:
            good = await run(call, caller, recording)
        finally:
            answer = recording.close()
            if good and answer is not None:
                self._store.keep(claim, answer, self._clock())
            else:
                self._store.free(claim)
        return good

    async def _replay(self, kept: WholeAnswer, call: Call, caller: Caller, sink: Sink) -> None:
        started, end = self._clock(), "fault"
        self.replaying += 1
        try:
            allowances = caller.tenant.allowances
            beside = allowances.headers(started) if allowances is not None else {}
            await _give(kept, {"x-request-id": caller.request_id, **beside}, sink)
            end = "replayed"
        except SlowClient:
            end = "slow"
            raise
        except (ClientGone, CancelledError):
            end = "gone"
            raise
        finally:
            self.replaying -= 1
            self._record(kept, call, caller, started, end)

    def _record(
        self, kept: WholeAnswer, call: Call, caller: Caller, started: float, end: str
    ) -> None:
        self._journal.request(
            RequestRecord(
                request_id=caller.request_id,
                tenant=caller.tenant.name,
                model=call.model,
                stream=call.stream,
                status=kept.status,
                end=end,
                cause=f"answered by {kept.headers.get('x-request-id', 'another')}",
                target="",
                attempts=0,
                started=started,
                first=started,
                ended=self._clock(),
                input_tokens=None,
                output_tokens=None,
                estimated=False,
                operation=call.operation,
            )
        )


RUNNING = "the first request with this key is still running; its answer can be had when it is over"
REUSED = (
    "this key came with another body, or another wish for where it may go, before: "
    "a new request needs a new key"
)


def _refused(status: int, code: str, message: str) -> ClientError:
    return ClientError(
        status,
        "invalid_request_error",
        code,
        f"{HEADER}: {message}",
        HEADER,
        hopeless=status == 422,
    )


async def _give(kept: WholeAnswer, own: Mapping[str, str], sink: Sink) -> None:
    headers = {name: told for name, told in kept.headers.items() if name not in OF_ITS_TIME}
    headers |= {**own, REPLAYED: "true"}
    if not kept.streamed:
        await sink.send(kept.status, headers, kept.body)
        return
    await sink.start(kept.status, headers)
    for begin in range(0, len(kept.body), AT_ONCE):
        await sink.write(kept.body[begin : begin + AT_ONCE])
    await sink.end()
