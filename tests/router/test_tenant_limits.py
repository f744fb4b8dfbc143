"""What a request takes of its tenant's limits over its life: taken once, settled once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from policies import Limits, Rate
from router.dialects.contract import ClientError
from router.sink import ClientGone
from router.tenants.allowances import Allowances, TenantLimits
from router.tenants.identity import EVERYTHING, Tenant
from tests.router.clock import in_virtual_time
from tests.router.scene import Scene
from tests.router.scripted import (
    CUT,
    EVENTS,
    GOOD,
    REFUSED,
    RESET,
    ROLE,
    Client,
    Script,
    answer,
    refusal,
    text,
)

LIMITS = Limits((Rate(3, 60.0),), (Rate(10_000, 60.0),), 2)


class Team(Scene):
    """A scene that is asked by a tenant with limits."""

    def __init__(self, *scripts: Script, **targets: list[Script]) -> None:
        super().__init__({"a/m": list(scripts), **{f"{n}/m": s for n, s in targets.items()}})
        self.allowances = Allowances("team", TenantLimits(LIMITS))
        self.tenant = Tenant("team", EVERYTHING, allowances=self.allowances)

    async def asked_by_team(self, sink: Client | None = None, **fields: Any) -> Client:
        return await self.ask(sink, tenant=self.tenant, max_tokens=100, **fields)

    @property
    def used(self) -> tuple[int, int, int]:
        """Requests and tokens that were used, and places that are taken."""
        (scope,) = self.allowances.scopes()
        now = asyncio.get_running_loop().time()
        left = [one.level.left for one in scope.standings((0, 0, 0), now)]
        return 3 - left[0], 10_000 - left[1], 2 - left[2]


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_an_answer_costs_what_its_provider_counted_and_says_what_is_left(
    stream: bool,
) -> None:
    team = Team(GOOD if stream else answer())
    client = await team.asked_by_team(stream=stream)
    assert team.used == (1, 10, 0)
    told = client.headers
    assert told["ratelimit-policy"].startswith('"tenant-requests-per-minute";q=3;w=60, ')
    assert told["ratelimit"].startswith('"tenant-requests-per-minute";r=2;t=6')
    assert told["x-ratelimit-limit-requests"] == "3"
    assert told["x-ratelimit-remaining-requests"] == "2"
    # While it runs, what it may come to is reserved.
    left = int(told["x-ratelimit-remaining-tokens"])
    assert 10_000 - 150 < left < 10_000 - 100


@in_virtual_time
async def test_a_tenant_without_limits_is_told_of_none() -> None:
    scene = Scene({"a/m": [answer()]})
    client = await scene.ask(tenant=Tenant("free", EVERYTHING))
    assert not [name for name in client.headers if "ratelimit" in name]


@in_virtual_time
async def test_a_request_that_is_too_much_reaches_no_target_and_leaves_nothing_open() -> None:
    team = Team(answer(), answer(), answer())
    for _ in range(3):
        await team.asked_by_team()
    before = team.engine.snapshot(asyncio.get_running_loop().time())
    with pytest.raises(ClientError) as error:
        await team.asked_by_team()
    assert error.value.headers()["retry-after"] == "61"
    assert error.value.headers()["x-ratelimit-remaining-requests"] == "0"
    assert '"tenant-requests-per-minute";r=0;t=61' in error.value.headers()["ratelimit"]
    assert (len(team.transport.sent), team.used) == (3, (3, 30, 0))
    assert team.engine.snapshot(asyncio.get_running_loop().time()) == before
    assert team.pipeline.running == 0


@in_virtual_time
async def test_a_rescue_costs_all_its_attempts_but_one_request() -> None:
    broken: Script = [0.1, EVENTS, ROLE, RESET]
    team = Team(broken, b=[GOOD])
    await team.asked_by_team(stream=True)
    assert team.asked == ["a/m", "b/m"]
    requests, tokens, places = team.used
    assert (requests, places) == (1, 0)
    assert tokens == 10 + sum(record.report.input_tokens or 0 for record in team.kept.attempts[:1])
    assert tokens > 10


@in_virtual_time
async def test_what_providers_refused_costs_no_tokens() -> None:
    team = Team(refusal(429), b=[answer()])
    await team.asked_by_team()
    assert team.asked == ["a/m", "b/m"]
    assert team.used == (1, 10, 0)


@in_virtual_time
async def test_a_stream_that_breaks_after_content_costs_what_came() -> None:
    team = Team([0.1, EVENTS, ROLE, text("Hel"), 0.1, text("lo"), CUT])
    await team.asked_by_team(stream=True)
    (record,) = team.kept.attempts
    assert team.used == (1, (record.report.input_tokens or 0) + 2, 0)


@in_virtual_time
async def test_where_nobody_could_be_reached_everything_is_given_back() -> None:
    team = Team([0.1, REFUSED], b=[[0.1, REFUSED]])
    assert (await team.asked_by_team()).status == 502
    assert team.used == (0, 0, 0)


@pytest.mark.parametrize("after", [0.0, 0.05, 0.15, 0.25])
@in_virtual_time
async def test_a_cancelled_request_gives_its_place_back_and_what_was_sent_is_spent(
    after: float,
) -> None:
    team = Team([0.1, EVENTS, ROLE, 0.1, text("Hel"), 50.0])
    asking = asyncio.ensure_future(team.asked_by_team(stream=True))
    await asyncio.sleep(after)
    held = team.used[2]
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    requests, tokens, places = team.used
    assert (held, places) == (1 if after else held, 0)
    if after:
        assert requests == 1
        assert 0 < tokens < 100


@in_virtual_time
async def test_a_client_that_leaves_gives_its_place_back() -> None:
    class Leaving(Client):
        async def write(self, data: bytes) -> None:
            raise ClientGone

    team = Team(GOOD)
    with pytest.raises(ClientGone):
        await team.asked_by_team(Leaving(), stream=True)
    assert team.used[0] == 1
    assert team.used[2] == 0


@in_virtual_time
async def test_so_many_run_at_once_and_no_more() -> None:
    slow: Script = [5.0, *answer()]
    team = Team(slow, slow, answer())
    running = [asyncio.ensure_future(team.asked_by_team()) for _ in range(2)]
    await asyncio.sleep(1.0)
    with pytest.raises(ClientError, match="2 requests under way at once"):
        await team.asked_by_team()
    await asyncio.gather(*running)
    assert (await team.asked_by_team()).status == 200
    assert team.used == (3, 30, 0)


@in_virtual_time
async def test_an_answer_that_is_given_again_takes_nothing_and_says_how_things_stand_now() -> None:
    team = Team(answer())
    first = await team.asked_by_team(key="k")
    again = await team.asked_by_team(key="k", request_id="req_2")
    assert again.headers["idempotent-replayed"] == "true"
    assert team.used == (1, 10, 0)
    remaining = "x-ratelimit-remaining-tokens"
    assert int(first.headers[remaining]) < int(again.headers[remaining]) == 9990


@in_virtual_time
async def test_a_key_is_free_again_when_its_request_was_too_much() -> None:
    team = Team(*[answer()] * 4)
    for _ in range(3):
        await team.asked_by_team()
    with pytest.raises(ClientError, match="3 requests in any minute"):
        await team.asked_by_team(key="k")
    await asyncio.sleep(61)
    assert (await team.asked_by_team(key="k")).status == 200


@pytest.mark.parametrize(
    "asked",
    [
        lambda team: team.asked_by_team(model="none"),
        lambda team: team.ask(tenant=Tenant("team", allowances=team.allowances), model="a/m"),
    ],
)
@in_virtual_time
async def test_what_is_not_admitted_takes_nothing(asked: Callable[[Team], object]) -> None:
    team = Team(answer())
    with pytest.raises(ClientError):
        await asked(team)  # type: ignore[misc]
    assert team.used == (0, 0, 0)
