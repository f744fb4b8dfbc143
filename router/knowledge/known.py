"""Completes a configuration by what is known of its models, where the file does not say.

What the file says always wins, and what nobody knows stays unknown: it is never taken for nothing.
The list is asked in a process of its own, while requests are served; until it has answered, its
models are unknown.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from router.config import Config, Price, Provider, ProviderModel
from router.config.variants import in_tier
from router.telemetry.log import Log

PATIENCE = 20.0
"""Seconds that the list may take; a fifth of one is usual."""
Pair = tuple[str, str]
"""A company, by its preset, and a model as it calls it."""


class Known(NamedTuple):
    """Tokens of context; nano-dollars a token. None: not known."""

    context: int | None = None
    input: int | None = None
    output: int | None = None
    cached: int | None = None
    stored: int | None = None


class NotAnswered(Exception):
    """The list could not be asked; the message says why."""


def unknown(config: Config) -> Iterator[Pair]:
    """The models of which the file leaves something open that a list might know."""
    for provider in config.providers.values():
        if provider.enabled and provider.company is not None:
            for model in provider.models.values():
                if None in (model.context, model.price.input, model.price.output):
                    yield provider.company, model.name


def completed(config: Config, known: Mapping[Pair, Known]) -> Config:
    """`config` with what is `known` where the file says nothing."""
    providers = {name: _provider(one, known) for name, one in config.providers.items()}
    return replace(config, providers=MappingProxyType(providers))


async def look_up(pairs: list[Pair]) -> dict[Pair, Known]:
    """What the list knows of each; what it does not know is `Known()`. Raises `NotAnswered`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "router.knowledge.prices",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            told, trouble = await process.communicate(json.dumps(pairs).encode())
        answers = json.loads(told)
    except TimeoutError:
        raise NotAnswered(f"it did not answer within {PATIENCE:.0f} s") from None
    except ValueError:
        last = trouble.decode(errors="replace").strip().splitlines()[-1:]
        raise NotAnswered(last[0] if last else "it said nothing") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return {
        pair: Known() if answer is None else Known(**answer)
        for pair, answer in zip(pairs, answers, strict=True)
    }


class Learning:
    """Has looked up, beside everything else, what files leave open; `known` grows with it."""

    def __init__(self, log: Log) -> None:
        self.known: dict[Pair, Known] = {}
        self._log = log
        self._task: asyncio.Task[None] | None = None

    def begin(self, config: Callable[[], Config], then: Callable[[], None]) -> None:
        """Look up what the running `config` leaves open, also what comes with a file that is loaded
        meanwhile; `then` is called when more is known.
        """
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look(config, then))

    async def close(self) -> None:
        """Look no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _look(self, config: Callable[[], Config], then: Callable[[], None]) -> None:
        while asked := [pair for pair in unknown(config()) if pair not in self.known]:
            try:
                self.known |= await look_up(list(dict.fromkeys(asked)))
            except (NotAnswered, OSError) as error:
                self._log.event("the price list cannot be asked:", error=str(error))
                return
            then()


def _provider(provider: Provider, known: Mapping[Pair, Known]) -> Provider:
    models = {
        name: _model(provider.company or "", model, known)
        for name, model in provider.models.items()
    }
    return replace(provider, models=MappingProxyType(models))


def _model(company: str, model: ProviderModel, known: Mapping[Pair, Known]) -> ProviderModel:
    price, found = model.price, known.get((company, model.name), Known())
    # Half of a written price is as its writer left it.
    if price == Price():
        listed = Price(found.input, found.output, found.cached, found.stored)
        price = in_tier(listed, company, model.service_tier)
    context = found.context if model.context is None else model.context
    return replace(model, context=context, price=price)
