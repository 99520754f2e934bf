"""Instances of JSON schemas, filled with values from a message where they fit."""

import math
from collections.abc import Mapping
from typing import Any

from .hints import Hints

_OPTIONAL_VALUES = 200
_OPTIONAL_DEPTH = 8
"""Up to this many values and levels, optional members are filled in too."""
_MAX_VALUES = 5_000
"""A schema that requires more values is refused."""
_MAX_REFERENCES = 40
"""Maximum length of a chain of references."""

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "demo@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
    "duration": "PT1M",
}

Schema = Mapping[str, Any]


def instance(schema: Any, hints: Hints) -> Any:
    """A value that matches the schema; `pattern` and `not` are ignored.

    Raises ValueError for a schema that cannot be read or has no finite instance.
    """
    try:
        return _Writer(schema, hints).value(schema, "")
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError):
        raise ValueError(f"it is malformed, or requires more than {_MAX_VALUES} values") from None


class _Writer:
    def __init__(self, root: Any, hints: Hints) -> None:
        self._root = root
        self._hints = hints
        self._made = 0
        self._depth = 0

    @property
    def _includes_optional(self) -> bool:
        return self._made < _OPTIONAL_VALUES and self._depth < _OPTIONAL_DEPTH

    def value(self, schema: Any, name: str) -> Any:
        self._made += 1
        if self._made > _MAX_VALUES:
            raise ValueError(f"more than {_MAX_VALUES} values")
        schema = self._resolved(schema)
        for key in ("const", "default"):
            if key in schema:
                return schema[key]
        if schema.get("enum"):
            return self._hints.mentioned(list(schema["enum"]))
        kind = _kind_of(schema)
        if kind in ("object", "array"):
            self._depth += 1
            made = self._object(schema) if kind == "object" else self._array(schema, name)
            self._depth -= 1
            return made
        if schema.get("examples"):
            return schema["examples"][0]
        return self._scalar(kind, schema, name)

    def _resolved(self, schema: Any) -> Schema:
        """The schema with its references, alternatives and parts resolved."""
        for _ in range(_MAX_REFERENCES):
            if not isinstance(schema, Mapping):
                return {}
            if isinstance(schema.get("$ref"), str):
                schema = self._referred(schema["$ref"])
            elif alternatives := schema.get("anyOf") or schema.get("oneOf"):
                rest = {k: v for k, v in schema.items() if k not in ("anyOf", "oneOf")}
                schema = _merged(rest, self._resolved(_simplest(alternatives)))
            elif schema.get("allOf"):
                merged: Schema = {k: v for k, v in schema.items() if k != "allOf"}
                for part in schema["allOf"]:
                    merged = _merged(merged, self._resolved(part))
                schema = merged
            else:
                return schema
        return {}

    def _referred(self, reference: str) -> Any:
        target = self._root
        for step in reference.lstrip("#").strip("/").split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            if key:
                target = target.get(key) if isinstance(target, Mapping) else None
        return target

    def _object(self, schema: Schema) -> dict[str, Any]:
        known: Schema = schema.get("properties", {})
        required = schema.get("required", ())
        wanted = [*known, *required] if self._includes_optional else required
        return {name: self.value(known.get(name), name) for name in dict.fromkeys(wanted)}

    def _array(self, schema: Schema, name: str) -> list[Any]:
        prefix = list(schema.get("prefixItems", ()))
        shortest = max(int(schema.get("minItems", 0)), int(self._includes_optional), len(prefix))
        length = min(shortest, int(schema.get("maxItems", shortest)), _MAX_VALUES)
        items = prefix + [schema.get("items")] * (length - len(prefix))
        return [self.value(item, name) for item in items[:length]]

    def _scalar(self, kind: str, schema: Schema, name: str) -> Any:
        if kind == "null":
            return None
        if kind == "boolean":
            return True
        if kind in ("integer", "number"):
            return _number(kind, schema, self._hints)
        return _text(schema, name, self._hints)


def _kind_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _simplest(alternatives: list[Any]) -> Any:
    """The first alternative that is neither null nor a reference, which might be circular."""

    def rank(alternative: Any) -> int:
        if not isinstance(alternative, Mapping):
            return 3
        return 2 if alternative.get("type") == "null" else int("$ref" in alternative)

    return min(alternatives, key=rank)


def _merged(first: Schema, second: Schema) -> dict[str, Any]:
    merged = {**first, **second}
    if "properties" in first and "properties" in second:
        merged["properties"] = {**first["properties"], **second["properties"]}
    if "required" in first and "required" in second:
        merged["required"] = list(dict.fromkeys([*first["required"], *second["required"]]))
    return merged


def _number(kind: str, schema: Schema, hints: Hints) -> float | int:
    low, high = _bounds(schema)
    hinted = hints.take_number()
    number = hinted if hinted is not None and low <= hinted <= high else min(max(low, 1.0), high)
    step = schema.get("multipleOf", 1 if kind == "integer" else 0)
    if step:
        number = math.floor(number / step) * step
        number += step if number < low else 0
    return int(number) if float(number).is_integer() else number


def _bounds(schema: Schema) -> tuple[float, float]:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if above is not None:
        low = max(low, math.nextafter(above, math.inf))
    if below is not None:
        high = min(high, math.nextafter(below, -math.inf))
    return low, high


def _text(schema: Schema, name: str, hints: Hints) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = hints.take_text() or name.replace("_", " ") or "demo"
    shortest, longest = int(schema.get("minLength", 0)), schema.get("maxLength")
    text = text.ljust(min(shortest, _MAX_VALUES), ".")
    return text if longest is None else text[: int(longest)]
