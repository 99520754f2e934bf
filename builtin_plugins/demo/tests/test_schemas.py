"""Instances of JSON schemas."""

from typing import Any

import pytest

from jackfield_demo.hints import Hints
from jackfield_demo.schemas import instance

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
INTEGER = {"type": "integer"}

CASES: list[tuple[Any, str, Any]] = [
    (CITY, "", {"city": "city"}),
    (CITY, "in New York", {"city": "New York"}),
    ({"properties": {"a": INTEGER, "b": {"type": "number"}}}, "2, -0.5", {"a": 2, "b": -0.5}),
    ({"type": "object", "required": ["x"]}, "", {"x": "x"}),
    ({"type": "string", "enum": ["metric", "imperial"]}, "in Imperial units", "imperial"),
    ({"enum": [3, 4]}, "", 3),
    ({"const": None}, "", None),
    ({"type": "integer", "default": 7}, "", 7),
    ({"type": "string", "examples": ["x"]}, "", "x"),
    ({"type": "integer", "minimum": 5, "maximum": 9}, "7", 7),
    ({"type": "integer", "minimum": 5, "maximum": 9}, "70", 5),
    ({"type": "integer", "exclusiveMinimum": 5}, "", 6),
    ({"type": "integer", "multipleOf": 4, "minimum": 5}, "", 8),
    ({"type": "integer", "maximum": -3}, "", -3),
    ({"type": "boolean"}, "", True),
    ({"type": "null"}, "", None),
    ({"type": ["null", "string"]}, "say “hi”", "hi"),
    ({"type": "string", "minLength": 6}, "", "demo.."),
    ({"type": "string", "maxLength": 2}, "", "de"),
    ({"type": "string", "format": "date"}, "", "2026-01-31"),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, "1 2", [1, 2]),
    ({"type": "array", "maxItems": 0}, "", []),
    ({"prefixItems": [{"type": "integer"}, {"type": "null"}]}, "", [1, None]),
    ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "", 1),
    ({"oneOf": [{"$ref": "#"}, {"type": "boolean"}]}, "", True),
    ({"allOf": [{"properties": {"a": INTEGER}}, {"required": ["b"]}]}, "", {"a": 1, "b": "b"}),
    ({"$defs": {"n/n": {"const": 5}}, "$ref": "#/$defs/n~1n"}, "", 5),
    ({}, "", "demo"),
    (True, "", "demo"),
]


@pytest.mark.parametrize(("schema", "text", "expected"), CASES)
def test_an_instance_fits_and_takes_its_values_from_the_message(
    schema: Any, text: str, expected: Any
) -> None:
    assert instance(schema, Hints(text)) == expected


def test_exclusive_bounds_of_numbers_hold() -> None:
    number = instance({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, Hints(""))
    assert 0 < number < 1


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "left": {"$ref": "#"}, "right": {"$ref": "#"}},
        "required": ["name"],
    }
    made = instance(tree, Hints(""))
    assert made["left"]["name"] == "name"
    assert str(made).count("name': '") < 300


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}},
            "required": ["a", "b"],
        },
        {"anyOf": [{"$ref": "#"}]},
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"type": "object", "properties": ["a"]},
        {"type": "array", "minItems": "x"},
        {"type": "array", "minItems": 4_999, "items": {"minItems": 4_999, "items": {}}},
        {"type": "string", "maxLength": None, "minLength": {}},
        {"enum": 5},
        {"type": "integer", "minimum": "1"},
    ],
)
def test_a_schema_without_end_or_sense_is_a_value_error(schema: Any) -> None:
    with pytest.raises(ValueError, match="malformed"):
        instance(schema, Hints("1"))
