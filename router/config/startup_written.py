"""The start-up keys as they are written: `server` and `shared`.

Why: see `startup`.
Must not: resolve anything, or fill in a default.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from router.config import texts, units
from router.config.base_written import Written
from router.config.startup import Fallback
from router.config.values import Rate, Secret
from router.config.written import Bound, Count, Credential, Duration, Positive, Text

Down = Annotated[Fallback | None, BeforeValidator(texts.choice("local_share", "fail_closed"))]


class WrittenDrain(Written):
    """`server.drain`."""

    announce: Duration = None
    wait: Duration = None


class WrittenDecisionFile(Written):
    """`server.decisions.file`: its path is relative to the file of the router."""

    path: Text = None
    rotate: Annotated[int | None, BeforeValidator(units.size)] = None
    keep: Positive = None


class WrittenDecisions(Written):
    """`server.decisions`."""

    keep: Count = None
    rate: Annotated[Rate | None, BeforeValidator(units.rate_or_all)] = None
    file: WrittenDecisionFile = WrittenDecisionFile()


class WrittenFetch(Written):
    """`server.fetch`."""

    hosts: tuple[Annotated[str, BeforeValidator(texts.authority)], ...] = ()


class WrittenServer(Written):
    """`server`."""

    listen: Bound = None
    admin: Bound = None
    admin_token: Credential = None
    auth: Annotated[
        Literal["open", "keys"] | None, BeforeValidator(texts.choice("open", "keys"))
    ] = None
    max_body: Annotated[int | None, BeforeValidator(units.size)] = None
    drain: WrittenDrain = WrittenDrain()
    decisions: WrittenDecisions = WrittenDecisions()
    fetch: WrittenFetch = WrittenFetch()
    hosts: tuple[Annotated[str, BeforeValidator(texts.host)], ...] = ()
    origins: tuple[Annotated[str, BeforeValidator(texts.origin)], ...] = ()
    plugins: tuple[Annotated[str, BeforeValidator(texts.module)], ...] = ()
    workers: Positive = None
    reload: Annotated[
        Literal["watch", "signal"] | None, BeforeValidator(texts.choice("watch", "signal"))
    ] = None
    state: Annotated[str | None, BeforeValidator(texts.file)] = None


class WrittenWhenDown(Written):
    """`shared.when_down`."""

    provider_limits: Down = None
    tenant_limits: Down = None


class WrittenShared(Written):
    """`shared`."""

    redis: Annotated[Secret | None, BeforeValidator(texts.redis)] = None
    fleet: Annotated[str | None, BeforeValidator(texts.named)] = None
    when_down: WrittenWhenDown = WrittenWhenDown()
