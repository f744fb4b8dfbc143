"""How a process joins its fleet: by which name, and over which connections."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from router.fleet.fleet import Fleet, Me
from router.redis.address import address_of
from router.redis.link import Link


def joined(url: str, fleet: str, instance: str, event: Callable[..., None]) -> Fleet:
    """Where this process is in the fleet of that name, as the `instance`; `event` logs. Raises
    `Malformed` for a URL that is none.
    """
    address = address_of(url)
    try:
        own = version("pointsman")
    except PackageNotFoundError:
        own = ""
    me = Me(instance, platform.node(), os.getpid(), own, time.time())
    return Fleet(fleet, me, Link(address, fleet), Link(address, fleet), event)
