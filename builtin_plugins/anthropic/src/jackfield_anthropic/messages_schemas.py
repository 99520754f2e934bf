"""JSON schemas as Anthropic accepts them: closed objects, and limits in descriptions.

Source: Anthropic's page on structured outputs, section on JSON Schema limitations.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_LIMITS: Final = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
        *("contains", "minContains", "maxContains", "patternProperties", "propertyNames"),
    }
)
_SCHEMAS_BY_NAME: Final = frozenset({"properties", "$defs", "definitions"})
_SCHEMA_LISTS: Final = frozenset({"anyOf", "allOf", "oneOf", "prefixItems"})
_encode = msgspec.json.Encoder().encode


def closed_schema(schema: Mapping[str, Any], described: set[str]) -> dict[str, Any]:
    """The same schema in the subset of JSON Schema that Anthropic enforces.

    Keywords moved into descriptions or removed are added to `described`.
    """
    kept: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _LIMITS or (key == "minItems" and value not in (0, 1)):
            limits[key] = value
        else:
            kept["anyOf" if key == "oneOf" else key] = _inner(key, value, described)
    if schema.get("type") == "object" or "properties" in schema:
        if schema.get("additionalProperties"):
            described.add("additionalProperties")
        kept["additionalProperties"] = False
    if limits:
        described.update(limits)
        words = ", ".join(f"{key}: {_encode(value).decode()}" for key, value in limits.items())
        before = schema.get("description")
        kept["description"] = f"{before}\n\n{{{words}}}" if before else f"{{{words}}}"
    return kept


def _inner(key: str, value: Any, described: set[str]) -> Any:
    if key in _SCHEMAS_BY_NAME and isinstance(value, Mapping):
        return {name: _inner("items", below, described) for name, below in value.items()}
    if key in _SCHEMA_LISTS and isinstance(value, list):
        return [_inner("items", below, described) for below in value]
    if key == "items" and isinstance(value, Mapping):
        return closed_schema(value, described)
    return value
