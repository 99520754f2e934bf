"""JSON schemas: parsed from Google's OpenAPI subset, and adapted for Gemini."""

from collections.abc import Mapping
from typing import Any, Final

_INTEGERS: Final = frozenset(
    ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
)
_SCHEMAS: Final = ("items", "additionalProperties")
_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS: Final = ("properties", "$defs", "definitions", "patternProperties")
_HINTS: Final = frozenset(("propertyOrdering", "example"))
_NOISE: Final = frozenset(("$schema", "$id", "$comment"))
_DEEPEST: Final = 64


def from_openapi(schema: Any, depth: int = 0) -> Any:
    """The JSON schema for an OpenAPI one: types in lower case, null as a type."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return schema
    wire = {_CAMEL.get(key, key): value for key, value in schema.items()}
    nullable = wire.pop("nullable", None) is True
    found = {k: _read_member(k, value, depth) for k, value in wire.items() if k not in _HINTS}
    order = wire.get("propertyOrdering")
    if isinstance(order, list) and isinstance(found.get("properties"), dict):
        found["properties"] = _ordered(found["properties"], order)
    if nullable:
        _allow_null(found)
    return found


def _ordered(properties: dict[str, Any], order: list[Any]) -> dict[str, Any]:
    """The properties in the requested order, which other vendors take from their place."""
    first = [name for name in order if isinstance(name, str) and name in properties]
    return {name: properties[name] for name in (*first, *properties)}


def _allow_null(schema: dict[str, Any]) -> None:
    if "type" in schema:
        kind = schema["type"]
        schema["type"] = [*kind, "null"] if isinstance(kind, list) else [kind, "null"]
        if isinstance(schema.get("enum"), list):
            schema["enum"] = [*schema["enum"], None]
    elif isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]


_CAMEL: Final[Mapping[str, str]] = {
    "any_of": "anyOf",
    "max_items": "maxItems",
    "min_items": "minItems",
    "max_length": "maxLength",
    "min_length": "minLength",
    "max_properties": "maxProperties",
    "min_properties": "minProperties",
    "property_ordering": "propertyOrdering",
    "additional_properties": "additionalProperties",
}


def _read_member(key: str, value: Any, depth: int) -> Any:
    if key == "type":
        return _read_type(value)
    if key in _INTEGERS and isinstance(value, str) and value.isdecimal():
        return int(value)
    return _below(from_openapi, key, value, depth)


def _read_type(value: Any) -> Any:
    if isinstance(value, str):
        return value.lower()
    if isinstance(value, list):
        return [kind.lower() if isinstance(kind, str) else kind for kind in value]
    return value


def _below(convert: Any, key: str, value: Any, depth: int) -> Any:
    """A member with the schemas in it converted."""
    if key in _SCHEMAS:
        return convert(value, depth + 1)
    if key in _LISTS and isinstance(value, list):
        return [convert(item, depth + 1) for item in value]
    if key in _MAPS and isinstance(value, dict):
        return {name: convert(item, depth + 1) for name, item in value.items()}
    return value


def for_gemini(schema: Any, depth: int = 0) -> Any:
    """The schema as Gemini accepts it in `parametersJsonSchema` and `responseJsonSchema`.

    A constant becomes an enumeration of one, and nothing may accompany a `$ref`.
    """
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return schema
    if "$ref" in schema and depth:
        return {key: value for key, value in schema.items() if key[:1] == "$"}
    found = {
        key: _below(for_gemini, key, value, depth)
        for key, value in schema.items()
        if key not in _NOISE and key != "const"
    }
    if "const" in schema and "enum" not in schema:
        found["enum"] = [schema["const"]]
    return found
