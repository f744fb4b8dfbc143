"""With simulated providers: one that is as good is found safe, one that is worse is not."""

import asyncio

from tests.router.running import running

FILE = """version: 1
server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
providers:
  sim:
    dialect: simulated
    models:
      now: {first_token: 20ms, tokens_per_second: 1000, output_tokens: 10, jitter: 0.1}
      same: {first_token: 20ms, tokens_per_second: 1000, output_tokens: 10, jitter: 0.1, seed: 2}
      slow: {first_token: 60ms, tokens_per_second: 1000, output_tokens: 10, jitter: 0.1}
      sick: {first_token: 20ms, tokens_per_second: 1000, output_tokens: 10, error_rate: 0.15}
models:
  same: {targets: [sim/now], shadow: {to: sim/same, share: 100%, spend: none, RATE}}
  slow: {targets: [sim/now], shadow: {to: sim/slow, share: 100%, spend: none, RATE}}
  sick: {targets: [sim/now], shadow: {to: sim/sick, share: 100%, spend: none, RATE}}
"""
RATE = "rate: 6k/min, concurrent: 50"


async def test_what_is_as_good_is_safe_and_what_is_slower_or_fails_more_is_not(tmp_path):
    path = tmp_path / "providers.yaml"
    path.write_text(FILE.replace("RATE", RATE))
    async with running(path) as router:

        async def asked(model: str, count: int) -> dict[str, str]:
            for _ in range(count // 10):
                streams = [bool(number % 2) for number in range(10)]
                await asyncio.gather(*(router.chat(model=model, stream=one) for one in streams))
            for _ in range(200):
                told = (await router.ask_admin("GET", f"/shadow/{model}")).told
                if told["pairs"] + sum(told["held"].values()) == told["sampled"]:
                    break
                await asyncio.sleep(0.01)
            page: dict[str, str] = told
            return page

        slow, sick, same = (
            await asked("slow", 60),
            await asked("sick", 200),
            await asked("same", 450),
        )
        assert slow["verdict"] == "not safe"
        assert "first token: " in slow["words"]
        assert sick["verdict"] == "not safe"
        assert "failures: +" in sick["words"]
        assert same["words"].startswith("safe to switch, by 4")
