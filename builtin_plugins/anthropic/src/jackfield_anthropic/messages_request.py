"""Parses a Messages request into the canonical form."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from jackfield.dialects import Peek
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, object_fields, taken_text
from jackfield.messages import ChatRequest, ResponseFormat

from .fields import NAME, THREAD, own
from .messages_checks import check_worded
from .messages_conversation import read_conversation
from .messages_details import read_details
from .messages_thinking import read_thinking_request
from .messages_tools import read_choice, read_tools

NOTED: Final = ("tool_choice", "thinking", "output_config", "output_format", "metadata")
"""Members whose meaning has a canonical form and whose wording is kept in a note."""

BETAS: Final = "$betas"
"""The note with the beta features that a body requests, for which others have a header."""

VERSIONS: Final = {"vertex": "vertex-2023-10-16", "bedrock": "bedrock-2023-05-31"}
"""The version of the API on each cloud."""

_WORDED: Final = frozenset({*NOTED, "cache_control", "anthropic_version", "anthropic_beta"})
"""Members whose wording or presence is kept in a note."""

_VERSION: Final = "$version"
_READ_OF_CONFIG: Final = frozenset({"effort", "format"})
_READ_THINKING: Final = ("enabled", "adaptive", "disabled", "between_tools")
_READ_OF_METADATA: Final = frozenset({"user_id"})
_TIERS: Final = {"auto": "auto", "standard_only": "default"}


def peek_messages(tree: Any, params: Mapping[str, str]) -> Peek:
    """The parts of a request that the kernel needs; its model may be in the path."""
    if type(tree) is dict:
        model, stream = tree.get("model") or params.get("model"), tree.get("stream", False)
        tokens = tree.get("max_tokens")
        usual = type(model) is str and type(stream) is bool and type(tree.get("messages")) is list
        if usual and (tokens is None or type(tokens) is int):
            return Peek(model, stream, tokens)
    # It is unusual or invalid; the full reader raises the precise error.
    fields = object_fields(tree, "")
    if not isinstance(tree.get("messages"), list):
        raise fields.wrong("messages", "an array")
    return Peek(model_of(fields, params), bool(fields.flag("stream")), fields.integer("max_tokens"))


def model_of(fields: Fields, params: Mapping[str, str]) -> str:
    """The model in a request's body, or in its path as on clouds."""
    model = fields.text("model") or params.get("model")
    if not model:
        raise InvalidRequest("The request names no model: set 'model'.", param="model")
    return model


def read_request(tree: Any, params: Mapping[str, str]) -> ChatRequest:
    """The canonical form of a request's body. Raises InvalidRequest if it has none."""
    fields = object_fields(tree, "")
    rest = fields.rest
    model = taken_text(rest, "model") or model_of(fields, params)
    messages, unusual = read_conversation(fields)
    tools = read_tools(fields)
    known: dict[str, Any] = {"model": model, "messages": messages, "tools": tools}
    if not rest.keys().isdisjoint(_WORDED):
        known |= _read_worded(rest)
    for key in tuple(rest):
        member = _MEMBERS.get(key)
        if member is not None:
            name, read = member
            known[name] = read(fields, key)
    known["extensions"] = {NAME: rest, **read_details(unusual, tools)}
    return ChatRequest(include_usage=True, **known)


def _read_worded(rest: dict[str, Any]) -> dict[str, Any]:
    _note_cloud(rest)
    check_worded(rest)
    choice, parallel = read_choice(rest.get("tool_choice"))
    known = {
        "tool_choice": choice,
        "parallel_tool_calls": parallel,
        "response_format": read_format(rest),
        "reasoning": read_thinking_request(rest),
        "user": read_user(rest),
    }
    _note_wording(rest)
    return known


def _note_cloud(rest: dict[str, Any]) -> None:
    """Move members that only clouds have into notes."""
    version, betas = rest.pop("anthropic_version", None), rest.pop("anthropic_beta", None)
    if version is not None and version not in VERSIONS.values():
        rest[_VERSION] = version
    if betas:
        rest[BETAS] = betas


def version_of(request: ChatRequest, cloud: str) -> str:
    """The API version for a cloud: the requested one if it was meant for that cloud."""
    stated = own(request.extensions).get(_VERSION)
    return stated if isinstance(stated, str) and stated.startswith(cloud) else VERSIONS[cloud]


def _note_wording(rest: dict[str, Any]) -> None:
    """Move the original wording of parsed members into a note; the others keep their names."""
    config, thinking = rest.get("output_config"), rest.get("thinking")
    metadata, choice = rest.get("metadata"), rest.get("tool_choice")
    read_of_config = _READ_OF_CONFIG if read_format(rest) else _READ_OF_CONFIG - {"format"}
    for key in (*NOTED, "cache_control"):
        if key in rest:
            rest[f"${key}"] = rest.pop(key)
    for key, value, read in (
        ("output_config", config, read_of_config),
        ("metadata", metadata, _READ_OF_METADATA),
    ):
        unread = _without(value, read)
        if unread:
            rest[key] = unread
    unread_kind = isinstance(thinking, dict) and thinking.get("type") not in _READ_THINKING
    if unread_kind and not (isinstance(config, dict) and config.get("effort")):
        rest["thinking"] = thinking
    if choice and read_choice(choice)[0] is None:
        rest["tool_choice"] = choice


def _without(value: Any, read: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    return {key: inner for key, inner in value.items() if key not in read}


def _read_stop(fields: Fields, key: str) -> tuple[str, ...]:
    stop = fields.items(key)
    if not all(isinstance(item, str) for item in stop):
        raise fields.wrong(key, "an array of strings")
    return tuple(stop)


def _read_stream(fields: Fields, key: str) -> bool:
    stream = fields.flag(key)
    if stream is False:
        fields.rest["$stream"] = False
    return bool(stream)


def _read_thread(fields: Fields, key: str) -> str | None:
    thread = fields.rest[key]
    before = thread.get("previous_message_id") if isinstance(thread, dict) else None
    return before if isinstance(before, str) and before else None


def _read_tier(fields: Fields, key: str) -> str | None:
    tier = fields.text(key)
    if tier is None:
        return None
    fields.rest["$service_tier"] = tier
    return read_tier(tier)


_MEMBERS: Final[Mapping[str, tuple[str, Callable[[Fields, str], Any]]]] = {
    "max_tokens": ("max_tokens", Fields.integer),
    "temperature": ("temperature", Fields.number),
    "top_p": ("top_p", Fields.number),
    "top_k": ("top_k", Fields.integer),
    "stop_sequences": ("stop", _read_stop),
    "stream": ("stream", _read_stream),
    "service_tier": ("service_tier", _read_tier),
    THREAD: ("server_state", _read_thread),
}
"""The other members of a body, each with its canonical field and parser."""


def read_tier(tier: str) -> str:
    """The canonical name of a tier."""
    return _TIERS.get(tier, tier)


def read_format(wire: Mapping[str, Any]) -> ResponseFormat | None:
    """The JSON schema for the answer, from its current or its former member."""
    config = wire.get("output_config")
    requested = config.get("format") if isinstance(config, Mapping) else None
    if requested is None:
        requested = wire.get("output_format")
    if not isinstance(requested, Mapping) or requested.get("type") != "json_schema":
        return None
    schema = requested.get("schema")
    return ResponseFormat("json_schema", schema=schema) if isinstance(schema, dict) else None


def read_user(wire: Mapping[str, Any]) -> str | None:
    """The id of the user for whom the request is made."""
    metadata = wire.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, Mapping) else None
    return user if isinstance(user, str) and user else None
