"""The file's grammar as a JSON Schema, for editors: keys, forms, what they mean, their defaults.

Why: it is made of the same tables that read the file, so it cannot know other keys. What stands in
several forms there is one by then (`normalise`), so those forms are written out here.
Must not: follow a name to what it names. That a target is declared, only the loader sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BeforeValidator

from router.config import cascade, schema, shadow, shares, startup, texts, units
from router.config.base_written import Written
from router.config.forms import NAME, WORD, Form, form
from router.config.options import OPTIONS, TAKES
from router.config.sections_written import WrittenDefaults, WrittenTenant
from router.config.shift import Guard, Shift
from router.config.startup_written import WrittenDecisions, WrittenServer, WrittenShared
from router.config.values import Address, Rate, WeightedTarget
from router.config.written import (
    WrittenAudit,
    WrittenCascade,
    WrittenCheck,
    WrittenLimits,
    WrittenModel,
    WrittenProvider,
    WrittenRoute,
    WrittenRule,
    WrittenShift,
    WrittenTarget,
)

Read = Callable[..., object]
Told = dict[str, dict[str, str]]

DESCRIBED = Path(__file__).with_name("described.yaml")

DEFAULTS: dict[str, object] = {
    "Server": startup.Server(),
    "Drain": startup.Drain(),
    "Decisions": startup.Decisions(),
    "DecisionFile": startup.DecisionFile,
    "Shared": startup.Shared(),
    "WhenDown": startup.WhenDown(),
    "Defaults": schema.Defaults(),
    "DefaultTimeouts": schema.Timeouts(),
    "Model": schema.Simulation(),
    "Target": WeightedTarget("", 1.0),
    "Route": schema.Route,
    "Shift": Shift,
    "Guard": Guard(),
    "Shadow": shadow.Shadow,
    "Check": cascade.CheckSpec(),
    "Audit": cascade.Audit(),
}
"""What holds where a table says nothing, by its name: a value of its kind, or that kind itself."""
SHOWN: dict[Read | None, Callable[[float], str]] = {
    units.span: units.show_duration,
    units.duration: units.show_duration,
    units.part: units.show_part,
    units.size: lambda size: units.show_size(int(size)),
    shares.points: shares.show_points,
    shares.ratio: shares.show_ratio,
}
"""How the file writes what is read by these."""
ONE_OR_MORE = ("tiers_at", "says", "tenant", "region", "residency", "tags", "tenants")
RATES = ("requests", "tokens", "input_tokens", "output_tokens")
TOGETHER: dict[str, Form] = {
    "Provider": {
        "type": "object",
        "anyOf": [
            *({"required": [key]} for key in ("preset", "like", "base_url")),
            {"required": ["dialect"], "properties": {"dialect": {"const": "simulated"}}},
        ],
        "not": {"required": ["preset", "like"]},
    },
    "Route": {"type": "object", "oneOf": [{"required": ["targets"]}, {"required": ["tiers"]}]},
    "Shift": {"type": "object", "required": ["to"]},
    "DecisionFile": {"type": "object", "required": ["path"]},
    "Rule": {
        "type": "object",
        "required": ["if"],
        "oneOf": [{"required": ["tier"]}, {"required": ["score"]}],
    },
    "Conditions": {"type": "object", "minProperties": 1},
    "Shadow": {"type": "object", "required": ["to"]},
    "Rung": {"type": "object", "minProperties": 1, "maxProperties": 1},
}
"""What a table must have of its keys, and that it must be one. Any other may be left empty."""
_NOTHING: Form = {"type": "null"}
_SOME_TEXT: Form = {"type": "string", "minLength": 1}
_NAMES: Form = {"type": "array", "items": _SOME_TEXT, "uniqueItems": True}


def json_schema() -> Form:
    """The whole schema (draft 7)."""
    told: Told = yaml.safe_load(DESCRIBED.read_text(encoding="utf-8"))
    tables = _Tables(told)
    sections: dict[str, Form] = {
        "version": {"const": 1},
        "include": {"anyOf": [_NOTHING, _SOME_TEXT, _NAMES]},
        "server": tables.table(WrittenServer),
        "shared": tables.table(WrittenShared),
        "defaults": tables.table(WrittenDefaults),
        "providers": _by_name(tables.table(WrittenProvider), NAME, least=1),
        "models": _by_name(tables.table(WrittenRoute), WORD, least=1),
        "tenants": {"anyOf": [_NOTHING, _by_name(tables.table(WrittenTenant), NAME)]},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "providers.yaml",
        "type": "object",
        "properties": {n: {"description": told["File"][n], **one} for n, one in sections.items()},
        "additionalProperties": False,
        "anyOf": [{"required": ["version", "providers", "models"]}, {"required": ["include"]}],
        "definitions": tables.made,
    }


class _Tables:
    """Makes the schema of each table once; `made` has them by name. `told` says what keys mean."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self.made: dict[str, Form] = {}

    def table(self, kind: type[Written]) -> Form:
        """A reference to the schema of a table."""
        name, *bases = (one.__name__.removeprefix("Written") for one in kind.__mro__)
        if name not in self.made:
            told = {
                k: v for one in (*reversed(bases), name) for k, v in self._told.get(one, {}).items()
            }
            self.made[name] = {
                "type": ["object", "null"],
                "properties": {
                    field.alias or key: {
                        "description": told[field.alias or key],
                        **self._value(kind, key, field.annotation, field.metadata),
                        **_default(DEFAULTS.get(name), key, _reader(field.metadata)),
                    }
                    for key, field in kind.model_fields.items()
                },
                "additionalProperties": False,
                **TOGETHER.get(name, {}),
            }
        # Beside a reference nothing counts, so it stands apart from what is said beside it.
        return {"allOf": [{"$ref": f"#/definitions/{name}"}]}

    def _value(self, kind: type[Written], key: str, annotation: Any, metadata: list[Any]) -> Form:
        """What stands at a key; first what `normalise` takes in several forms."""
        if kind is WrittenProvider and key == "models":
            return {"anyOf": [_NOTHING, _NAMES, _by_name(self.table(WrittenModel), WORD)]}
        if kind is WrittenRoute and key in {"targets", "tiers"}:
            some = self._targets()
            return some if key == "targets" else {"type": "array", "items": some}
        if (kind is WrittenCascade and key != "head") or (
            kind is WrittenRoute and key in {"start", "cascade"}
        ):
            return self._between_tiers(key)
        if kind is WrittenShift and key == "to":
            return self._targets()
        if kind is WrittenRoute and key in {"policy", "within", "estimator"}:
            return self._by_attribute() if key == "estimator" else self._policy()
        one = self._one(annotation, metadata)
        if kind is WrittenDecisions and key == "file":
            return {"anyOf": [*form(texts.text)["anyOf"], one]}
        if (kind is WrittenLimits and key in RATES) or (key in ONE_OR_MORE and "items" in one):
            return {"anyOf": [*one["items"]["anyOf"], one]}
        return one

    def _between_tiers(self, key: str) -> Form:
        auto: Form = {"const": "auto"}
        if key == "cascade":
            return {"anyOf": [auto, self.table(WrittenCascade)]}
        if key == "start":
            items = {"anyOf": [auto, self.table(WrittenRule)]}
            return {"anyOf": [auto, {"type": "array", "items": items}]}
        what = self.table(WrittenCheck if key == "checks" else WrittenAudit)
        named = {"anyOf": [*form(texts.policy)["anyOf"], what]}
        return {"type": "array", "items": named, "minItems": 1} if key == "checks" else named

    def _policy(self) -> Form:
        """A policy by its name; with what it takes besides, a plugin's with anything."""
        told = self._told["Policy"]
        names: dict[str, Form] = {"name": {"const": TAKES}}
        forms = names | {key: form(read) for key, read in OPTIONS.items()}
        self.made["Policy"] = {
            "type": "object",
            "properties": {key: {"description": told[key], **one} for key, one in forms.items()},
            "required": ["name"],
            "additionalProperties": False,
        }
        some = self._by_attribute()
        some["anyOf"][-1]["properties"]["name"]["not"] = {"const": TAKES}
        return {"anyOf": [*some["anyOf"], {"$ref": "#/definitions/Policy"}]}

    def _by_attribute(self) -> Form:
        name = form(texts.policy)
        table = {"type": "object", "properties": {"name": {**name}}, "required": ["name"]}
        return {"anyOf": [*name["anyOf"], table]}

    def _targets(self) -> Form:
        weighted = {"type": "object", **self.table(WrittenTarget)}
        either = {"anyOf": [*form(units.weight)["anyOf"], weighted]}
        return {"anyOf": [{**_NAMES, "minItems": 1}, _by_name(either, WORD, least=1)]}

    def _one(self, annotation: Any, metadata: list[Any]) -> Form:
        """What is read as `annotation`, and by whatever `metadata` says."""
        if (read := _reader(metadata)) is not None:
            return form(read)
        origin, inside = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self._one(inside[0], list(annotation.__metadata__))
        if origin in {Union, UnionType}:
            return self._one(next(one for one in inside if one is not type(None)), [])
        if origin is tuple:
            return {"type": "array", "items": self._one(inside[0], [])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self._one(inside[1], [])}
        return self.table(annotation)


def _by_name(value: Form, pattern: str, least: int = 0) -> Form:
    """A mapping from names of that pattern."""
    return {
        "type": "object",
        "propertyNames": {"pattern": pattern},
        "additionalProperties": value,
        "minProperties": least,
    }


def _reader(metadata: list[Any]) -> Read | None:
    found = (one.func for one in metadata if isinstance(one, BeforeValidator))
    return next(found, None)


def _default(table: object, key: str, read: Read | None) -> Form:
    """What holds without the key, as the file would write it; nothing, where that is nothing."""
    if isinstance(table, type) and is_dataclass(table):
        table = {one.name: one.default for one in fields(table) if one.default is not MISSING}
    value = table.get(key) if isinstance(table, dict) else getattr(table, key, None)
    if isinstance(value, Address):
        return {"default": str(value)}
    if read is units.spend and isinstance(value, Rate):
        return {"default": units.show_spend(value)}
    if isinstance(value, Rate):
        return {"default": units.show_rate(value)}
    if value in (None, (), "") or is_dataclass(value):
        return {}
    if read in SHOWN and isinstance(value, int | float):
        return {"default": SHOWN[read](value)}
    if key == "steps" and isinstance(value, tuple):
        return {"default": [float(shares.show_percent(step)) for step in value]}
    return {"default": sorted(value) if isinstance(value, frozenset) else value}
