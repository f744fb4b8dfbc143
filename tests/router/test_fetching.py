"""The files of one request: each is fetched once, and who waits for them is told."""

import asyncio
from base64 import b64decode
from collections.abc import Callable
from random import Random

import pytest

from policies import Engine, Request, Route, Send, Target
from router import fetching
from router.bell import Bell
from router.dialects.common.prompt import Prompt
from router.dialects.openai.dialect import OPENAI
from router.fetching import MOST_FILES, Files
from router.upstream.fetch import Fetched, Fetcher, FetchError


class Fetching(Fetcher):
    """Brings a byte for every address, but for those that begin with `bad`; `asked` are all."""

    def __init__(self, size: int = 1) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._size = size

    async def get(self, url: str, within: float, took: Callable[[int], None]) -> Fetched:
        self.asked.append(url)
        await self.gate.wait()
        took(self._size)
        if url.startswith("bad"):
            raise FetchError("it is bad")
        if url.startswith("broken"):
            raise ZeroDivisionError
        return Fetched("image/png", url.encode())


class Scene:
    def __init__(self, size: int = 1) -> None:
        loop = asyncio.get_running_loop()
        self.fetcher = Fetching(size)
        self.call = OPENAI.parse(b'{"model":"m","messages":[]}')
        self.call.common = self.prompt = Prompt([])
        self.bell = Bell(loop)
        self.files = Files(self.call, self.fetcher, self.bell)
        self.engine = Engine({"m": Route([Target("a/m")])}, rng=Random(1), now=loop.time())

    def want(self, *urls: str) -> str | None:
        now = asyncio.get_running_loop().time()
        course = self.engine.start(Request("m", now + 5), now)
        send = course.next(now)
        assert isinstance(send, Send)
        try:
            why = self.files.want(urls, send)
            assert send.attempt.open is (why is not None)
        finally:
            course.close(now)
        return why

    async def rung(self) -> None:
        await self.bell.wait(asyncio.get_running_loop().time() + 0.3)
        assert self.bell.woken
        self.bell.woken = False


async def test_what_was_fetched_is_in_the_common_form_once_the_bell_rings():
    scene = Scene()
    assert scene.want("a", "b") is None
    assert scene.want("a", "b") is None  # another target, while it comes
    await scene.rung()
    assert {url: b64decode(data) for url, (_, data) in scene.prompt.fetched.items()} == {
        "a": b"a",
        "b": b"b",
    }
    assert sorted(scene.fetcher.asked) == ["a", "b"]
    scene.files.close()


async def test_what_could_not_be_fetched_is_told_from_then_on_and_not_tried_again():
    scene = Scene()
    assert scene.want("a", "bad") is None
    await scene.rung()
    for _ in range(2):
        assert scene.want("bad") == "bad cannot be fetched: it is bad"
    assert sorted(scene.fetcher.asked) == ["a", "bad"]
    assert list(scene.prompt.fetched) == ["a"]


async def test_who_wants_more_later_gets_only_what_is_not_there():
    scene = Scene()
    assert scene.want("a") is None
    await scene.rung()
    assert scene.want("b") is None
    await scene.rung()
    assert scene.fetcher.asked == ["a", "b"]


async def test_files_that_are_too_many_or_too_large_together_are_refused(
    monkeypatch: pytest.MonkeyPatch,
):
    scene = Scene(size=3)
    many = [str(number) for number in range(MOST_FILES + 1)]
    assert scene.want(*many) == f"more than {MOST_FILES} files to fetch"
    monkeypatch.setattr(fetching, "MOST_BYTES", 5)
    assert scene.want("a", "b") is None
    await scene.rung()
    why = scene.want("a", "b")
    assert why is not None
    assert why.endswith("all files are larger than 0 MB together")
    assert len(scene.prompt.fetched) == 1


async def test_a_request_that_is_over_wakes_nobody_and_fetches_nothing_on():
    scene = Scene()
    scene.fetcher.gate.clear()
    assert scene.want("a") is None
    await asyncio.sleep(0)
    before = asyncio.all_tasks()
    scene.files.close()
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) < len(before)
    assert not scene.bell.woken


async def test_a_fault_of_fetching_itself_is_not_hidden():
    scene = Scene()
    assert scene.want("broken") is None
    await scene.rung()
    with pytest.raises(ExceptionGroup):
        scene.want("broken")
