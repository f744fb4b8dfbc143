"""Which arm of a shift a request is in: its route as it is, or the canary that it may become.

The engine has a route for each, over the same targets, so that what is learned of them is one. The
canary's is hidden: clients ask for the model, and only the attempts that are made know the arm.
Must not: know how far a shift has come by itself, or why.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from policies.shifting import in_canary
from router.caller import Caller
from router.config import MARK
from router.dialects.contract import Call


def canary_of(model: str) -> str:
    """The engine's name of the route to which a model's traffic moves."""
    return model + MARK


def model_of(route: str) -> str:
    """The model of a route of the engine's, by whichever arm."""
    return route.removesuffix(MARK)


def arm_of(route: str) -> str:
    """`canary`, or nothing: what else a route is."""
    return "canary" if route.endswith(MARK) else ""


@dataclass(frozen=True, slots=True)
class Arms:
    """Both arms of a model's shift: the `control` are the targets that it has, `to` those to which
    its traffic moves; the route `canary` is asked for a `share` of all requests. `by` says what
    stays on its side, `revision` shuffles.
    """

    canary: str
    control: frozenset[str]
    to: frozenset[str]
    share: float
    by: Literal["session", "user", "request"]
    revision: str

    def takes(
        self, call: Call, caller: Caller, only: frozenset[str] | None, barred: Collection[str] = ()
    ) -> bool:
        """Whether the canary is asked. Who is confined to targets, or barred from some, goes where
        the others are; who wishes for a policy is not of those who try it, since what that chooses
        says nothing of it.
        """
        if only is not None or barred:
            reach = {name for name in only or self.control | self.to if name not in barred}
            if not reach & self.control:
                return True
            if not reach & self.to:
                return False
        if not self.share or caller.wishes.policy is not None:
            return False
        return in_canary(self._key(call, caller), self.revision, self.share)

    def _key(self, call: Call, caller: Caller) -> str:
        """What stays on one side: a session, else a user, of one tenant; else only the request, so
        that the share is true.
        """
        if self.by != "request":
            session = caller.wishes.session if self.by == "session" else None
            if name := session or caller.dialect.user(call):
                return f"{caller.tenant.name}\n{name}"
        return caller.request_id
