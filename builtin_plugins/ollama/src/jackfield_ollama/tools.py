"""Tools and tool calls: arguments are objects, and older versions have no call ids."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, own
from jackfield.messages import ChatRequest, Opaque, Tool, ToolCall

NAME = "ollama.chat"
MADE_ID = "$made_id"
"""The note on a call or result whose id the gateway made, and does not send to Ollama."""


def read_tools(fields: Fields) -> tuple[Tool | Opaque, ...]:
    """The `tools` of a request."""
    return tuple(_read_tool(wire, f"tools[{i}]") for i, wire in enumerate(fields.items("tools")))


def _read_tool(wire: Any, path: str) -> Tool | Opaque:
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    fields = Fields(wire, path)
    kind = fields.rest.pop("type", None)
    inner = fields.inner("function")
    if inner is None:
        if isinstance(kind, str) and kind != "function":
            return Opaque(NAME, kind, wire)
        raise fields.wrong("function", "an object with a name")
    if kind != "function":
        fields.rest["$type"] = kind
    name = inner.text("name")
    if name is None:
        raise inner.wrong("name", "a string")
    tool = (name, inner.text("description"), inner.table("parameters"))
    if inner.rest:
        fields.rest["function"] = inner.rest
    return Tool(*tool, extensions=fields.extensions(NAME))


def write_tools(request: ChatRequest, losses: list[Loss]) -> list[dict[str, Any]]:
    """The `tools` of a request, limited to those that the tool choice allows."""
    choice = request.tool_choice
    names = choice.names if choice is not None else ()
    if choice is not None and choice.mode == "none":
        if request.tools:
            detail = "the tools are left out"
            losses.append(Loss("tool_choice.none", "tool_choice", "approximated", detail))
        return []
    if choice is not None and choice.mode == "required":
        losses.append(Loss("tool_choice", "tool_choice", "dropped", "Ollama cannot require a call"))
    if names:
        detail = "the other tools are left out"
        losses.append(Loss("tool_choice.names", "tool_choice.names", "approximated", detail))
    written = []
    for i, tool in enumerate(request.tools):
        if names and isinstance(tool, Tool) and tool.name not in names:
            continue
        wire = _write_tool(tool, f"tools[{i}]", losses)
        if wire is not None:
            written.append(wire)
    return written


def _write_tool(tool: Tool | Opaque, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    if isinstance(tool, Opaque):
        if tool.dialect == NAME:
            return dict(tool.value)
        losses.append(Loss(f"tools.{tool.kind}", path, "dropped"))
        return None
    if tool.kind == "custom":
        losses.append(Loss("tools.custom", path, "dropped", "Ollama only supports functions"))
        return None
    if tool.strict:
        losses.append(Loss("tools.strict", path, "dropped"))
    kept = own(tool.extensions, NAME)
    inner: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        inner["description"] = tool.description
    if tool.parameters is not None:
        inner["parameters"] = tool.parameters
    elif NAME not in tool.extensions:
        inner["parameters"] = {"type": "object", "properties": {}}
    inner |= kept.get("function") or {}
    kind = kept.get("$type", "function")
    wire: dict[str, Any] = {"type": kind} if kind is not None else {}
    return carry({**wire, "function": inner}, tool.extensions, NAME)


def read_calls(fields: Fields, made_id: str) -> list[ToolCall]:
    """The `tool_calls` of a message; one without an id gets `made_id` with its index."""
    where = fields.where("tool_calls")
    calls = []
    for i, wire in enumerate(fields.items("tool_calls")):
        call = _read_call(wire, f"{where}[{i}]", f"{made_id}_{i}", strict=fields.strict)
        if call is not None:
            calls.append(call)
    return calls


def _read_call(wire: Any, path: str, made_id: str, *, strict: bool) -> ToolCall | None:
    fields = Fields(wire if isinstance(wire, dict) else {}, path, strict=strict)
    inner = fields.inner("function")
    name = inner.text("name") if inner is not None else None
    if inner is None or name is None:
        if strict:
            raise fields.wrong("function", "an object with a name")
        return None
    arguments = inner.rest.pop("arguments", None)
    if isinstance(arguments, str) and not strict:
        text = arguments
    elif arguments is None or isinstance(arguments, dict):
        text = msgspec.json.encode(arguments or {}).decode()
    elif strict:
        raise inner.wrong("arguments", "an object")
    else:
        text = msgspec.json.encode(arguments).decode()
    identity = fields.text("id")
    if inner.rest:
        fields.rest["function"] = inner.rest
    if identity is None:
        fields.rest.pop("id", None)
        fields.rest[MADE_ID] = True
    return ToolCall(identity or made_id, name, text, extensions={NAME: fields.rest})


def placed_id(path: str) -> str:
    """The prefix of ids for earlier calls; deterministic, so that caches still match."""
    return "call_" + "_".join(part for part in path.replace("]", "[").split("[") if part.isdigit())


def answer_id(created_at: Any, model: Any) -> str:
    """The prefix of ids for an answer's calls, unique by its creation time."""
    seed = msgspec.json.encode([created_at, model])
    return "call_" + blake2b(seed, digest_size=8).hexdigest()


def write_calls(calls: Iterable[ToolCall], path: str, losses: list[Loss]) -> list[dict[str, Any]]:
    """The `tool_calls` of a message."""
    return [write_call(call, i, path, losses) for i, call in enumerate(calls)]


def write_call(call: ToolCall, index: int, path: str, losses: list[Loss]) -> dict[str, Any]:
    """One call."""
    kept = own(call.extensions, NAME)
    inner = {
        **({"index": index} if NAME not in call.extensions else {}),
        "name": call.name,
        "arguments": _arguments(call, path, losses),
        **(kept.get("function") or {}),
    }
    wire = {} if MADE_ID in kept else {"id": call.id}
    return carry({**wire, "function": inner}, call.extensions, NAME)


def _arguments(call: ToolCall, path: str, losses: list[Loss]) -> dict[str, Any]:
    if call.kind == "custom":
        losses.append(Loss("tools.custom", path, "approximated", "its input as an argument"))
        return {"input": call.arguments}
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        arguments = None
    if isinstance(arguments, dict):
        return arguments
    detail = "they are not a JSON object"
    losses.append(Loss("tools.arguments", path, "dropped", detail))
    return {}
