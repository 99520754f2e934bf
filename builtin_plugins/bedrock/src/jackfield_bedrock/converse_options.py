"""Options of a Converse request: length, sampling, format and tier."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield.dialects import Loss
from jackfield.fields import Fields
from jackfield.messages import ChatRequest, ResponseFormat

from .converse_members import ADDITIONAL, Member, Tree, at, nested
from .converse_models import family_of
from .converse_names import NAME
from .converse_schemas import enforceable_schema

_TEXT_FORMAT: Final = ("outputConfig", "textFormat")
_TOP_K: Final = ((ADDITIONAL, "top_k"), (ADDITIONAL, "inferenceConfig", "topK"))
_TIERS: Final = frozenset({"default", "flex", "priority"})
_METADATA: Final = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}", re.ASCII)
_MOST_METADATA: Final = 16


def read_inference(fields: Fields) -> dict[str, Any]:
    """The canonical fields in `inferenceConfig`."""
    config = fields.rest.get("inferenceConfig")
    if config is None or config == {}:
        return {}
    if not isinstance(config, dict):
        raise fields.wrong("inferenceConfig", "an object")
    inner = Fields(config, fields.where("inferenceConfig"))
    stop = inner.items("stopSequences")
    if not all(isinstance(word, str) for word in stop):
        raise inner.wrong("stopSequences", "an array of strings")
    known = {
        "max_tokens": inner.integer("maxTokens"),
        "temperature": inner.number("temperature"),
        "top_p": inner.number("topP"),
        "stop": tuple(stop),
    }
    del fields.rest["inferenceConfig"]
    if inner.rest:
        fields.rest["inferenceConfig"] = inner.rest
    return known


def write_inference(request: ChatRequest) -> Tree:
    """The member `inferenceConfig`."""
    known = {
        "maxTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "stopSequences": list(request.stop) or None,
    }
    found = {key: value for key, value in known.items() if value is not None}
    return {"inferenceConfig": found} if found else {}


def _read_format(tree: Tree) -> ResponseFormat | None:
    wire = at(tree, _TEXT_FORMAT)
    inner = at(wire, ("structure", "jsonSchema"))
    if at(wire, ("type",)) != "json_schema" or not isinstance(inner, dict):
        return None
    schema = _schema(inner.get("schema"))
    if schema is None:
        return None
    name, description = inner.get("name"), inner.get("description")
    return ResponseFormat(
        "json_schema",
        name=name if isinstance(name, str) else None,
        schema=schema,
        description=description if isinstance(description, str) else None,
    )


def _schema(text: Any) -> Mapping[str, Any] | None:
    if not isinstance(text, str):
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read_top_k(tree: Tree) -> int | None:
    found = (at(tree, path) for path in _TOP_K)
    return next((value for value in found if type(value) is int), None)


FORMAT: Final = Member("response_format", (_TEXT_FORMAT,), _read_format)
TOP_K: Final = Member("top_k", _TOP_K, _read_top_k)


def write_format(request: ChatRequest, losses: list[Loss]) -> Tree:
    """The member `outputConfig` for the requested format."""
    kept = FORMAT.kept(request)
    requested = request.response_format
    if kept is not None:
        return kept
    if requested is None or requested.kind == "text":
        return {}
    if requested.kind == "json_object" or requested.schema is None:
        losses.append(Loss("response_format.json_object", "response_format", "dropped"))
        return {}
    described: set[str] = set()
    schema = enforceable_schema(requested.schema, described)
    if described:
        detail = f"described, not enforced: {', '.join(sorted(described))}"
        losses.append(
            Loss("response_format.json_schema", "response_format.schema", "approximated", detail)
        )
    wire: Tree = {"schema": msgspec.json.encode(schema).decode()}
    if requested.name:
        wire["name"] = requested.name
    if requested.description:
        wire["description"] = requested.description
    return nested(_TEXT_FORMAT, {"type": "json_schema", "structure": {"jsonSchema": wire}})


def write_top_k(request: ChatRequest, losses: list[Loss]) -> Tree:
    """The member that carries `top_k` for the request's model."""
    kept = TOP_K.kept(request)
    if kept is not None:
        return kept
    if request.top_k is None:
        return {}
    match family_of(request.model):
        case "nova":
            return nested(_TOP_K[1], request.top_k)
        case "claude":
            return nested(_TOP_K[0], request.top_k)
    losses.append(Loss("top_k", "top_k", "dropped", f"{request.model} is not known to take it"))
    return {}


def read_tier(fields: Fields) -> str | None:
    """The tier, if other dialects have it too."""
    wire = fields.rest.get("serviceTier")
    tier = wire.get("type") if isinstance(wire, dict) and len(wire) == 1 else None
    if not isinstance(tier, str) or tier not in _TIERS:
        return None
    del fields.rest["serviceTier"]
    return tier


def write_tier(request: ChatRequest, losses: list[Loss]) -> Tree:
    """The member `serviceTier`."""
    tier = request.service_tier
    if tier in _TIERS:
        return {"serviceTier": {"type": tier}}
    if tier not in (None, "auto"):
        losses.append(Loss("service_tier", "service_tier", "dropped", f"{tier!r}"))
    return {}


def read_metadata(fields: Fields) -> Mapping[str, Any] | None:
    """The request's metadata."""
    return fields.table("requestMetadata")


def write_metadata(request: ChatRequest, losses: list[Loss]) -> Tree:
    """The member `requestMetadata`, as far as its patterns allow."""
    if request.metadata is None:
        return {}
    if NAME in request.extensions:
        return {"requestMetadata": dict(request.metadata)}
    fitting = {key: value for key, value in request.metadata.items() if _fits(key, value)}
    taken = dict(list(fitting.items())[:_MOST_METADATA])
    if len(taken) < len(request.metadata):
        detail = f"only {_MOST_METADATA} short texts of plain characters"
        losses.append(Loss("metadata", "metadata", "approximated", detail))
    return {"requestMetadata": taken} if taken else {}


def _fits(key: str, value: Any) -> bool:
    if not key or _METADATA.fullmatch(key) is None or not isinstance(value, str):
        return False
    return _METADATA.fullmatch(value) is not None
