"""Tools, tool choice and tool calls, in the chat API's current and legacy forms."""

import re
from collections.abc import Mapping
from itertools import chain, count
from secrets import token_hex
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, own
from jackfield.messages import Opaque, Part, Tool, ToolCall, ToolChoice

from .chat_parts import NAME
from .chat_usual import usual_tool

_DIGITS = re.compile(r"\d+")
LEGACY = "$legacy"
"""The note on a tool or call that came as `functions` or `function_call`."""


def new_call_id() -> str:
    """An id for a call in an answer whose provider gave it none."""
    return f"call_{token_hex(12)}"


def unused_id(preferred: str, taken: set[str]) -> str:
    """A unique id for a call: the wanted one unless another call has it."""
    numbered = (f"{preferred}_{number}" for number in count(2))
    identity = next(one for one in chain((preferred,), numbered) if one not in taken)
    taken.add(identity)
    return identity


def with_unique_ids(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts of an answer with unique call ids, so that each call can get its result."""
    taken: set[str] = set()
    return tuple(
        [
            replace(part, id=unused_id(part.id, taken)) if isinstance(part, ToolCall) else part
            for part in parts
        ]
    )


def placed_call_id(path: str) -> str:
    """A deterministic id for an earlier call without one, so that caches still match."""
    return "call_" + "_".join(_DIGITS.findall(path))


def read_tools(fields: Fields, _: str) -> tuple[Tool | Opaque, ...]:
    """The tools of a request: `tools` and the legacy `functions`."""
    tools: list[Tool | Opaque] = [
        usual_tool(wire) or _read_tool(wire, f"tools[{i}]")
        for i, wire in enumerate(fields.items("tools"))
    ]
    if "functions" not in fields.rest:
        return tuple(tools)
    for i, wire in enumerate(fields.items("functions")):
        inner = _object(wire, f"functions[{i}]")
        tools.append(_function(inner, {LEGACY: True}))
    return tuple(tools)


def _object(wire: Any, path: str) -> Fields:
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    return Fields(wire, path)


def _read_tool(wire: Any, path: str) -> Tool | Opaque:
    fields = _object(wire, path)
    kind = wire.get("type", "function" if "function" in wire else None)
    if not isinstance(kind, str):
        raise fields.wrong("type", "a string")
    if kind not in ("function", "custom"):
        return Opaque(NAME, kind, wire)
    fields.rest.pop("type", None)
    inner = _object(fields.rest.pop(kind, None), f"{path}.{kind}")
    if kind == "custom":
        return _custom(fields, inner)
    return _function(inner, fields.rest)


def _function(inner: Fields, rest: dict[str, Any]) -> Tool:
    tool = Tool(
        name=inner.needed_text("name"),
        description=inner.text("description"),
        parameters=inner.table("parameters"),
        strict=inner.flag("strict"),
    )
    return _with_rest(tool, inner, rest)


def _custom(fields: Fields, inner: Fields) -> Tool:
    tool = Tool(
        name=inner.needed_text("name"),
        description=inner.text("description"),
        kind="custom",
        input_format=_flat_format(inner.table("format")),
    )
    return _with_rest(tool, inner, fields.rest)


def _with_rest(tool: Tool, inner: Fields, rest: dict[str, Any]) -> Tool:
    if rest.get(LEGACY):
        kept = {**inner.rest, LEGACY: True}
    else:
        kept = {**rest, tool.kind: inner.rest} if inner.rest else rest
    return replace(tool, extensions={NAME: kept} if kept else {})


def _flat_format(wire: dict[str, Any] | None) -> dict[str, Any] | None:
    if wire is None:
        return None
    grammar = wire.get("grammar")
    return {"type": "grammar", **grammar} if isinstance(grammar, dict) else wire


def write_tools(tools: tuple[Tool | Opaque, ...], losses: list[Loss]) -> dict[str, Any]:
    """The `tools` and `functions` of a request, as far as there are any."""
    wire: dict[str, list[dict[str, Any]]] = {}
    for i, tool in enumerate(tools):
        if isinstance(tool, Tool):
            wire.setdefault("functions" if is_legacy(tool) else "tools", []).append(
                _write_tool(tool)
            )
        elif tool.dialect == NAME:
            wire.setdefault("tools", []).append(dict(tool.value))
        else:
            losses.append(Loss(f"tools.{tool.kind}", f"tools[{i}]", "dropped"))
    return wire


def is_legacy(tool: Tool | Opaque | ToolCall) -> bool:
    """Whether it came in the form of `functions` and `function_call`."""
    if isinstance(tool, Opaque) or NAME not in tool.extensions:
        return False
    return bool(tool.extensions[NAME].get(LEGACY))


def _write_tool(tool: Tool) -> dict[str, Any]:
    inner: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        inner["description"] = tool.description
    if tool.parameters is not None:
        inner["parameters"] = tool.parameters
    if tool.strict is not None:
        inner["strict"] = tool.strict
    if tool.input_format is not None:
        inner["format"] = _deep_format(tool.input_format)
    if NAME not in tool.extensions:
        return {"type": tool.kind, tool.kind: inner}
    if is_legacy(tool):
        return carry(inner, tool.extensions, NAME)
    return _wrap(tool.kind, {"type": tool.kind}, inner, tool)


def _deep_format(flat: Mapping[str, Any]) -> Mapping[str, Any]:
    if flat.get("type") != "grammar":
        return flat
    grammar = {key: value for key, value in flat.items() if key != "type"}
    return {"type": "grammar", "grammar": grammar}


def _wrap(
    kind: str, outer: dict[str, Any], inner: dict[str, Any], tool: Tool | ToolCall
) -> dict[str, Any]:
    kept = own(tool.extensions, NAME).get(kind)
    if isinstance(kept, dict):
        inner = {**inner, **{key: value for key, value in kept.items() if key not in inner}}
    outer[kind] = inner
    return carry(outer, tool.extensions, NAME)


def read_choice(wire: Mapping[str, Any]) -> ToolChoice | None:
    """The choice in `tool_choice` or the legacy `function_call`; None if not understood."""
    choice = wire.get("tool_choice", wire.get("function_call"))
    if isinstance(choice, str):
        mode = _MODES.get(choice)
        return ToolChoice(mode) if mode else None
    if not isinstance(choice, dict):
        return None
    allowed = choice.get("allowed_tools")
    if isinstance(allowed, dict):
        names = [_name(tool) for tool in allowed.get("tools", ()) if isinstance(tool, dict)]
        mode = _MODES.get(str(allowed.get("mode")), "auto")
        named = tuple(name for name in names if name)
        return ToolChoice(mode, named) if named else None
    name = _name(choice)
    return ToolChoice("required", (name,)) if name else None


_MODES: Mapping[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",
}


def _name(wire: Mapping[str, Any]) -> str:
    inner = wire.get("function") or wire.get("custom") or wire
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else ""


def write_choice(choice: ToolChoice, tools: tuple[Tool | Opaque, ...]) -> dict[str, Any]:
    """`tool_choice`, or `function_call` if the tools are legacy functions."""
    if any(is_legacy(tool) for tool in tools):
        named = {"name": choice.names[0]} if choice.names else None
        return {"function_call": named or choice.mode}
    if not choice.names:
        return {"tool_choice": choice.mode}
    kinds = {tool.name: tool.kind for tool in tools if isinstance(tool, Tool)}
    named_tools = [_named(name, kinds.get(name, "function")) for name in choice.names]
    if len(named_tools) == 1 and choice.mode == "required":
        return {"tool_choice": named_tools[0]}
    allowed = {"mode": choice.mode, "tools": named_tools}
    return {"tool_choice": {"type": "allowed_tools", "allowed_tools": allowed}}


def _named(name: str, kind: str) -> dict[str, Any]:
    return {"type": kind, kind: {"name": name}}


def read_call(wire: Any, path: str, *, strict: bool) -> ToolCall:
    """One element of `tool_calls`."""
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    fields = Fields(wire, path, strict=strict)
    declared = wire.get("type", "function")
    if strict and not isinstance(declared, str):
        raise fields.wrong("type", "a string")
    custom = declared == "custom"
    kind: Literal["function", "custom"] = "custom" if custom else "function"
    fields.rest.pop("type", None)
    inner = fields.rest.pop(kind, None)
    if not isinstance(inner, dict):
        raise fields.wrong(kind, "an object")
    call = Fields(inner, fields.where(kind), strict=strict)
    name, arguments = (
        call.needed_text("name"),
        call.rest.pop("input" if custom else "arguments", ""),
    )
    identity = fields.text("id")
    if identity is None:
        identity = placed_call_id(path) if strict else new_call_id()
        fields.rest.pop("id", None)
    if call.rest:
        fields.rest[kind] = call.rest
    extensions = fields.extensions(NAME)
    return ToolCall(identity, name, arguments_text(arguments), kind, extensions)


def arguments_text(arguments: Any) -> str:
    """Arguments as text; some providers send them as a JSON value."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else msgspec.json.encode(arguments).decode()


def read_legacy_call(wire: dict[str, Any], identity: str) -> ToolCall:
    """`function_call`, which has no id of its own."""
    arguments = arguments_text(wire.get("arguments"))
    return ToolCall(identity, str(wire["name"]), arguments, extensions={NAME: {LEGACY: True}})


NO_ARGUMENTS = "{}"
"""The arguments of a call without any, as clients parse them as JSON."""


def write_call(call: ToolCall, *, answer: bool = False) -> dict[str, Any]:
    """One element of `tool_calls`."""
    argument, text = "input" if call.kind == "custom" else "arguments", call.arguments
    if answer and not text and argument == "arguments":
        text = NO_ARGUMENTS
    inner = {"name": call.name, argument: text}
    wire = {"id": call.id, "type": call.kind}
    if NAME in call.extensions:
        return _wrap(call.kind, wire, inner, call)
    return {**wire, call.kind: inner}
