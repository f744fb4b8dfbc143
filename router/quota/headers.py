"""What the headers of an answer say is left of its provider's limits.

No clock is read, and nothing is done about it: the engine judges what can be believed. How each
provider calls its limits is data; how resets are written is known where errors are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from policies import Headroom, Measurement, Used
from router.dialects.errors.rests import named, seconds, structured, wall_of

Dimension = Literal["requests", "tokens", "input", "output"]
Part = Literal["limit", "remaining", "reset"]
PARTS: tuple[Part, ...] = ("limit", "remaining", "reset")
SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86_400.0
MONTH = 30 * DAY


class Kind(NamedTuple):
    """One limit: what it is called, what it counts, and over how many seconds (None: the name does
    not tell).
    """

    name: str
    of: Dimension
    span: float | None


def _kinds(*kinds: tuple[str, Dimension, float | None]) -> dict[str, Kind]:
    return {kind[0]: Kind(*kind) for kind in kinds}


PLAIN = _kinds(
    ("requests", "requests", None),  # a minute; at Groq, and at OpenAI for some, a day
    ("tokens", "tokens", MINUTE),
    ("project-tokens", "tokens", MINUTE),
    # Fireworks: a minute's, as sent (its page of rate limits says a second's)
    ("tokens-prompt", "input", MINUTE),
    ("tokens-cache-adjusted-prompt", "input", MINUTE),
    ("tokens-generated", "output", MINUTE),
    # Mistral
    ("req-minute", "requests", MINUTE),
    ("tokens-month", "tokens", MONTH),
    # Cerebras
    ("requests-minute", "requests", MINUTE),
    ("requests-hour", "requests", HOUR),
    ("requests-day", "requests", DAY),
    ("tokens-minute", "tokens", MINUTE),
    ("tokens-hour", "tokens", HOUR),
    ("tokens-day", "tokens", DAY),
)
ANTHROPIC = _kinds(
    ("requests", "requests", MINUTE),
    ("tokens", "tokens", MINUTE),
    ("input-tokens", "input", MINUTE),
    ("output-tokens", "output", MINUTE),
)
BY_SIZE = {"minute": PLAIN["tokens-minute"], "month": PLAIN["tokens-month"]}
ONE = _kinds(("requests", "requests", None))
TOKENS = _kinds(("tokens", "tokens", None))
FAMILIES: tuple[tuple[str, dict[str, Kind]], ...] = (
    ("x-ratelimit-{part}-{kind}", PLAIN),  # OpenAI, Azure, Groq, xAI and most others
    ("anthropic-ratelimit-{kind}-{part}", ANTHROPIC),
    ("x-ratelimit-{part}", ONE),  # Together, OpenRouter, and who has one limit
    ("ratelimit-{part}", ONE),  # the drafts of RateLimit
    ("x-tokenlimit-{part}", TOKENS),  # Together
    ("x-ratelimitbysize-{part}-{kind}", BY_SIZE),  # Mistral
    ("ratelimitbysize-{part}", TOKENS),
)
"""How the names of headers are made."""
NAMES: dict[str, tuple[Kind, Part]] = {
    pattern.format(part=part, kind=end): (kind, part)
    for pattern, kinds in FAMILIES
    for end, kind in kinds.items()
    for part in PARTS
}
STRUCTURED, POLICY = "ratelimit", "ratelimit-policy"
USED = "azure-openai-deployment-utilization"
"""Of provisioned throughput, `87.3%`: from 100 % on Azure refuses, and says when to come back."""
READ = frozenset((*NAMES, STRUCTURED, POLICY, USED, "retry-after-ms", "retry-after"))
"""Names of all headers that are read here.

Left out, since as levels they would hold back what its provider takes: Anthropic's
`anthropic-priority-…` (beyond it requests go on at the standard tier, whose limits are told
beside it) and `anthropic-fast-…` (of those alone that ask for it), and
`anthropic-ratelimit-unified-…` (parts of what nobody tells the size of; where they refuse, that is
read with the error). Fireworks' `x-ratelimit-over-limit` says of a request that it was served, and
no number; of one that was refused it has said `no`. `x-should-retry` is for who would ask the same
place again; what was refused, and for how long, is said by the rest of the answer.
"""

_PERCENT = re.compile(r"\s*(\d{1,6}(?:\.\d{0,6})?)\s*%?\s*", re.ASCII)
_COUNT = re.compile(r"\s*([+-]?\d{1,18})(?:\.\d*)?\s*(?:$|[,;])", re.ASCII)
_UNIT = re.compile(r'"([^",;]{1,64})"[^,"]{0,64}\bqu="([a-z-]{1,32})"', re.ASCII)


def measured(headers: Mapping[str, str], wall: float | None) -> Measurement | None:
    """What `headers` (names in lower case) say is left; None: nothing. `wall` is Unix time, None
    where it is not known: resets that are instants are then not read.
    """
    found: dict[Kind, dict[Part, str]] = {}
    for name in headers:
        if (known := NAMES.get(name)) is not None:
            found.setdefault(known[0], {})[known[1]] = headers[name]
    said: list[Headroom] = []
    nonsense = 0
    wall = wall_of(headers, wall) if found else wall
    policy = headers.get(POLICY, "")
    for kind, parts in found.items():
        if "remaining" in parts:
            one, wrong = _headroom(kind, parts, policy, wall)
            nonsense += wrong
            if one is not None:
                said.append(one)
    if STRUCTURED in headers:
        said += _structured(headers[STRUCTURED], policy)
    used = None
    if USED in headers and (used := _used(headers, wall)) is None:
        nonsense += 1
    return Measurement(tuple(said), nonsense, used) if said or nonsense or used else None


def _headroom(
    kind: Kind, parts: Mapping[Part, str], policy: str, wall: float | None
) -> tuple[Headroom | None, int]:
    """What is said of one limit, and how much of that cannot be read."""
    left = _count(parts["remaining"])
    if left is None:
        return None, 1
    limit = _count(parts["limit"]) if "limit" in parts else None
    reset = seconds(parts["reset"], wall) if "reset" in parts else None
    wrong = (limit is None and "limit" in parts) + (reset is None and "reset" in parts)
    span = kind.span
    if span is None and limit is not None:
        span = _window(dict(structured(f"{parts['limit']},{policy}")).get(f"{limit}", {}))
    return Headroom(kind.of, left, limit, reset, span, kind.name), wrong


def _used(headers: Mapping[str, str], wall: float | None) -> Used | None:
    """What is said of provisioned throughput; None: it cannot be read."""
    matched = _PERCENT.fullmatch(headers[USED])
    if matched is None:
        return None
    return Used(float(matched[1]) / 100, named(headers, wall))


def _structured(value: str, policy: str) -> Iterator[Headroom]:
    """RateLimit and RateLimit-Policy, as the IETF drafts them. Before policies had names they were
    known by their quota.
    """
    policies, units = dict(structured(policy)), dict(_UNIT.findall(policy))
    for name, item in structured(value):
        left, reset = item.get("r", item.get("remaining")), item.get("t", item.get("reset"))
        of = _counted(name, units.get(name))
        if left is None or of is None:
            continue
        limit = item.get("limit")
        told = policies.get(name or f"{limit}", {})
        yield Headroom(
            of,
            left,
            told.get("q") if limit is None else limit,
            None if reset is None else float(reset),
            _window(told),
            name or "requests",
        )


def _counted(name: str, unit: str | None) -> Dimension | None:
    """What a policy of this name and unit counts; None: bytes, or what else is no limit here."""
    if "token" in (unit or name):
        return "tokens"
    return "requests" if unit in (None, "requests") else None


def _window(policy: Mapping[str, int]) -> float | None:
    """Over how many seconds a policy counts; None: it does not say."""
    return float(policy["w"]) if policy.get("w") else None


def _count(value: str) -> int | None:
    matched = _COUNT.match(value)
    return int(matched[1]) if matched is not None else None
