"""A request as the engine is to see it, and what drives it: for models that have it driven in their
own way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from policies import Request
from router.caller import Caller
from router.dialects.contract import Call
from router.passage import Passage
from router.runtime import Runtime


class Begun(NamedTuple):
    """`passage` is called with what a `Passage` is made of."""

    request: Request
    passage: Callable[..., Passage]


Begin = Callable[[Call, Caller, Request, Runtime], Begun]
