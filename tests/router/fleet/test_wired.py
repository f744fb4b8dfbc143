"""Whole routers that are one fleet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from router.app import App
from router.kept.file import documents
from tests.router.fleet.instances import until
from tests.router.quota.servers import Process, process
from tests.router.running import JSON, Running, running, written

LIMITED = "chat: {targets: [sim/fast]}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    with process(tmp_path) as one:
        yield one


def file(folder: Path, server: Process, when_down: str = "local_share") -> Path:
    folder.mkdir()
    shared = f"shared: {{redis: '{server.url}', when_down: {{provider_limits: {when_down}}}}}\n"
    path = written(folder, LIMITED, rest=shared)
    limits = "    limits: {requests: 100/min}\n    dialect: simulated\n"
    path.write_text(path.read_text().replace("    dialect: simulated\n", limits))
    return path


def known(*apps: App) -> list[int]:
    """How many instances each of them knows."""
    return [len(app.state.together.fleet.seen) if app.state.together else 0 for app in apps]


async def fleet(router: Running) -> dict[str, object]:
    told: dict[str, object] = (await router.ask_admin("GET", "/status")).told["fleet"]
    return told


async def test_status_and_metrics_show_every_instance_with_its_revision(
    tmp_path: Path, server: Process
) -> None:
    two = file(tmp_path / "two", server)
    two.write_text(two.read_text() + "# another revision\n")
    async with running(file(tmp_path / "one", server)) as one, running(two) as other:
        apps = (one.app, other.app)
        await until(lambda: known(*apps) == [2, 2])
        told = await fleet(one)
        instances = told["instances"]
        assert isinstance(instances, list)
        revisions = [router.app.state.runtime.revision for router in (one, other)]
        assert sorted(each["revision"] for each in instances) == sorted(revisions)
        assert [each["this"] for each in instances].count(True) == 1
        assert told["answers"] is True
        assert told["differ_for_s"] is not None
        metrics = (await one.ask_admin("GET", "/metrics")).body.decode()
        assert "pointsman_fleet_instances 2\n" in metrics
        assert "pointsman_fleet_revisions 2\n" in metrics
        assert 'pointsman_fleet_news_total{end="told"} 0\n' in metrics


async def test_without_the_server_each_keeps_to_its_part_until_it_is_back(
    tmp_path: Path, server: Process
) -> None:
    async with (
        running(file(tmp_path / "one", server)) as one,
        running(file(tmp_path / "two", server)) as two,
    ):
        apps = (one.app, two.app)
        await until(lambda: known(*apps) == [2, 2])

        def left() -> list[float]:
            loop = asyncio.get_running_loop()
            return [
                app.state.runtime.engine.snapshot(loop.time())["sim/fast"].requests_left
                for app in apps
            ]

        assert left() == [100, 100]
        server.kill()
        for router in (one, two):
            assert (await router.chat()).status == 200
        await until(lambda: left() == [44, 44])
        server.start()
        await until(lambda: left() == [99, 99])


async def test_status_and_metrics_say_how_the_server_is(tmp_path: Path, server: Process) -> None:
    async with running(file(tmp_path / "one", server)) as one:

        async def shared() -> dict[str, object]:
            told: dict[str, object] = (await one.ask_admin("GET", "/status")).told["shared"]
            return told

        await one.chat()
        told = await shared()
        assert (told["up"], told["why"], told["outages"]) == (True, "", 0)
        assert str(told["server"]).startswith("Valkey ")
        assert (told["batches"], told["reservations"]) in ((1, 1), (2, 1))
        assert told["ms_a_batch"] is not None
        server.kill()
        await until(
            lambda: one.app.state.together is not None and not one.app.state.together.shared.up
        )
        told = await shared()
        assert (told["up"], told["outages"]) == (False, 1)
        assert told["why"]
        metrics = (await one.ask_admin("GET", "/metrics")).body.decode()
        assert "pointsman_shared_up 0\n" in metrics
        assert "pointsman_shared_outages_total 1\n" in metrics
        assert "pointsman_shared_reservations_total 1\n" in metrics


async def test_what_keeps_the_server_away_for_good_is_said_once(
    tmp_path: Path, server: Process
) -> None:
    server.say("ACL", "SETUSER", "one", "on", ">first", "~*", "+@all")
    path = file(tmp_path / "one", server)
    path.write_text(path.read_text().replace("redis://", "redis://one:first@"))
    async with running(path) as one:
        together = one.app.state.together
        assert together is not None
        server.say("ACL", "SETUSER", "one", "resetpass", ">second")
        server.say("CLIENT", "KILL", "USER", "one")
        await until(lambda: "refuses the user or the password" in together.why)
        await asyncio.sleep(0.3)
        assert together.outages == 1
        assert one.stream.getvalue().count("it refuses the user or the password") == 1
        server.say("ACL", "SETUSER", "one", ">first")
        await until(lambda: together.shared.up)
        assert together.why == ""


async def test_a_server_that_is_restarted_empty_while_nobody_asks_is_told_all_the_same(
    tmp_path: Path, server: Process
) -> None:
    async with running(file(tmp_path / "one", server)) as one:
        together = one.app.state.together
        assert together is not None
        for _ in range(3):
            assert (await one.chat()).status == 200
        server.kill()
        server.start()
        await until(lambda: together.outages == 1 and together.shared.up)
        await until(lambda: server.say("HGET", "{pm:default}:sim:requests/60", "sum") == b"3")


async def test_limits_that_fail_closed_let_nothing_through_without_the_server(
    tmp_path: Path, server: Process
) -> None:
    server.kill()
    async with running(file(tmp_path / "one", server, "fail_closed")) as one:
        assert (await one.chat()).status in (429, 503)


TENANT = "tenants: {team: {keys: ['${KEY}'], limits: {requests: 100/min}}}\n"


@pytest.mark.parametrize("whose", ["provider_limits", "tenant_limits"])
async def test_limits_that_fail_closed_let_nothing_through_that_meets_the_outage(
    tmp_path: Path, server: Process, whose: str
) -> None:
    shared = f"shared: {{redis: '{server.url}', when_down: {{{whose}: fail_closed}}}}\n"
    path = written(tmp_path, LIMITED, "auth: keys", shared + TENANT)
    limits = "    limits: {requests: 100/min}\n    dialect: simulated\n"
    path.write_text(path.read_text().replace("    dialect: simulated\n", limits))
    async with running(path, {"KEY": "k"}) as one:
        key = {"authorization": "Bearer k"}
        assert (await one.chat(headers=key)).status == 200
        server.stop()
        try:
            answer = await one.chat(headers=key)
        finally:
            server.go_on()
        assert answer.status == 429
        assert "retry-after" in answer.headers
        assert sum(one.app.state.counters.attempts.values()) == 1


async def test_a_router_that_stands_alone_has_no_fleet(tmp_path: Path) -> None:
    async with running(written(tmp_path)) as one:
        assert await fleet(one) is None
        assert b"fleet" not in (await one.ask_admin("GET", "/metrics")).body


async def test_a_tenant_that_comes_while_the_server_is_away_is_bound_as_the_others(
    tmp_path: Path, server: Process
) -> None:
    shared = f"shared: {{redis: '{server.url}', when_down: {{tenant_limits: fail_closed}}}}\n"
    tenants = "tenants:\n  team: {keys: ['${KEY}'], limits: {requests: 9/min}}\n"
    path = written(tmp_path, LIMITED, server="auth: keys", rest=shared + tenants)
    async with running(path, {"KEY": "k", "NEW": "n"}) as router:
        assert (await router.chat(headers={"authorization": "Bearer k"})).status == 200
        server.kill()
        together = router.app.state.together
        assert together is not None
        await router.chat(headers={"authorization": "Bearer k"})
        assert together.why
        path.write_text(path.read_text() + "  new: {keys: ['${NEW}'], limits: {requests: 9/min}}\n")
        await router.app.reload()
        statuses = [
            (await router.chat(headers={"authorization": f"Bearer {key}"})).status for key in "kn"
        ]
    assert statuses == [429, 429]


TEAM = "tenants: {default: {limits: {requests: 50/min}}}\n"


@pytest.mark.parametrize("who", ["provider_limits", "tenant_limits"])
async def test_not_even_those_who_meet_the_outage_pass_limits_that_fail_closed(
    who: str, tmp_path: Path, server: Process
) -> None:
    path = file(tmp_path / "one", server, "local_share")
    path.write_text(path.read_text().replace("provider_limits: local_share", f"{who}: fail_closed"))
    path.write_text(path.read_text() + TEAM)
    async with running(path) as one:
        assert (await one.chat()).status == 200
        server.stop()
        try:
            answers = await asyncio.gather(*(one.chat(max_tokens=5) for _ in range(3)))
        finally:
            server.go_on()
        assert [answer.status for answer in answers] == [429] * 3
        tallies = one.app.state.counters.attempts
        assert sum(tallies.values()) == 1


async def test_one_that_starts_without_the_server_goes_by_what_was_heard_last_where_it_runs(
    tmp_path: Path, server: Process
) -> None:
    pinned = b'{"kind": "pin", "model": "chat", "target": "sim/fast"}'
    path = file(tmp_path / "one", server)
    async with running(path) as one, running(file(tmp_path / "two", server)) as two:
        await until(lambda: known(one.app, two.app) == [2, 2])
        told = await one.ask_admin("POST", "/overrides", pinned, JSON)
        assert told.status == 201, told.body
        await until(lambda: state(path).get("fleet") == {"name": "default", "instances": 2})
        await until(lambda: "overrides" in state(path))
    server.kill()
    async with running(path) as one:
        assert await one.says("the fleet cannot be heard, what it said last holds: of=overrides")
        snapshot = one.app.state.runtime.engine.snapshot
        assert snapshot(asyncio.get_running_loop().time())["sim/fast"].requests_left == 45
        overrides = (await one.ask_admin("GET", "/overrides")).told["overrides"]
        assert [each["target"] for each in overrides] == ["sim/fast"]
        server.start()  # it knows nothing: what was heard before the start is told to nobody
        await until(
            lambda: snapshot(asyncio.get_running_loop().time())["sim/fast"].requests_left == 100
        )
        await until(lambda: not one.app.state.overrides.holding())
        assert not server.say("EXISTS", "{pm:default}:kept:overrides")
    assert state(path)["fleet"]["instances"] == 2  # that it is one may be since the fleet stops


def state(path: Path) -> dict[str, Any]:
    """What is kept beside the file."""
    return documents(path.with_name("pointsman.state.json"))[0]
