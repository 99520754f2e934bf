"""The JSON Schemas of items, derived from their classes."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import attrs

from jackfield._config.toml_types import (
    choices,
    is_array,
    is_from_text,
    is_record,
    is_table,
    is_union,
    union_members,
    unwrapped,
)
from jackfield.admin.attributes import Attribute, attributes_of
from jackfield.admin.items import plain

Schema = dict[str, Any]

_SCALARS: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    dt.datetime: {"type": "string", "format": "date-time"},
    dt.date: {"type": "string", "format": "date"},
    dt.time: {"type": "string", "format": "time"},
}
_SET: Schema = {"type": "string", "readOnly": True}
_ADDED: Mapping[str, Schema] = {
    "id": _SET,
    "created": _SET | {"format": "date-time"},
    "updated": _SET | {"format": "date-time"},
    "declared_in": _SET | {"description": "The configuration file that declares it."},
    "etag": _SET | {"description": "For `If-Match`."},
}


def shown_schema(cls: type[Any], facts: Mapping[str, str]) -> Schema:
    """The schema of an item in an answer; not every answer has the `facts`."""
    fields = {
        name: _field(one) for name, one in attributes_of(cls).items() if not one.rights.secret
    }
    known = {name: {"readOnly": True, "description": what} for name, what in facts.items()}
    return {
        "type": "object",
        "description": (cls.__doc__ or "").strip().partition("\n")[0],
        "properties": {**fields, **known, **_ADDED},
        "required": ["id", "created", "updated", "etag"],
    }


def created_schema(cls: type[Any]) -> Schema:
    """The schema for a new item: what may and what must be given."""
    fields = attributes_of(cls).items()
    return _given({name: one for name, one in fields if one.rights.given != "never"})


def updated_schema(cls: type[Any]) -> Schema:
    """The schema of a change; null stands for the default."""
    given = {name: one for name, one in attributes_of(cls).items() if one.rights.given == "always"}
    schema = _given(given, partial=True)
    for name, field in schema["properties"].items():
        text = field.pop("description", "")
        schema["properties"][name] = {"description": text, "anyOf": [field, {"type": "null"}]}
    return schema


def filter_schema(attribute: Attribute) -> Schema:
    """The schema of a value by which a list can be filtered: of an array, one of its elements."""
    schema = schema_of(attribute.kinds[0])
    return _SCALARS[str] if schema.get("type") == "object" else schema.get("items", schema)


def schema_of(kind: Any) -> Schema:
    """The schema of a type."""
    kind = unwrapped(kind)
    if is_union(kind):
        members = [schema_of(member) for member in union_members(kind)]
        return members[0] if len(members) == 1 else {"anyOf": members}
    if choices(kind):
        return {"enum": list(choices(kind))}
    if is_array(kind):
        return _array(kind)
    if is_table(kind) or is_record(kind):
        return _object(kind)
    if is_from_text(kind):
        return {"type": "string", "description": str(kind.toml_name)}
    return dict(_SCALARS.get(kind, {}))


def _object(kind: Any) -> Schema:
    if is_table(kind):
        items = (*get_args(kind), Any, Any)[1]
        return {"type": "object", "additionalProperties": schema_of(items)}
    return _given(attributes_of(kind))


def _array(kind: Any) -> Schema:
    items = get_args(kind)
    if get_origin(kind) is tuple and items and items[-1] is not Ellipsis:
        fixed = [schema_of(item) for item in items]
        return {"type": "array", "prefixItems": fixed, "items": False, "minItems": len(fixed)}
    return {"type": "array", "items": schema_of(items[0] if items else Any)}


def _given(fields: Mapping[str, Attribute], *, partial: bool = False) -> Schema:
    required = [name for name, one in fields.items() if one.required and not partial]
    schema: Schema = {
        "type": "object",
        "properties": {name: _field(one) for name, one in fields.items()},
        "additionalProperties": False,
    }
    return {**schema, "required": required} if required else schema


def _field(attribute: Attribute) -> Schema:
    schema = schema_of(attribute.type)
    if attribute.doc:
        schema = {**schema, "description": attribute.doc}
    if attribute.rights.given == "never":
        schema["readOnly"] = True
    if attribute.rights.secret:
        schema["writeOnly"] = True
    written = None if attribute.default is attrs.NOTHING else plain(attribute.default)
    return schema if written is None else {**schema, "default": written}
