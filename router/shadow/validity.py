"""Whether a value is of the form that a JSON Schema asks for: as far as models are asked for forms.

A small check of our own, since a dependency for it would be loaded by every router. It knows types,
`enum`, `const`, objects, lists, bounds of numbers and lengths, `anyOf`, `oneOf`, `allOf` and local
`$ref`s; what else a schema says it takes for met, so that what it calls invalid is. Pure; both
sides may be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from router.dialects.common.outside import decoded
from router.dialects.common.prompt import Form, Tool
from router.shadow.judged import Said

DEEPEST = 60
"""Steps into a value, or from reference to reference."""
MOST = 10_000
"""Steps in all over one answer, and names and values that it is compared with: a schema with
references can ask for any number of steps, and each for a long list.
"""
_NOTHING = object()


class TooMuch(Exception):
    """It takes too long to say."""


def fits_form(said: Said, form: Form) -> bool:
    """Whether an answer is the JSON that was asked for."""
    value = _json(said.text)
    if value is _NOTHING:
        return False
    return isinstance(value, dict) if form.schema is None else fits(value, form.schema)


def fits_tools(said: Said, tools: Iterable[object]) -> bool:
    """Whether every call in an answer is of one of `tools`, with arguments of its form."""
    known = {tool.name: tool for tool in tools if isinstance(tool, Tool)}
    left = MOST
    for name, arguments in said.calls:
        tool = known.get(name)
        if tool is None:
            return False
        if tool.custom:
            continue
        value, check = _json(arguments or "{}"), _Check(tool.schema or {}, left)
        if not isinstance(value, dict) or not check.met(value):
            return False
        left = check.left
    return True


def fits(value: Any, schema: Any) -> bool:
    """Whether `value` is what `schema` asks for; one that asks for too much is taken to be met."""
    return _Check(schema, MOST).met(value)


def _json(text: str) -> Any:
    value = decoded(text.encode(errors="replace"))
    return _NOTHING if value is None and text.strip() != "null" else value


class _Check:
    def __init__(self, root: Any, left: int) -> None:
        self._root = root
        self.left = left

    def met(self, value: Any) -> bool:
        try:
            return self.fits(value, self._root, DEEPEST)
        except TooMuch:
            return True

    def fits(self, value: Any, schema: Any, deep: int) -> bool:
        self._pay(1, deep)
        if not isinstance(schema, Mapping):
            return schema is not False
        lists = (schema.get(name) for name in ("type", "required", "enum"))
        self._pay(sum(len(one) for one in lists if isinstance(one, list)), deep)
        if not _is_of_type(value, schema) or not self._is_named(value, schema, deep):
            return False
        return (
            _is_within(value, schema)
            and self._is_object(value, schema, deep)
            and self._is_list(value, schema, deep)
            and self._is_some(value, schema, deep)
        )

    def _pay(self, steps: int, deep: int) -> None:
        self.left -= steps
        if deep <= 0 or self.left <= 0:
            raise TooMuch

    def _is_named(self, value: Any, schema: Mapping[str, Any], deep: int) -> bool:
        if "const" in schema and not self._same(value, schema["const"], deep):
            return False
        named = schema.get("enum")
        return not isinstance(named, list) or any(self._same(value, one, deep) for one in named)

    def _same(self, one: Any, other: Any, deep: int) -> bool:
        """Equal as JSON has it: true is not 1, also within."""
        self._pay(0, deep)
        if isinstance(one, bool) or isinstance(other, bool):
            return one is other
        if isinstance(one, dict) and isinstance(other, dict):
            self._pay(len(one), deep)
            return one.keys() == other.keys() and all(
                self._same(one[key], other[key], deep - 1) for key in one
            )
        if isinstance(one, list) and isinstance(other, list):
            self._pay(len(one), deep)
            return len(one) == len(other) and all(
                self._same(first, second, deep - 1)
                for first, second in zip(one, other, strict=True)
            )
        return bool(one == other)

    def _is_object(self, value: Any, schema: Mapping[str, Any], deep: int) -> bool:
        if not isinstance(value, dict):
            return True
        required, known = schema.get("required"), schema.get("properties")
        if isinstance(required, list) and any(
            isinstance(name, str) and name not in value for name in required
        ):
            return False
        known = known if isinstance(known, Mapping) else {}
        patterned = "patternProperties" in schema
        others = True if patterned else schema.get("additionalProperties", True)
        return all(
            self.fits(inside, known.get(name, others), deep - 1) for name, inside in value.items()
        )

    def _is_list(self, value: Any, schema: Mapping[str, Any], deep: int) -> bool:
        if not isinstance(value, list):
            return True
        first = schema.get("prefixItems")
        first = first if isinstance(first, list) else []
        others = schema.get("items", True)
        if isinstance(others, list):
            first, others = others, schema.get("additionalItems", True)
        return all(
            self.fits(one, first[at] if at < len(first) else others, deep - 1)
            for at, one in enumerate(value)
        )

    def _is_some(self, value: Any, schema: Mapping[str, Any], deep: int) -> bool:
        """What a schema says by way of others."""
        if "$ref" in schema:
            found = self._found(schema["$ref"])
            if found is not _NOTHING and not self.fits(value, found, deep - 1):
                return False
        every = _listed(schema.get("allOf"))
        if not all(self.fits(value, one, deep - 1) for one in every):
            return False
        # That it is no more than one cannot be said: what is not known here counts as met.
        for some in (_listed(schema.get("anyOf")), _listed(schema.get("oneOf"))):
            if some and not any(self.fits(value, one, deep - 1) for one in some):
                return False
        return True

    def _found(self, reference: object) -> Any:
        """What a reference inside the same schema leads to."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return _NOTHING
        here = self._root
        for step in reference[1:].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(here, Mapping) or name not in here:
                return _NOTHING
            here = here[name]
        return here


def _listed(given: object) -> list[Any]:
    return given if isinstance(given, list) else []


def _is_of_type(value: Any, schema: Mapping[str, Any]) -> bool:
    told = schema.get("type")
    if schema.get("nullable") is True and value is None:
        return True
    names = told if isinstance(told, list) else [told]
    known = [name for name in names if isinstance(name, str) and name in _TYPES]
    return not known or any(_TYPES[name](value) for name in known)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and value == int(value),
}


def _is_within(value: Any, schema: Mapping[str, Any]) -> bool:
    """The bounds of a number, of a text's length, of a list's."""
    if _is_number(value):
        least, most = schema.get("minimum"), schema.get("maximum")
    elif isinstance(value, str):
        value, least, most = len(value), schema.get("minLength"), schema.get("maxLength")
    elif isinstance(value, list):
        value, least, most = len(value), schema.get("minItems"), schema.get("maxItems")
    else:
        return True
    return not ((_is_number(least) and value < least) or (_is_number(most) and value > most))
