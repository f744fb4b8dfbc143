"""How long a request would wait for a place, from what is known before it waits.

Little's law: a target that holds so many attempts, each for so many seconds on average, frees
their quotient every second; a limit on a rate frees what it says. What the prediction cannot know
(how long answers take here, when an ejection ends) it does not guess: without a prediction a
request waits and sees. Where it errs it errs towards waiting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from policies.engine.limits.needs import needs
from policies.engine.limits.quota import Quota
from policies.engine.pool import Pool
from policies.engine.refusal import NEVER, Refusal, Refused
from policies.engine.standing import Member, Standing
from policies.engine.waiting.queue import BRIEF_WAIT
from policies.policy import Request

SERVING: Final = frozenset({None, Refusal.BUSY, Refusal.LIMITED})
RESTING: Final = frozenset({Refusal.RESTING, Refusal.SPILLED})
"""What a target is refused for while it serves others; None: somebody who goes first wants it."""


def too_late(
    pool: Pool,
    request: Request,
    wanted: frozenset[str],
    refusals: Mapping[str, Refused],
    give_up: float,
    now: float,
) -> float | None:
    """The instant at which a newcomer that wants these targets would be sent, if that is after
    `give_up`, or leaves no time for an answer before its deadline; None: it may wait.
    """
    busy = any(refused.refusal is Refusal.BUSY for refused in refusals.values())
    if busy and pool.queue.stands(request, now):
        give_up = min(give_up, now + BRIEF_WAIT)
    members = [member for member in pool.members if member.name in wanted]
    start = predicted_start(members, refusals, pool.queue.turn(request, wanted), request, now)
    if start is None:
        return None
    answers = [seconds for member in members if (seconds := member.predicted(request)) is not None]
    return (
        start if start + min(answers, default=0.0) > request.deadline or start > give_up else None
    )


def predicted_start(
    members: Sequence[Member],
    refusals: Mapping[str, Refused],
    turn: int,
    request: Request,
    now: float,
) -> float | None:
    """The instant at which `request`, whose turn is the `turn`th, would be sent to one of
    `members`; None: unknown.
    """
    why = {member: refusals.get(member.name) for member in members}
    able = [member for member, refused in why.items() if _of(refused) in SERVING]
    paused = not able
    if paused:
        able = [member for member, refused in why.items() if _of(refused) in RESTING]
    if not able:
        return None
    begin = min(_ends(why[member], now) for member in able)
    behind = turn - sum([_room(member, request, now) for member in able], 0.0)
    if behind <= 0:
        return begin
    pace = _pace(able, request)
    if pace is None:
        return None
    return begin + behind / pace if paused else max(begin, now + behind / pace)


def _of(refused: Refused | None) -> Refusal | None:
    return refused.refusal if refused is not None else None


def _ends(refused: Refused | None, now: float) -> float:
    return now if refused is None or refused.refusal is Refusal.BUSY else refused.until


def _room(member: Member, request: Request, now: float) -> float:
    """Requests like this one that would be taken at once."""
    standing = member.standing
    need, limit = needs(member, request), standing.pressure.limit
    room = NEVER if limit is None else limit - standing.in_flight
    for quota in standing.quotas:
        left = quota.room(now)
        room = min(room, left.requests, left.places)
        for units, spare in zip(need, (left.tokens, left.input, left.output), strict=True):
            room = min(room, spare // units if units else NEVER)
    return max(0.0, room)


def _pace(members: Sequence[Member], request: Request) -> float | None:
    """Requests like this one that these let through in a second; None: unknown. A limit that
    several of them share is counted once.
    """
    paces: dict[Standing | Quota, float] = {}
    for member in members:
        standing, need = member.standing, needs(member, request)
        held, limit = standing.held, standing.pressure.limit
        bounds: list[tuple[float | None, Standing | Quota]] = [
            (quota.pace(need, held), quota) for quota in standing.quotas
        ]
        if limit is not None:
            bounds.append((limit / held if held else None, standing))
        known = [(pace, of) for pace, of in bounds if pace is not None]
        if len(known) < len(bounds) or not known:
            return None
        pace, of = min(known, key=lambda bound: bound[0])
        paces[of] = pace
    return sum(paces.values())
