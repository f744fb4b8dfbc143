"""The keys of what stands beside providers and models, `defaults` and `tenants`, and how each value
is read. As `written`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from router.config import texts
from router.config.base_written import Written
from router.config.place_written import WrittenOnly
from router.config.values import Secret
from router.config.written import Span, WrittenLimits, WrittenRetry, WrittenTimeouts


class WrittenDefaultTimeouts(WrittenTimeouts):
    """`defaults.timeouts`: those towards clients as well."""

    client_write: Span = None


class WrittenDefaults(Written):
    """`defaults`."""

    deadline: Span = None
    timeouts: WrittenDefaultTimeouts = WrittenDefaultTimeouts()
    retry: WrittenRetry = WrittenRetry()


class WrittenTenant(Written):
    """One of `tenants`."""

    keys: tuple[Annotated[Secret, BeforeValidator(texts.credential)], ...] = ()
    may: tuple[
        Annotated[
            Literal["policy", "priority", "target"],
            BeforeValidator(texts.choice("policy", "priority", "target")),
        ],
        ...,
    ] = ()
    models: tuple[Annotated[str, BeforeValidator(texts.label)], ...] = ()
    only: WrittenOnly | None = None
    limits: WrittenLimits = WrittenLimits()
    per_user: WrittenLimits = WrittenLimits()
    per_model: dict[str, WrittenLimits] = Field(default_factory=dict)
    per_endpoint: dict[str, WrittenLimits] = Field(default_factory=dict)
