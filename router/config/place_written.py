"""The keys of what providers and models say of where they are and whom they serve, and of what may
be asked for of that. As `written`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from router.config import texts
from router.config.base_written import Written

Names = tuple[Annotated[str, BeforeValidator(texts.named)], ...]
Regions = tuple[Annotated[str, BeforeValidator(texts.regions)], ...]


class WrittenPlace(Written):
    """What providers and their models say alike."""

    residency: Names = ()
    tags: Names = ()
    tenants: Names = ()


class WrittenOnly(Written):
    """`only` of a route or a tenant."""

    region: Regions = ()
    residency: Names = ()
    tags: Names = ()
