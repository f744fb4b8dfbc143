import asyncio

import pytest

from benchmarks.nothing import NullSink, call, caller, runtime
from router.bell import Bell
from router.passage import Passage
from router.pipeline import admit
from router.reply import Reply
from router.stage import FEW, give_way
from router.stored.owners import Owners
from router.telemetry.journal import Journal
from router.upstream.fetch import Fetcher


async def test_the_same_stage_is_done_for_all_first() -> None:
    done: list[str] = []

    async def request(name: str) -> None:
        done.append(f"{name}1")
        await give_way()
        done.append(f"{name}2")

    await asyncio.gather(request("a"), request("b"))
    assert " ".join(done) == "a1 b1 a2 b2"


@pytest.mark.parametrize(("others", "turns"), [(FEW, 0), (FEW + 1, 2)])
async def test_only_among_many_a_request_gives_way_before_its_decision_and_its_answer(
    others: int, turns: int
) -> None:
    loop = asyncio.get_running_loop()
    now, asked, who = loop.time(), call(stream=False), caller()
    configured, bell = runtime(1, None, now), Bell(loop)
    request = admit(asked, who, configured, now, Owners(loop.time))
    course = configured.engine.start(request, now, bell.wake)
    reply = Reply(who, NullSink(), loop.time, now)
    journal = Journal([], lambda *_: None)
    passage = Passage(asked, reply, configured, course, bell, Fetcher(), journal)
    drive = passage.drive(range(others))
    for _ in range(turns):
        drive.send(None)
    with pytest.raises(StopIteration, match="True"):
        drive.send(None)
    passage.close()
