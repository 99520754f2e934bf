"""Tools, tool choice and tool calls."""

import re
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, own
from jackfield.messages import ChatRequest, Opaque, Tool, ToolCall, ToolChoice

from .chat_parts import NAME

_DIGITS: Final = re.compile(r"\d+")
_MODES: Final[Mapping[str, ToolChoice]] = {
    "REQUIRED": ToolChoice("required"),
    "NONE": ToolChoice("none"),
}
_NO_PARAMETERS: Final = {"type": "object", "properties": {}}


def new_call_id(name: str) -> str:
    """An id for a call in an answer without one."""
    return f"{name}_{token_hex(6)}"


def placed_call_id(path: str) -> str:
    """A deterministic id for an earlier call without one, so that caches still match."""
    return "call_" + "_".join(_DIGITS.findall(path))


def read_tools(fields: Fields) -> tuple[Tool | Opaque, ...]:
    """The tools of a request; `strict_tools` applies to all of them."""
    tools = [_read_tool(wire, f"tools[{i}]") for i, wire in enumerate(fields.items("tools"))]
    if tools and fields.rest.get("strict_tools") is True:
        del fields.rest["strict_tools"]
        tools = [replace(tool, strict=True) if isinstance(tool, Tool) else tool for tool in tools]
    return tuple(tools)


def _read_tool(wire: Any, path: str) -> Tool | Opaque:
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    kind = wire.get("type", "function")
    if not isinstance(kind, str):
        raise InvalidRequest(f"'{path}.type' must be a string.", param=f"{path}.type")
    if kind != "function":
        return Opaque(NAME, kind, wire)
    fields = Fields(wire, path)
    fields.rest.pop("type", None)
    function = fields.rest.pop("function", None)
    if not isinstance(function, dict):
        raise fields.wrong("function", "an object")
    inner = Fields(function, fields.where("function"))
    tool = Tool(
        name=inner.needed_text("name"),
        description=inner.text("description"),
        parameters=inner.table("parameters"),
    )
    rest = fields.rest | ({"function": inner.rest} if inner.rest else {})
    return replace(tool, extensions={NAME: rest} if rest else {})


def write_tools(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    """`tools`, `strict_tools` and `tool_choice`; a choice among some tools offers only those."""
    wire: dict[str, Any] = {}
    offered = _offered(request, losses)
    tools = [_write_tool(tool, losses) for tool in offered]
    known = [tool for tool in tools if tool is not None]
    if known:
        wire["tools"] = known
    strict = [tool.strict is True for tool in offered if isinstance(tool, Tool)]
    if any(strict):
        wire["strict_tools"] = True
        if not all(strict):
            losses.append(Loss("tools.strict", "tools", "approximated", "the same for all tools"))
    choice = request.tool_choice
    if choice is not None and choice.mode != "auto":
        wire["tool_choice"] = choice.mode.upper()
    return wire


def _offered(request: ChatRequest, losses: list[Loss]) -> Sequence[Tool | Opaque]:
    choice = request.tool_choice
    if choice is None or not choice.names or choice.mode == "none":
        return request.tools
    offered = [t for t in request.tools if isinstance(t, Opaque) or t.name in choice.names]
    named = any(isinstance(tool, Tool) for tool in offered)
    detail = "only the allowed tools are offered" if named else "no such tool"
    how: Any = "approximated" if named else "dropped"
    losses.append(Loss("tool_choice.names", "tool_choice", how, detail))
    return offered if named else request.tools


def _write_tool(tool: Tool | Opaque, losses: list[Loss]) -> dict[str, Any] | None:
    if isinstance(tool, Opaque):
        if tool.dialect == NAME:
            return dict(tool.value)
        losses.append(Loss(f"tools.{tool.kind}", "tools", "dropped"))
        return None
    if tool.kind == "custom":
        losses.append(Loss("tools.custom", "tools", "dropped", tool.name))
        return None
    kept = own(tool.extensions, NAME)
    inner: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        inner["description"] = tool.description
    inner = {"parameters": _NO_PARAMETERS, **kept.get("function", {}), **inner}
    if tool.parameters is not None:
        inner["parameters"] = tool.parameters
    return carry({"type": "function", "function": inner}, tool.extensions, NAME)


def read_choice(word: Any) -> ToolChoice | None:
    """The choice for Cohere's name; None for an unknown one."""
    return _MODES.get(word) if isinstance(word, str) else None


def read_call(wire: Any, path: str, *, strict: bool) -> ToolCall:
    """One element of `tool_calls`."""
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    fields = Fields(wire, path, strict=strict)
    fields.rest.pop("type", None)
    function = fields.rest.pop("function", None)
    if not isinstance(function, dict):
        raise fields.wrong("function", "an object")
    inner = Fields(function, fields.where("function"), strict=strict)
    name = inner.needed_text("name")
    arguments = arguments_text(inner.rest.pop("arguments", ""))
    if arguments == "null":  # so Cohere calls a function without parameters
        arguments = ""
    identity = fields.text("id")
    if identity is None:
        identity = placed_call_id(path) if strict else new_call_id(name)
        fields.rest.pop("id", None)
    if inner.rest:
        fields.rest["function"] = inner.rest
    return ToolCall(identity, name, arguments, extensions=fields.extensions(NAME))


def arguments_text(arguments: Any) -> str:
    """Arguments as text; some servers send them as a JSON value."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else msgspec.json.encode(arguments).decode()


def write_call(call: ToolCall, path: str, losses: list[Loss]) -> dict[str, Any]:
    """One element of `tool_calls`; Cohere requires JSON arguments, `{}` if there are none."""
    arguments = call.arguments or "{}"
    if call.kind == "custom":
        losses.append(Loss("tools.custom", path, "approximated", "its input as JSON"))
        arguments = msgspec.json.encode({"input": call.arguments}).decode()
    kept = own(call.extensions, NAME).get("function", {})
    inner = {**kept, "name": call.name, "arguments": arguments}
    wire = {"id": call.id, "type": "function", "function": inner}
    return carry(wire, call.extensions, NAME)
