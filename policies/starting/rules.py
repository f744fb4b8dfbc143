"""Rules on a request that is not sent yet: conditions, and the tier or the score that they give.

What can be told before anything is sent is little: lengths, what it brings, and how its last words
sound. Nothing is read here. What a rule asks for is a feature by its name (`needs`), which the
driver looks for, once and within bounds; so no text comes this far.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from policies.policy import Request

FLAGS = ("tools", "schema", "images", "code")
"""Conditions on what a request brings."""
NUMBERS = ("last_tokens", "turns")
"""Conditions on numbers that the driver must look for."""
SAYS, METADATA = "says:", "metadata:"
"""How the features begin that a word, and a key with its value, are asked for by."""
SIGNS = (">=", "<=", ">", "<")


def plain(text: str) -> str:
    """As words are looked for: small letters (of ASCII), digits, `'` and `_`, what is beyond ASCII
    as it is, and a blank for each other character.
    """
    kept = [c if not c.isascii() or c.isalnum() or c in "'_" else " " for c in text]
    return "".join(c.lower() if c.isascii() else c for c in kept)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A comparison with a number: `Threshold(">", 8_000)`."""

    sign: Literal[">", ">=", "<", "<="]
    tokens: int

    def __post_init__(self) -> None:
        if self.sign not in SIGNS:
            raise ValueError(f"{self.sign!r} is none of {', '.join(SIGNS)}")

    def holds(self, tokens: int | None) -> bool:
        """Whether `tokens` compares so; what is unknown (None) never does."""
        if tokens is None:
            return False
        match self.sign:
            case ">":
                return tokens > self.tokens
            case ">=":
                return tokens >= self.tokens
            case "<":
                return tokens < self.tokens
            case "<=":
                return tokens <= self.tokens


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows where all of its conditions hold: a request starts in `tier` (counted from 0) or
    later, or its difficulty is `score` more, from -1 to 1. One of the two.

    `input_tokens` is an estimate of all that is read, `last_tokens` of the user's last message;
    `output_tokens` the caller's bound, and who set none matches no rule about it; `turns` are the
    user's messages. `tools`, `schema` (an answer in a given form), `images` and `code` (in the last
    message) ask what it brings; `says`, whether the last message has one of these words or phrases;
    `metadata`, whether the caller sent all of these pairs; `tenant`, whether it is one of these.
    None, and nothing, asks nothing.
    """

    tier: int | None = None
    input_tokens: Threshold | None = None
    output_tokens: Threshold | None = None
    stream: bool | None = None
    tools: bool | None = None
    schema: bool | None = None
    images: bool | None = None
    score: float = 0.0
    last_tokens: Threshold | None = None
    turns: Threshold | None = None
    code: bool | None = None
    says: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    tenant: tuple[str, ...] = ()
    _flags: tuple[tuple[str, bool], ...] = field(init=False, repr=False, compare=False)
    _numbers: tuple[tuple[str, Threshold], ...] = field(init=False, repr=False, compare=False)
    _words: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _pairs: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.tier is not None and self.tier < 0:
            raise ValueError(f"tier {self.tier}: tiers count from 0")
        if (self.tier is None) is (self.score == 0) or not -1 <= self.score <= 1:
            raise ValueError("a rule gives a tier, or a score from -1 to 1 that is not 0")
        # What a request is asked is put together once.
        flags = [(name, asked) for name in FLAGS if (asked := getattr(self, name)) is not None]
        numbers = [(name, asked) for name in NUMBERS if (asked := getattr(self, name)) is not None]
        object.__setattr__(self, "_flags", tuple(flags))
        object.__setattr__(self, "_numbers", tuple(numbers))
        object.__setattr__(self, "_words", tuple(SAYS + plain(word) for word in self.says))
        pairs = tuple(f"{METADATA}{key}={value}" for key, value in self.metadata)
        object.__setattr__(self, "_pairs", pairs)

    @property
    def needs(self) -> frozenset[str]:
        """The features that it asks for."""
        named = [name for name, _ in self._flags] + [name for name, _ in self._numbers]
        return frozenset((*named, *self._words, *self._pairs))

    def holds(self, request: Request) -> bool:
        """Whether all of its conditions hold for `request`; a feature that nobody looked for is
        not there.
        """
        if self.input_tokens is not None and not self.input_tokens.holds(request.input_tokens):
            return False
        if self.output_tokens is not None and not self.output_tokens.holds(request.output_tokens):
            return False
        if self.stream is not None and self.stream is not request.stream:
            return False
        if self.tenant and request.tenant not in self.tenant:
            return False
        return self._brought(request.features)

    def _brought(self, features: Mapping[str, Any]) -> bool:
        """Whether what it asks of features is there."""
        for name, wanted in self._flags:
            if wanted is not bool(features.get(name, False)):
                return False
        for name, threshold in self._numbers:
            if not threshold.holds(features.get(name)):
                return False
        if self._pairs and not all(features.get(pair, False) for pair in self._pairs):
            return False
        return not self._words or any(features.get(word, False) for word in self._words)

    def words(self, request: Request) -> str:
        """Its conditions as people read them, with what `request` has of what they compare."""
        return " and ".join(self._each(request)) or "every request"

    def _each(self, request: Request) -> Iterator[str]:
        counted = {
            "input_tokens": request.input_tokens,
            "last_tokens": request.features.get("last_tokens"),
            "output_tokens": request.output_tokens,
            "turns": request.features.get("turns"),
        }
        for name, has in counted.items():
            threshold: Threshold | None = getattr(self, name)
            if threshold is not None:
                told = "not known" if has is None else f"it has {has:,}"
                yield f"{name} {threshold.sign}{threshold.tokens:,} ({told})"
        for name in ("stream", *FLAGS):
            asked = getattr(self, name)
            if asked is not None:
                yield name if asked else f"no {name}"
        if self.says:
            yield f"says {' or '.join(map(repr, self.says))}"
        yield from (f"metadata {key}={value}" for key, value in self.metadata)
        if self.tenant:
            yield f"tenant {' or '.join(self.tenant)}"
