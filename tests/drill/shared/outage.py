"""The course of an outage: all is well, the server fails, clients go on asking, it is mended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

from router.quota.together import SETTLING
from tests.drill.fault import TEXT
from tests.drill.seen import Seen
from tests.drill.shared.failure import LIMIT, MOST, Failure, Sight
from tests.drill.shared.stage import AWAY, BACK, Stage

BEFORE, MEANWHILE = 20, 80
"""Requests: so many that a part of the limit is used up in the outage, and all of it after it."""
MORE = 15
"""Than there is room for, once it is back."""
EVERY = 0.02
TWO_BEATS = 2.2
"""Seconds after which instances know of each other what they used."""
AT_FIRST = 0.25
"""Seconds that one request may wait longer, on a machine that does other things as well: a patience
of 20 ms and scheduling. Who waited for the server would wait for seconds.
"""
LATER = 0.015
"""Seconds that half of the requests may not wait longer, once the server counts as away."""
A_FEW = 3
"""Outages that one may be, while a machine that does other things is late now and then: what is
said of them is said once for each, and never for a request.
"""
NOTICED, RETURNS = 3.0, 12.0
"""Seconds until all instances say that it is away, and there again."""


async def outage(stage: Stage, failure: Failure, turn: asyncio.Lock) -> Sight:
    """Let the server fail, and come back; what was seen of it. Who has the `turn` is alone."""
    sight = Sight()
    async with turn:
        before = await stage.ask_all(BEFORE, EVERY)
    sight.check(all(seen.text == TEXT for seen in before), f"when all is well: {counted(before)}")
    await asyncio.sleep(TWO_BEATS)
    async with turn:
        await _fails(stage, failure, sight, median(seen.seconds for seen in before))
        await _returns(stage, failure, sight)
    return sight


async def _fails(stage: Stage, failure: Failure, sight: Sight, usual: float) -> None:
    if failure.breaks is not None:
        failure.breaks(stage.ground)
    asking = asyncio.create_task(stage.ask_all(MEANWHILE, EVERY))
    if not failure.heals:
        noticed = await stage.until_all(up=False, within=NOTICED)
        sight.check(noticed is not None, "not all instances say that it is away")
    seen = await asking
    sight.clients = counted(seen)
    _meanwhile(stage, failure, sight, seen, usual)
    if not failure.heals:
        await asyncio.sleep(0.5)  # it is looked for twice a second
        await _says(stage, failure, sight)


async def _returns(stage: Stage, failure: Failure, sight: Sight) -> None:
    if failure.mends is not None:
        failure.mends(stage.ground)
    sight.back = await stage.until_all(up=True, within=RETURNS)
    sight.check(sight.back is not None, "not all instances have it back")
    await asyncio.sleep(SETTLING)
    _after(stage, failure, sight, await stage.ask_all(LIMIT + MORE - stage.sent, EVERY / 2))


def _meanwhile(
    stage: Stage, failure: Failure, sight: Sight, seen: Sequence[Seen], usual: float
) -> None:
    added = [one.seconds - usual for one in seen]
    of_the_first = round(1 / EVERY)
    sight.at_first, sight.later = max(added[:of_the_first]), max(added[of_the_first:])
    sight.while_away = stage.sent
    for one in seen:
        sight.check(honest(one), f"a client saw {one}")
    refused = [one for one in seen if one.error]
    if stage.setting.closed:
        sight.check(len(refused) == len(seen), f"{len(seen) - len(refused)} were answered")
        sight.check(stage.sent == BEFORE, f"{stage.sent - BEFORE} were sent")
    else:
        sight.check(len(seen) - len(refused) >= MEANWHILE / 2, f"only {counted(seen)}")
        sight.check(stage.sent <= LIMIT * MOST, f"{stage.sent} sent of {LIMIT} while it was away")
    sight.check(max(added) <= AT_FIRST, f"{max(added) * 1000:.0f} ms more")
    usually = median(added[of_the_first:])
    sight.check(usually <= LATER, f"usually {usually * 1000:.1f} ms more after the first second")


async def _says(stage: Stage, failure: Failure, sight: Sight) -> None:
    """What logs, status and metrics say while it is away."""
    for lines in stage.lines(AWAY + ","):
        times = f"the log says {len(lines)} times that it is away"
        sight.check(1 <= len(lines) <= A_FEW, times)
        sight.says = lines[0].partition("why=")[2] if lines else ""
        sight.check(any(one in sight.says for one in failure.says), f"the log says {sight.says}")
    for first, lines in zip(stage.lines(AWAY), stage.lines("shared limits stay away"), strict=True):
        lasts = failure.lasting != "" and failure.lasting not in first[0]
        sight.check(len(lines) == lasts, f"the log says {len(lines)} times what lasts")
        sight.check(all(failure.lasting in line for line in lines), f"the log says {lines}")
    outages = await stage.metric("pointsman_shared_outages_total")
    few = all(1 <= one <= A_FEW for one in outages)
    sight.check(few, f"pointsman_shared_outages_total is {outages}")
    if failure.mends is None:
        return
    reasons = {one["why"] for one in await stage.shared()}
    expected = (failure.lasting,) if failure.lasting else failure.says
    known = all(any(one in why for one in expected) for why in reasons)
    sight.check(known, f"/status says {reasons}")
    up = await stage.metric("pointsman_shared_up")
    sight.check(set(up) == {0.0}, f"pointsman_shared_up is {up}")


def _after(stage: Stage, failure: Failure, sight: Sight, seen: Sequence[Seen]) -> None:
    """The limit is one again: what was sent meanwhile counts, and what is left can be had."""
    for one in seen:
        sight.check(honest(one), f"afterwards a client saw {one}")
    sight.sent = stage.sent
    sight.check(stage.sent <= LIMIT, f"{stage.sent} sent of {LIMIT} in all")
    sight.check(stage.sent >= LIMIT * 0.95, f"only {stage.sent} sent of {LIMIT} in all")
    back = stage.lines(BACK)
    if failure.heals:
        return
    known = all(2 <= len(lines) <= A_FEW + 1 for lines in back)
    sight.check(known, f"says it is back: {back}")
    forgot = [lines[-1].endswith(f"forgot={failure.forgot}") for lines in back if lines]
    sight.check(all(forgot), f"says of what it forgot: {[lines[-1:] for lines in back]}")


def honest(seen: Seen) -> bool:
    """Whether this is the answer, or that a limit is reached, with when to come back."""
    if not seen.error:
        return seen.text == TEXT and seen.finished
    codes = ("no_capacity", "rate_limit_exceeded")
    return seen.status == 429 and seen.code in codes and seen.retry_after is not None


def counted(seen: Iterable[Seen]) -> str:
    """How many saw what: `70 answers, 10 × 429`."""
    found = Counter(f"{one.status}" if one.error else "answers" for one in seen)
    answers = found.pop("answers", 0)
    return ", ".join([f"{answers} answers", *(f"{n} × {what}" for what, n in found.items())])
