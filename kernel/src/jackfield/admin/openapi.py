"""The OpenAPI document of the admin listener."""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jackfield.admin import schema as schemas
from jackfield.admin.collection import Collection
from jackfield.admin.listing import LARGEST_PAGE, filterable
from jackfield.endpoints import PUBLIC, Endpoint

Json = dict[str, Any]

_PLACEHOLDER = re.compile(r"\{(\w+)\*?\}")
_STRING: Json = {"type": "string"}
_QUERY: Json = {"limit": {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}}


def _record(optional: str = "", **properties: Json) -> Json:
    required = [name for name in properties if name != optional]
    return {"type": "object", "properties": properties, "required": required}


def _header(name: str, description: str, **schema: Any) -> Json:
    return {"name": name, "in": "header", "schema": _STRING | schema, "description": description}


_NULLABLE: Json = {"type": ["string", "null"]}
_ERROR = _record(
    error=_record(
        "param", message=_STRING, type=_STRING, param=_NULLABLE, code=_STRING, request_id=_STRING
    )
)
_IF_MATCH = _header("If-Match", "The etag of what is to be changed; if it has changed since: 412.")
_IDEMPOTENCY_KEY = _header(
    "Idempotency-Key",
    "The same key with the same body gives the same answer for 24 hours.",
    maxLength=255,
)


def openapi_document(
    endpoints: Iterable[Endpoint], collections: Sequence[Collection[Any]], version: str
) -> Json:
    """Describe the endpoints, with the schemas of the collections."""
    described = _of_collections(collections)
    paths: dict[str, Json] = {}
    for endpoint in endpoints:
        path = _PLACEHOLDER.sub(r"{\1}", endpoint.path)
        usual = {"requestBody": _body({}, required=False)} if endpoint.method == "POST" else {}
        details = described.get((endpoint.method, endpoint.path), usual)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, details)
    shown = {"Error": _ERROR}
    for collection in collections:
        name = _class_name(collection)
        facts = {**collection.facts, **collection.revealed}
        shown[name] = schemas.shown_schema(collection.Item, facts)
        shown[f"{name}Create"] = schemas.created_schema(collection.Item)
        shown[f"{name}Update"] = schemas.updated_schema(collection.Item)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Jackfield administration", "version": version},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": shown,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint, details: Json) -> Json:
    summary = (inspect.getdoc(endpoint.answer) or "").partition("\n")[0]
    in_path, known = _PLACEHOLDER.findall(endpoint.path), {**details.pop("query", {}), **_QUERY}
    parameters = [
        *({"name": name, "in": "path", "required": True, "schema": _STRING} for name in in_path),
        *({"name": n, "in": "query", "schema": known.get(n, _STRING)} for n in endpoint.query),
        *details.get("parameters", []),
    ]
    answer = details.pop("answer", {})
    status = details.pop("status", "200")
    operation: Json = {
        "operationId": _operation_id(endpoint),
        "summary": summary,
        **details,
        "parameters": parameters,
        "responses": {
            status: {"description": "Done.", "content": _content(answer)},
            "default": {"description": "An error.", "content": _content(_ref("Error"))},
        },
    }
    if endpoint.permission != PUBLIC:
        operation["security"] = [{"key": []}, {}]
    return operation


def _of_collections(collections: Iterable[Collection[Any]]) -> Mapping[tuple[str, str], Json]:
    """What the operations on collections have in addition, by method and path."""
    described: dict[tuple[str, str], Json] = {}
    for collection in collections:
        many, name = f"/jackfield/{collection.name}", _class_name(collection)
        one, shown, tags = f"{many}/{{id}}", _ref(name), [collection.name]
        page = _record(
            data={"type": "array", "items": shown, "maxItems": LARGEST_PAGE},
            next={**_NULLABLE, "description": "Goes into `after`."},
        )
        changing = {"tags": tags, "parameters": [_IF_MATCH], "answer": shown}
        created = {"tags": tags, "parameters": [_IDEMPOTENCY_KEY], "answer": shown, "status": "201"}
        filters = {
            name: schemas.filter_schema(a) for name, a in filterable(collection.Item).items()
        }
        described[("GET", many)] = {"tags": tags, "answer": page, "query": filters}
        described[("POST", many)] = {**created, "requestBody": _body(_ref(f"{name}Create"))}
        described[("GET", one)] = {"tags": tags, "answer": shown}
        patch = _body(_ref(f"{name}Update"), required=False)
        described[("PATCH", one)] = {**changing, "requestBody": patch}
        described[("DELETE", one)] = {"tags": tags, "parameters": [_IF_MATCH]}
        for action in collection.actions:
            given = schemas.schema_of(action.Given)
            body = _body(given, required="required" in given)
            acting = {**changing, "parameters": [_IF_MATCH, _IDEMPOTENCY_KEY]}
            described[("POST", f"{one}/{action.name}")] = {**acting, "requestBody": body}
    return described


def _body(schema: Json, *, required: bool = True) -> Json:
    return {"required": required, "content": _content(schema)}


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _class_name(collection: Collection[Any]) -> str:
    return "".join(word.capitalize() for word in re.split(r"[^a-z0-9]+", collection.singular))


def _operation_id(endpoint: Endpoint) -> str:
    path = _PLACEHOLDER.sub(r"by_\1", endpoint.path.removeprefix("/jackfield"))
    return re.sub(r"\W+", "_", f"{endpoint.method.lower()}{path}").strip("_")
