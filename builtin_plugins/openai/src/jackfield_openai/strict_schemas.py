"""Schemas that OpenAI can enforce on an answer: a subset of JSON Schema."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.messages import ChatRequest, Opaque, ResponseFormat, Tool

_KEYWORDS: Final = frozenset(
    {
        *("type", "properties", "required", "additionalProperties", "items", "anyOf"),
        *("enum", "const", "$defs", "definitions", "$schema", "title", "description"),
        *("pattern", "format", "multipleOf", "minimum", "maximum"),
        *("exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems"),
    }
)
_TYPES: Final = frozenset({"string", "number", "boolean", "integer", "object", "array", "null"})
_FORMATS: Final = frozenset(
    {
        *("date-time", "time", "date", "duration", "email"),
        *("hostname", "ipv4", "ipv6", "uuid"),
    }
)
_MOST_LEVELS: Final = 10
_MOST_PROPERTIES: Final = 5_000
_MOST_VALUES: Final = 1_000
_MOST_LONG_VALUES: Final = 250
_LONGEST_VALUES: Final = 15_000
_LONGEST: Final = 120_000
_ENFORCE: Final = ("anthropic.", "bedrock.", "cohere.", "gemini.", "ollama.")
"""The vendors that always enforce a schema, so that their clients cannot ask for it."""


def enforced_format(request: ChatRequest, losses: list[Loss]) -> ResponseFormat | None:
    """The format requested, strict if the client's dialect always enforces a schema.

    A schema that OpenAI cannot enforce stays without `strict`, which is a loss.
    """
    requested = request.response_format
    if requested is None or requested.kind != "json_schema" or requested.strict is not None:
        return requested
    if not _comes_from_them(request):
        return requested
    if requested.schema is not None and is_enforceable(requested.schema):
        enforced: ResponseFormat = replace(requested, strict=True)
        return enforced
    losses.append(lost_strictness("OpenAI does not enforce schemas of this form"))
    return requested


def enforced_tools(request: ChatRequest, losses: list[Loss]) -> tuple[Tool | Opaque, ...]:
    """The tools; those of these vendors are not strict if OpenAI would refuse their schema.

    Unlike OpenAI, they let strict tools have optional parameters.
    """
    if not _comes_from_them(request):
        return request.tools
    return tuple([_enforced_tool(tool, i, losses) for i, tool in enumerate(request.tools)])


def _enforced_tool(tool: Tool | Opaque, place: int, losses: list[Loss]) -> Tool | Opaque:
    if isinstance(tool, Opaque) or not tool.strict or is_enforceable(tool.parameters or {}):
        return tool
    detail = "OpenAI does not enforce schemas of this form"
    losses.append(Loss("tools.strict", f"tools[{place}]", "dropped", detail))
    lenient: Tool = replace(tool, strict=None)
    return lenient


def _comes_from_them(request: ChatRequest) -> bool:
    return any(name.startswith(_ENFORCE) for name in request.extensions)


def lost_strictness(detail: str) -> Loss:
    """The loss of the guarantee that an answer fits the schema."""
    return Loss("response_format.strict", "response_format", "approximated", detail)


def is_enforceable(schema: Mapping[str, Any]) -> bool:
    """Whether a schema is in the documented subset for `strict`, with its limits of size."""
    if schema.get("type") != "object" or "anyOf" in schema:
        return False
    properties = values = 0
    waiting: list[tuple[Any, int]] = [(schema, 1)]
    while waiting:
        node, level = waiting.pop()
        if not isinstance(node, dict) or level > _MOST_LEVELS or not _is_allowed(node):
            return False
        properties += len(node.get("properties", ()))
        values += len(node.get("enum", ()))
        waiting += [(below, level + 1) for below in _below(node)]
    small = properties <= _MOST_PROPERTIES and values <= _MOST_VALUES
    return small and len(msgspec.json.encode(schema)) <= _LONGEST


def _below(node: Mapping[str, Any]) -> Iterator[Any]:
    for key in ("properties", "$defs", "definitions"):
        yield from node.get(key, {}).values()
    yield from node.get("anyOf", ())
    if "items" in node:
        yield node["items"]


def _is_allowed(node: Mapping[str, Any]) -> bool:
    """Whether one schema, apart from those in it, is in the subset."""
    if "$ref" in node:  # nothing may accompany it
        return len(node) == 1 and str(node["$ref"]).startswith("#")
    tables = (node.get(key, {}) for key in ("properties", "$defs", "definitions"))
    lists = (node.get(key, []) for key in ("anyOf", "enum"))
    if not (node.keys() <= _KEYWORDS and all(isinstance(one, dict) for one in tables)):
        return False
    if not all(isinstance(one, list) for one in lists) or not _has_short_values(node):
        return False
    kinds = node.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if not all(kind in _TYPES for kind in kinds if isinstance(kind, str)):
        return False
    closed = "object" not in kinds or _is_closed(node)
    listed = "array" not in kinds or isinstance(node.get("items"), dict)
    known = node.get("format", "date") in _FORMATS
    return bool(kinds or node.get("anyOf")) and closed and listed and known


def _has_short_values(node: Mapping[str, Any]) -> bool:
    values = node.get("enum", [])
    return len(values) <= _MOST_LONG_VALUES or len(msgspec.json.encode(values)) <= _LONGEST_VALUES


def _is_closed(node: Mapping[str, Any]) -> bool:
    """Whether an object has all of its properties and no others."""
    required = node.get("required", [])
    complete = isinstance(required, list) and sorted(map(str, required)) == sorted(
        node.get("properties", {})
    )
    return complete and node.get("additionalProperties") is False
