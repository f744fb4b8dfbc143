"""What another gateway's file means in our words, before it is text.

Why: whoever reads such a file and whoever writes ours should not know of each other.
Must not: know any gateway, or hold a credential: `Secret`s are kept only to tell accounts apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Value = str | int | float | list["Value"] | dict[str, "Value"]
"""What stands under a key of ours."""


class Remark(NamedTuple):
    """What a person should read, and the line of the old file that it is about (0: none)."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


@dataclass(slots=True)
class Block:
    """Keys with what is remarked on them."""

    keys: dict[str, Value] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def remark(self, line: int, text: str) -> None:
        """Say something once."""
        if Remark(line, text) not in self.remarks:
            self.remarks.append(Remark(line, text))


@dataclass(slots=True)
class Account(Block):
    """One of our providers; its `models` by their names."""

    name: str = ""
    models: dict[str, Block] = field(default_factory=dict)


class Target(NamedTuple):
    """A place to send to."""

    account: Account
    model: str

    @property
    def name(self) -> str:
        return f"{self.account.name}/{self.model}"


Tier = dict[tuple[int, str], tuple[Target, float]]
"""Targets with their weights, by account and model: one that is named twice is one."""


def add(tier: Tier, target: Target, weight: float) -> None:
    """Put `target` in a tier; its weights add up."""
    key = (id(target.account), target.model)
    before = tier[key][1] if key in tier else 0.0
    tier[key] = (target, before + weight)


@dataclass(slots=True)
class Route(Block):
    """One of our models. `keys` are those beside its targets, `falls_back` the models of its
    `when_all_fail`.
    """

    tiers: list[Tier] = field(default_factory=list)
    weighted: bool = True
    falls_back: list[str] = field(default_factory=list)

    def targets(self) -> Mapping[tuple[int, str], tuple[Target, float]]:
        """All of them, of whatever tier."""
        return {key: one for tier in self.tiers for key, one in tier.items()}


@dataclass(slots=True)
class Draft:
    """A whole file of ours. `variables` are those that must be set, with why (empty: they were
    variables before).
    """

    source: str
    remarks: Block = field(default_factory=Block)
    server: Block = field(default_factory=Block)
    shared: Block = field(default_factory=Block)
    defaults: Block = field(default_factory=Block)
    accounts: list[Account] = field(default_factory=list)
    routes: dict[str, Route] = field(default_factory=dict)
    tenants: dict[str, Block] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def blocks(self) -> list[Block]:
        """All that may be remarked on."""
        models = [model for account in self.accounts for model in account.models.values()]
        places = [self.remarks, self.server, self.shared, self.defaults]
        return [*places, *self.accounts, *models, *self.routes.values(), *self.tenants.values()]
