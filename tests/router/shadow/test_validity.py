"""What is called invalid is, by a validator that knows all of JSON Schema."""

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.dialects.common.prompt import Form, Hosted, Tool
from router.shadow.judged import Said
from router.shadow.validity import fits, fits_form, fits_tools

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 1.0]),
    st.sampled_from(["", "x", "xyz"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NAMES, inside, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["object", "array", "string", "boolean", "null", "number", "integer"])
BOUNDS = st.fixed_dictionaries(
    {},
    optional={
        name: st.integers(0, 2)
        for name in ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
    },
)


def of(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas with others in them."""
    return st.builds(
        lambda keys, bounds: {**keys, **bounds},
        st.fixed_dictionaries(
            {},
            optional={
                "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
                "enum": st.lists(VALUES, min_size=1, max_size=3),
                "const": VALUES,
                "properties": st.dictionaries(NAMES, inside, max_size=3),
                "required": st.lists(NAMES, max_size=3, unique=True),
                "additionalProperties": inside,
                "items": inside,
                "prefixItems": st.lists(inside, min_size=1, max_size=2),
                "anyOf": st.lists(inside, min_size=1, max_size=2),
                "allOf": st.lists(inside, min_size=1, max_size=2),
            },
        ),
        BOUNDS,
    )


SCHEMAS = st.recursive(st.booleans() | of(st.booleans()), of, max_leaves=6)


@settings(deadline=None, max_examples=200)
@given(VALUES, SCHEMAS)
@example(1, {"const": True})
@example([True], {"enum": [[1]]})
@example(1.0, {"type": "integer"})
def test_a_value_fits_where_a_whole_validator_says_so(value, schema):
    assert fits(value, schema) == jsonschema_rs.Draft202012Validator(schema).is_valid(value)


TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"left": {"$ref": "#/$defs/node"}, "value": {"type": "integer"}},
            "required": ["value"],
        }
    },
    "$ref": "#/$defs/node",
}


@pytest.mark.parametrize(
    ("value", "right"),
    [({"value": 1, "left": {"value": 2}}, True), ({"value": 1, "left": {"value": "2"}}, False)],
)
def test_references_inside_a_schema_are_followed(value, right):
    assert fits(value, TREE) is right


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/nowhere"},
        {"$ref": "https://example.com/schema"},
        {"$ref": 7},
        {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"type": "sausage", "required": "a", "properties": [], "enum": 3, "minimum": "low"},
        "not a schema",
    ],
)
def test_a_schema_that_cannot_be_followed_is_taken_to_be_met(schema):
    assert fits({"a": 1}, schema)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ('{"name": "Ann"}', True),
        (' {"name": "Ann", "age": 7} ', True),
        ('{"name": 7}', False),
        ("{}", False),
        ('{"name": "Ann"', False),
        ('```json\n{"name": "Ann"}\n```', False),
        ("Ann", False),
        ("", False),
        ("[" * 100_000, False),
    ],
)
def test_an_answer_has_the_form_that_was_asked_for_or_not(text, right):
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    assert fits_form(Said(text), Form(schema)) is right


def test_a_form_without_a_schema_is_any_object():
    assert fits_form(Said("{}"), Form())
    assert not fits_form(Said("[]"), Form())
    assert not fits_form(Said("null"), Form())


def test_calls_are_of_tools_that_were_offered_with_arguments_of_their_form():
    weather = Tool("weather", schema={"type": "object", "required": ["place"]})
    tools = [weather, Tool("note", custom=True), Hosted("search", {}, "openai"), Tool("now")]

    def right(*calls: tuple[str, str]) -> bool:
        return fits_tools(Said("", calls), tools)

    assert right()
    assert right(("weather", json.dumps({"place": "Bern"})), ("note", "any text"), ("now", ""))
    assert not right(("weather", "{}"))
    assert not right(("weather", '{"place": "Be'))
    assert not right(("now", "[]"))
    assert not right(("wether", "{}"))


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (["8999", "no"], {"items": {"enum": [str(number) for number in range(9000)]}}),
        ([{}] * 1000, {"items": {"required": [0] * 9000}}),
        ([0] * 1000, {"items": {"type": ["none"] * 9000}}),
        ([[0] * 9000] * 9, {"items": {"const": [0] * 9000}}),
    ],
)
def test_a_schema_that_compares_with_too_much_is_taken_to_be_met(value, schema):
    assert fits(value, schema)
