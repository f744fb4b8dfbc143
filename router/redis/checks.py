"""What a server says of itself, and what of it is not as shared limits need it.

Pure: the text of `INFO`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from router.redis.address import Address
from router.redis.down import Refused

OLDEST = (7, 0)
"""What came with it and is used: scripts that write what they computed from the clock, and `SET`
that sets only what is missing and tells what was there.
"""


class About(NamedTuple):
    """A server's name and version, for people, and what somebody should look at."""

    name: str
    warnings: tuple[str, ...]


def about(told: str | None, address: Address) -> About:
    """What `INFO` says; None: it is refused. Raises `Refused` for a server that is too old."""
    if told is None:
        return About("a server", ("it does not tell its version and settings: INFO is refused",))
    said = dict(line.partition(":")[::2] for line in told.splitlines())
    name, version = _name(said)
    compatible = said.get("redis_version", "")
    if compatible and _numbers(compatible) < OLDEST:
        raise Refused(f"{name} {version} is too old: Redis from 7.0 on, or Valkey, is needed")
    return About(f"{name} {version}".strip(), tuple(_warnings(said, address)))


def _name(said: Mapping[str, str]) -> tuple[str, str]:
    name = said.get("server_name", "redis")
    return name.capitalize(), said.get(f"{name}_version", said.get("redis_version", ""))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _warnings(said: Mapping[str, str], address: Address) -> list[str]:
    found = []
    policy = said.get("maxmemory_policy", "noeviction")
    if said.get("maxmemory", "0") != "0" and policy != "noeviction":
        found.append(
            f"its maxmemory-policy is {policy}: it may drop what was counted, and so allow too"
            " much; set it to noeviction"
        )
    if said.get("role", "master") != "master":
        found.append("it is a replica that takes writes, which its primary will not have")
    if said.get("cluster_enabled", "0") == "1" and address.kind != "cluster":
        found.append(
            "it is a node of a cluster: write redis+cluster:// in shared.redis, so that the fleet's"
            " keys are found wherever they are"
        )
    return found
