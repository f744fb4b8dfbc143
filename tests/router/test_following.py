"""A saved file is soon in force, however it was saved; a wrong one changes nothing."""

import asyncio
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from router.config import Watch
from tests.router.running import Running, running, written

MODELS = "chat: {policy: weighted_round_robin, targets: {sim/fast: %d, sim/other: %d}}"
WITHIN = 3.0  # seconds: one is promised; a machine that runs tests may be busy with others


def text(folder: Path, fast: int, other: int) -> str:
    """What a file with these weights says; it is left alone."""
    beside = folder / "beside"
    beside.mkdir(exist_ok=True)
    return written(beside, MODELS % (fast, other)).read_text()


def weights(router: Running) -> dict[str, float]:
    (tier,) = router.app.state.config.models["chat"].tiers
    return {target.name: target.weight for target in tier}


async def soon(happened: Callable[[], object]) -> None:
    """Wait until it has happened, before long."""
    began = monotonic()
    while not happened():
        assert monotonic() - began < WITHIN
        await asyncio.sleep(0.01)


async def in_force(router: Running, fast: int, other: int) -> None:
    """Wait until these weights are."""
    await soon(lambda: weights(router) == {"sim/fast": fast, "sim/other": other})


async def complained(router: Running) -> tuple[str, ...]:
    """Wait until the file is refused; all that is wrong."""
    await soon(lambda: router.app.state.errors)
    return router.app.state.errors


def in_place(path: Path, new: str) -> None:
    with path.open("r+") as file:
        file.write(new)
        file.truncate()


def emptied_and_then_written(path: Path, new: str) -> None:
    with path.open("w") as file:
        time.sleep(0.2)
        file.write(new)


def written_in_pieces(path: Path, new: str) -> None:
    """Each of them whole lines, which a parser would take."""
    with path.open("w") as file:
        for line in new.splitlines(keepends=True):
            file.write(line)
            file.flush()
            time.sleep(0.02)


def renamed_over(path: Path, new: str) -> None:
    beside = path.with_suffix(".tmp")
    beside.write_text(new)
    beside.rename(path)


def as_vim_does(path: Path, new: str) -> None:
    """`backupcopy=no`: the old file moves aside, a new one takes its name, and the old one goes."""
    probe = path.with_name("4913")
    probe.touch()
    probe.unlink()
    backup = path.with_name(path.name + "~")
    path.rename(backup)
    time.sleep(0.05)
    path.write_text(new)
    path.chmod(0o600)
    backup.unlink()


def by_sed(path: Path, new: str) -> None:
    change = r"s/{sim.fast: 1, sim.other: 0}/{sim\/fast: 0, sim\/other: 1}/"
    subprocess.run([str(shutil.which("sed")), "-i", change, str(path)], check=True)
    assert path.read_text() == new


def removed_and_made_again(path: Path, new: str) -> None:
    path.unlink()
    time.sleep(0.2)
    path.write_text(new)


def with_the_old_times(path: Path, new: str) -> None:
    before = path.stat()
    path.write_text(new)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


SAVES = (
    in_place, emptied_and_then_written, written_in_pieces, renamed_over, as_vim_does, by_sed,
    removed_and_made_again, with_the_old_times,
)  # fmt: skip


@pytest.mark.parametrize("save", SAVES)
async def test_a_file_is_soon_in_force_however_it_was_saved(
    tmp_path: Path, save: Callable[[Path, str], None]
) -> None:
    path = written(tmp_path, MODELS % (1, 0))
    async with running(path) as router:
        await asyncio.to_thread(save, path, text(tmp_path, 0, 1))
        await in_force(router, 0, 1)
        assert (await router.chat()).headers["x-router-target"] == "sim/other"
    said = router.stream.getvalue()
    assert "reloaded: change=chat: sim/fast 1 → 0" in said
    assert "refused" not in said


async def test_a_configmap_s_new_version_is_soon_in_force(tmp_path: Path) -> None:
    def version(name: str, fast: int, other: int) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "providers.yaml").write_text(text(tmp_path, fast, other))
        return folder

    old = version("..2026_01", 1, 0)
    (tmp_path / "..data").symlink_to(old.name)
    path = tmp_path / "providers.yaml"
    path.symlink_to("..data/providers.yaml")
    async with running(path) as router:
        new = version("..2026_02", 0, 1)
        (tmp_path / "..data_tmp").symlink_to(new.name)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        shutil.rmtree(old)
        await in_force(router, 0, 1)
        assert router.app.state.errors == ()


async def test_a_wrong_file_changes_nothing_is_said_everywhere_and_the_next_one_is_taken(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, MODELS % (1, 0))
    async with running(path) as router:
        revision = (await router.ask_admin("GET", "/config")).told["revision"]
        path.write_text(text(tmp_path, 0, 1).replace("sim/other", "sim/otter"))
        (error,) = await complained(router)
        assert error.startswith(f"{path}:")
        told = (await router.ask_admin("GET", "/config")).told
        assert (told["errors"], told["revision"]) == ([error], revision)
        assert told["reloads"] == {"ok": 0, "refused": 1}
        assert b"\npointsman_config_errors 1\n" in (await router.ask_admin("GET", "/metrics")).body
        assert await router.refused() == [error]
        assert weights(router) == {"sim/fast": 1, "sim/other": 0}
        path.write_text(text(tmp_path, 0, 1))
        await in_force(router, 0, 1)
        told = (await router.ask_admin("GET", "/config")).told
        assert told["errors"] == []
        assert told["revision"] != revision
        assert told["changes"] == ["chat: sim/fast 1 → 0", "chat: sim/other 0 → 1"]
        assert told["path"] == str(path)
        assert told["loaded_s_ago"] == told["tried_s_ago"]
        assert b"\npointsman_config_errors 0\n" in (await router.ask_admin("GET", "/metrics")).body
    assert router.stream.getvalue().count("reload refused") == 1


async def test_a_changed_start_up_key_is_refused_by_name(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS % (1, 0))) as router:
        written(tmp_path, MODELS % (0, 1), "max_body: 1KiB")
        assert await complained(router) == ("server.max_body changed, which needs a restart",)
        assert weights(router) == {"sim/fast": 1, "sim/other": 0}


async def test_included_files_folders_and_secrets_are_followed_too(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    (tmp_path / "key").write_text("one")
    rest = 'include: parts\ntenants: {team: {keys: ["${file:key}"]}}'
    path = written(tmp_path, server="auth: keys", rest=rest)
    async with running(path) as router:
        state = router.app.state
        (parts / "more.yaml").write_text("models: {more: {targets: [sim/fast]}}")
        await soon(lambda: "more" in state.config.models)
        (parts / "more.yaml").write_text("models: {less: {targets: [sim/fast]}}")
        await soon(lambda: "less" in state.config.models)
        (parts / "more.yaml").write_text("models: {less: {targets: [sim/fsat]}}")
        (error,) = await complained(router)
        assert error.startswith(f"{parts / 'more.yaml'}:1:27: ")
        (parts / "more.yaml").unlink()
        await soon(lambda: not state.errors)
        assert list(state.config.models) == ["chat"]
        (tmp_path / "key").write_text("two")
        await soon(lambda: state.changes == ("tenant team: other keys (1 → 1)",))
        answers = [
            await router.chat(headers={"authorization": f"Bearer {k}"}) for k in ("one", "two")
        ]
        assert [answer.status for answer in answers] == [401, 200]


async def test_what_is_loaded_on_a_signal_is_not_loaded_again(tmp_path: Path) -> None:
    async with running(written(tmp_path, MODELS % (1, 0))) as router:
        written(tmp_path, MODELS % (0, 1))
        await router.app.reload()
        await asyncio.sleep(0.29)
        assert router.app.state.counters.reloads == {"ok": 1}


async def test_with_reload_on_a_signal_alone_nobody_looks(tmp_path: Path) -> None:
    server = "reload: signal"
    async with running(written(tmp_path, MODELS % (1, 0), server)) as router:
        written(tmp_path, MODELS % (0, 1), server)
        await asyncio.sleep(0.3)
        await asyncio.sleep(0.3)
        assert weights(router) == {"sim/fast": 1, "sim/other": 0}
        await router.app.reload()
        assert weights(router) == {"sim/fast": 0, "sim/other": 1}


async def test_a_target_that_is_taken_out_ends_what_it_has_and_gets_nothing_new(
    tmp_path: Path,
) -> None:
    path = written(
        tmp_path, "chat: {targets: [sim/endless, sim/fast]}\nlong: {targets: [sim/endless]}"
    )
    async with running(path) as router, router.streamed("long") as stream:
        await stream.content.readany()
        written(tmp_path, "chat: {targets: [sim/fast]}")
        await soon(lambda: "long" not in router.app.state.config.models)
        answered = [(await router.chat()).headers["x-router-target"] for _ in range(20)]
        assert answered == ["sim/fast"] * 20
        for _ in range(3):
            assert b"data: {" in await stream.content.readany()


async def edited_under_load(tmp_path: Path, edits: int, pause: float) -> Running:
    """So many edits, in turns by every way to save, while clients ask without a pause."""
    path = written(tmp_path, MODELS % (1, 1))
    saves = [save for save in SAVES if save is not by_sed]
    async with running(path) as router:
        failed: Counter[int] = Counter()
        asked = 0

        async def client() -> None:
            nonlocal asked
            while True:
                answer = await router.chat()
                asked += 1
                if answer.status != 200:
                    failed[answer.status] += 1

        tasks = [asyncio.create_task(client()) for _ in range(4)]
        for edit in range(1, edits + 1):
            new = text(tmp_path, 1 + edit % 7, 1 + edit)
            save = renamed_over if edit % 20 else saves[edit // 20 % len(saves)]
            await asyncio.to_thread(save, path, new)
            await asyncio.sleep(pause)
        await in_force(router, 1 + edits % 7, 1 + edits)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert not failed
        assert asked > edits
        assert router.app.state.counters.reloads["ok"] > 2
        assert router.app.state.counters.reloads["refused"] == 0
        return router


async def test_a_hundred_edits_under_load_fail_no_request(tmp_path: Path) -> None:
    await edited_under_load(tmp_path, 100, 0.01)


@pytest.mark.proof
async def test_a_thousand_edits_under_load_fail_no_request(tmp_path: Path) -> None:
    router = await edited_under_load(tmp_path, 1000, 0.13)
    assert router.app.state.counters.reloads["ok"] > 100


@pytest.mark.proof
async def test_a_saved_file_is_in_force_within_a_second(tmp_path: Path) -> None:
    """On a machine that has nothing else to do."""
    path = written(tmp_path, MODELS % (1, 1))
    took = []
    async with running(path) as router:
        for edit in range(1, 31):
            new = text(tmp_path, 1, 1 + edit)
            await asyncio.to_thread(renamed_over if edit % 2 else in_place, path, new)
            began = monotonic()
            await in_force(router, 1, 1 + edit)
            took.append(monotonic() - began)
            await asyncio.sleep(0.03 * (edit % 7))
        path.write_text(text(tmp_path, 1, 1).replace("sim/other", "sim/otter"))
        began = monotonic()
        await complained(router)
    assert max(took) < 0.6
    assert monotonic() - began < 1.0


async def test_a_file_system_that_does_not_answer_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = Event(), Event()

    def away(watch: Watch, now: float) -> bool:
        asked.set()
        return not answered.wait(WITHIN)

    async with running(written(tmp_path, MODELS % (1, 0))) as router:
        monkeypatch.setattr(Watch, "look", away)
        try:
            await soon(asked.is_set)
            assert (await router.chat()).status == 200
        finally:
            answered.set()
