"""A draft as the text of a `providers.yaml`: grouped, with comments where a person needs them.

Why: what is imported is read and edited by people from then on.
Must not: decide anything; the same draft is the same text.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from decimal import Decimal

from router.importing.draft import Account, Block, Draft, Remark, Route, Tier, Value

WIDTH = 100
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*|\d[\d_.]*(ms|s|m|h|k|M|MiB)|\d[\d_.]*k?/min")
# What looks like text and is something else to YAML.
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def write(draft: Draft) -> str:
    """The whole file."""
    lines = [f"# Imported from {draft.source}. `pointsman check` tells whether all is set."]
    lines += _variables(draft.variables)
    lines += _comments(draft.remarks.remarks, "")
    lines += ["version: 1"]
    for name in ("server", "shared", "defaults"):
        block: Block = getattr(draft, name)
        if block.keys or block.remarks:
            lines += ["", *_section(name, block)]
    lines += ["", "providers:"]
    for account in draft.accounts:
        lines += _account(account, draft.accounts)
    lines += ["", "models:"]
    for name, route in draft.routes.items():
        lines += [f"  {scalar(name)}:", *_route(route)]
    if draft.tenants:
        lines += ["", "tenants:"]
        for name, block in draft.tenants.items():
            lines += [f"  {scalar(name)}:", *_comments(block.remarks, "    ")]
            lines += _keys(block.keys, "    ")
    return "\n".join(lines) + "\n"


def scalar(value: Value) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(k)}: {scalar(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(scalar, value)) + "]"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def number(value: float) -> str:
    """Without an exponent, and without a fraction where there is none."""
    told = format(Decimal(repr(round(value, 6))), "f")
    return told.rstrip("0").rstrip(".") if "." in told else told


def _variables(variables: Mapping[str, str]) -> list[str]:
    if not variables:
        return ["#"]
    lines = ["#", "# Variables to set:"]
    widest = max(map(len, variables))
    for name, why in variables.items():
        lines.append(f"#   {name:<{widest}}   {why}".rstrip())
    return [*lines, "#"]


def _comments(remarks: Iterable[Remark], indent: str) -> list[str]:
    lines: list[str] = []
    for remark in remarks:
        lines += textwrap.wrap(
            str(remark),
            width=WIDTH,
            initial_indent=f"{indent}# ",
            subsequent_indent=f"{indent}#   ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def _section(name: str, block: Block) -> list[str]:
    comments = _comments(block.remarks, "")
    return [*comments, f"{name}:", *_keys(block.keys, "  ")] if block.keys else comments


def _keys(keys: Mapping[str, Value], indent: str) -> list[str]:
    return [f"{indent}{scalar(key)}: {scalar(value)}" for key, value in keys.items()]


def _account(account: Account, accounts: list[Account]) -> list[str]:
    keys = _shortened(account, accounts)
    lines = [f"  {scalar(account.name)}:", *_comments(account.remarks, "    ")]
    lines += _keys(keys, "    ")
    alike = next((a for a in accounts if a.name == keys.get("like")), None)
    if alike is not None and _same_models(alike, account):
        return lines
    if not any(model.keys or model.remarks for model in account.models.values()):
        line = f"    models: {scalar(list(account.models))}"
        if len(line) <= WIDTH:
            return [*lines, line]
    lines.append("    models:")
    for name, model in account.models.items():
        lines += _comments(model.remarks, "      ")
        lines.append(f"      {scalar(name)}:{' ' + scalar(model.keys) if model.keys else ''}")
    return lines


def _shortened(account: Account, accounts: list[Account]) -> dict[str, Value]:
    """With `like`, where an earlier account says no key that this one does not say as well."""
    preset = account.keys.get("preset")
    for other in accounts[: accounts.index(account)]:
        if (
            preset
            and other.keys.get("preset") == preset
            and other.keys.keys() <= account.keys.keys()
        ):
            own = {k: v for k, v in account.keys.items() if other.keys.get(k) != v}
            return {"like": other.name, **own}
    return dict(account.keys)


def _same_models(one: Account, other: Account) -> bool:
    silent = not any(model.remarks for model in other.models.values())
    told = [{name: model.keys for name, model in a.models.items()} for a in (one, other)]
    return silent and told[0] == told[1]


def _route(route: Route) -> list[str]:
    lines = _comments(route.remarks, "    ") + _keys(route.keys, "    ")
    if len(route.tiers) == 1:
        lines += _targets("    targets:", route.tiers[0], weighted=route.weighted)
    else:
        lines.append("    tiers:")
        for tier in route.tiers:
            lines += _targets("      -", tier, weighted=route.weighted)
    if route.falls_back:
        lines.append("    when_all_fail:")
        lines += [f"      - model: {scalar(name)}" for name in route.falls_back]
    return lines


def _targets(head: str, tier: Tier, *, weighted: bool) -> list[str]:
    weights = {target.name: weight for target, weight in tier.values()}
    if not weighted or set(weights.values()) == {1.0}:
        value: Value = list(weights)
    else:
        value = dict(weights)
    line = f"{head} {scalar(value)}"
    if len(line) <= WIDTH or head.endswith("-"):
        return [line]
    indent = " " * (len(head) - len(head.lstrip()) + 2)
    if isinstance(value, list):
        return [head, *(f"{indent}- {scalar(name)}" for name in value)]
    return [head, *(f"{indent}{scalar(name)}: {scalar(told)}" for name, told in weights.items())]
