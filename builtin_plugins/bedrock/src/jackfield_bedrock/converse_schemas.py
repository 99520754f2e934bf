"""JSON schemas as Bedrock enforces them: closed objects, and limits in descriptions.

Source: AWS's page on structured output, section on the supported features of JSON Schema.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_LIMITS: Final = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
    }
)
_NAMED: Final = ("properties", "$defs", "definitions")
_LISTED: Final = ("anyOf", "allOf")


def enforceable_schema(schema: Any, described: set[str]) -> Any:
    """The same schema in the enforced subset of JSON Schema.

    Keywords moved into descriptions or removed are added to `described`.
    """
    if not isinstance(schema, Mapping):
        return schema
    limits = {key: value for key, value in schema.items() if _is_limit(key, value)}
    kept = {key: _below(key, schema[key], described) for key in schema if key not in limits}
    if schema.get("type") == "object" or "properties" in schema:
        if schema.get("additionalProperties"):
            described.add("additionalProperties")
        kept["additionalProperties"] = False
    if limits:
        described.update(limits)
        words = msgspec.json.encode(limits).decode()
        kept["description"] = "\n\n".join(filter(None, (schema.get("description"), words)))
    return kept


def _is_limit(key: str, value: Any) -> bool:
    return key in _LIMITS or (key == "minItems" and value not in (0, 1))


def _below(key: str, value: Any, described: set[str]) -> Any:
    if key in _NAMED and isinstance(value, Mapping):
        return {name: enforceable_schema(one, described) for name, one in value.items()}
    if key in _LISTED and isinstance(value, list):
        return [enforceable_schema(one, described) for one in value]
    return enforceable_schema(value, described) if key == "items" else value
