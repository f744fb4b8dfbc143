"""What one request holds of its tenant's limits, from its admission to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from policies import Report, Request
from policies.engine.learning.estimates import UNSEEN
from policies.engine.limits.counting import Need
from policies.engine.limits.notes import refund, reservation
from policies.engine.limits.windows import HALF, INPUT, MICROSECONDS, OUTPUT, TOKENS, Note
from router.dialects.contract import ClientError
from router.quota.bounds import Needs, Settled, given_back, units_of
from router.tenants.scope import Scope
from router.tenants.wording import Standing, headers_of

if TYPE_CHECKING:
    from router.tenants.allowances import Allowances

T = TypeVar("T")
NOTHING: Need = (0, 0, 0)


class Allowance:
    """What one request holds of its tenant's limits until it is settled: what it was expected to
    need, and its places. `read` and `written` are the tokens that its attempts have come to so far,
    none where it came without a need; `sent` says whether anybody was asked at all, `error` why the
    fleet refused it.
    """

    __slots__ = (
        "_counts", "_granted", "_left", "_note", "_of", "_open", "_scopes", "error", "read", "sent",
        "written",
    )  # fmt: skip

    def __init__(self, of: Allowances, scopes: list[Scope], need: Need | None, now: float) -> None:
        self._of = of
        self._scopes = scopes
        self._counts = need is not None
        self._note = note = reservation(need or NOTHING, now)
        for scope in scopes:
            scope.quota.take(note)
        self._open = True
        self._granted: tuple[Needs, int] | None = None
        self._left: Mapping[str, int] = {}
        self.error: ClientError | None = None
        self.read = self.written = 0
        self.sent = False

    @property
    def needs(self) -> Needs:
        """What is to be reserved of the fleet's limits, besides the target's, once."""
        return tuple(
            (bound, units_of(bound, self._note)) for scope in self._scopes for bound in scope.bounds
        )

    def granted(self, needs: Needs, at: int, left: Sequence[int] | None) -> None:
        """Be told that the fleet has reserved these `needs`, at an instant of its clock, and what
        is left of each: the client is told the less.
        """
        self._granted = needs, at
        self._left = {} if left is None else _by_key(needs, left)

    def settled(self) -> Sequence[Settled]:
        """What settles the fleet's part of it, when the request is over; nothing a second time."""
        if self._granted is None:
            return ()
        (needs, at), self._granted = self._granted, ((), 0)
        if not self.sent:
            return given_back(needs, at)
        more = self._correction(self._note[0])
        return [
            Settled(bound, 0 if bound.what == "places" else units_of(bound, more), at)
            for bound, _ in needs
            if bound.what != "requests"
        ]

    def refused(
        self, needs: Needs, waits: Sequence[float | None], left: Sequence[int], now: float
    ) -> ClientError:
        """The error for a request for which the fleet has no room: the seconds until there is some
        for each of its `needs` (0: there is, None: nobody knows), and what is left of each. At
        least one has no room.
        """
        known = _by_key(needs, list(zip(waits, left, strict=True)))
        standings = []
        for one, key in zip(self._standings(now), self._keys(), strict=True):
            # A limit that a file has brought since is none for which there was no room.
            wait, some = known.get(key, (0.0, one.level.left))
            standings.append(one._replace(level=one.level._replace(wait=wait, left=some)))
        self.error = self._of.refuse(self._scopes, standings, self._note[TOKENS])
        return self.error

    def shut(self, now: float) -> bool:
        """Whether nothing is let through while the fleet cannot be asked: it was refused then."""
        if not any(scope.closed for scope in self._scopes):
            return False
        self.error = self._of.refuse(self._scopes, self._standings(now), self._note[TOKENS])
        return True

    def spent(self, report: Report) -> None:
        """An attempt has come to this. Where nobody counted, a good answer used what was reserved,
        and a refusal nothing.
        """
        if report.never_sent:
            return
        self.sent = True
        if not self._counts:
            return
        read, written = report.input_tokens, report.output_tokens
        if read is not None or written is not None:
            self.read += read or 0
            self.written += written or 0
        elif report.outcome.good:
            self.read += self._note[INPUT]
            self.written += self._note[OUTPUT]

    def settle(self, now: float) -> None:
        """The request is over. Only the first time says so."""
        if not self._open:
            return
        self._open = False
        at = int(now * MICROSECONDS + HALF)
        note = self._correction(at) if self.sent else refund(self._note, now)
        for scope in self._scopes:
            scope.quota.settle(note)

    def _correction(self, at: int) -> Note:
        taken, _, _, tokens, read, written = self._note
        used = self.read + self.written
        return taken, at, 0, used - tokens, self.read - read, self.written - written

    def headers(self, now: float) -> dict[str, str]:
        """How the limits stand that bind this request."""
        return headers_of(policy_of(self._scopes), self._standings(now))

    def _standings(self, now: float) -> list[Standing]:
        scopes = self._scopes
        if len(scopes) == 1:
            standings = scopes[0].standings(NOTHING, now)
        else:
            standings = [one for scope in scopes for one in scope.standings(NOTHING, now)]
        if not self._left:
            return standings
        return [
            one._replace(level=one.level._replace(left=min(one.level.left, self._left[key])))
            if key in self._left
            else one
            for one, key in zip(standings, self._keys(), strict=True)
        ]

    def _keys(self) -> list[str]:
        """Where its limits are kept as they are now, perhaps after a file was loaded anew."""
        return [bound.key for scope in self._scopes for bound in scope.bounds]


def _by_key(needs: Needs, told: Sequence[T]) -> dict[str, T]:
    return {bound.key: one for (bound, _), one in zip(needs, told, strict=True)}


def expected(request: Request) -> Need:
    """The tokens that a request is expected to use, whoever answers it."""
    read, bound = request.input_tokens, request.output_tokens
    written = UNSEEN if bound is None else bound
    return read + written, read, written


def policy_of(scopes: Sequence[Scope]) -> str:
    """What clients are told of the limits of all of these."""
    return ", ".join([scope.policy for scope in scopes])
