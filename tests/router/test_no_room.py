"""A router that may open no more connections blames nobody else for it."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from router.testing import Answer, Provider
from tests.router.running import running

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
providers:
  far: {{base_url: "{url}", limits: {{tokens: 10k/min}}, models: [m]}}
models:
  chat: {{targets: [far/m]}}
"""


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(descriptors), hard))
    spare = []
    try:
        while True:
            spare.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    try:
        yield
    finally:
        for descriptor in spare:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_who_cannot_open_a_connection_says_so_and_blames_no_target(tmp_path: Path) -> None:
    path = tmp_path / "providers.yaml"
    async with Provider(Answer("one two").closing()) as far:
        path.write_text(FILE.format(url=far.url))
        async with running(path) as router:
            assert (await router.chat()).status == 200
            state = router.app.state
            left = state.runtime.engine.snapshot(state.clock())["far/m"].tokens_left
            with no_more_descriptors():
                told = [await router.chat() for _ in range(6)]
            after = state.runtime.engine.snapshot(state.clock())["far/m"]
            log = router.stream.getvalue()
            again = await router.chat()
    assert [answer.status for answer in told] == [503] * 6
    assert told[0].error["code"] == "no_room"
    assert "ulimit -n" in str(told[0].error["message"])
    assert told[0].headers["retry-after"] == "1"
    assert (after.state, after.factors.availability) == ("healthy", 1.0)
    assert after.tokens_left == left
    assert "attempt 1 abandoned (connect): this machine lets us open no more" in log
    assert again.status == 200
