"""Tools and tool choice of a Converse request."""

from collections.abc import Mapping
from typing import Any

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, own
from jackfield.messages import ChatRequest, Opaque, Tool, ToolCall, ToolChoice, ToolResult

from .converse_block_writer import Block, cache_points
from .converse_models import can_be_forced
from .converse_names import NAME
from .converse_parts import note_cache_point
from .converse_schemas import enforceable_schema

_CHOICE = "$toolChoice"


def read_tool_config(fields: Fields) -> tuple[tuple[Tool | Opaque, ...], ToolChoice | None]:
    """The tools and the tool choice."""
    config = fields.rest.get("toolConfig")
    if config is None or config == {}:
        return (), None
    if not isinstance(config, dict):
        raise fields.wrong("toolConfig", "an object")
    inner = Fields(config, fields.where("toolConfig"))
    tools = _read_tools(inner)
    raw = inner.rest.get("toolChoice")
    choice = _read_choice(raw)
    if choice is not None:
        fields.rest[_CHOICE] = inner.rest.pop("toolChoice")
    del fields.rest["toolConfig"]
    if inner.rest:
        fields.rest["toolConfig"] = inner.rest
    return tools, choice


def _read_tools(inner: Fields) -> tuple[Tool | Opaque, ...]:
    tools: list[Any] = []
    for i, wire in enumerate(inner.items("tools")):
        where = f"{inner.where('tools')}[{i}]"
        if not isinstance(wire, dict):
            raise InvalidRequest(f"'{where}' must be an object.", param=where)
        if "cachePoint" in wire and tools and note_cache_point(tools, wire["cachePoint"]):
            continue
        tools.append(_read_tool(wire, where))
    return tuple(tools)


def _read_tool(wire: dict[str, Any], where: str) -> Tool | Opaque:
    if "toolSpec" not in wire or len(wire) > 1:
        return Opaque(NAME, next(iter(wire), "tool"), wire)
    spec = wire["toolSpec"]
    if not isinstance(spec, dict):
        raise InvalidRequest(f"'{where}.toolSpec' must be an object.", param=f"{where}.toolSpec")
    fields = Fields(spec, f"{where}.toolSpec")
    schema = fields.rest.get("inputSchema")
    parameters = schema.get("json") if isinstance(schema, dict) and len(schema) == 1 else None
    if not isinstance(parameters, dict):
        raise fields.wrong("inputSchema", "an object with 'json', a schema")
    del fields.rest["inputSchema"]
    return Tool(
        name=fields.needed_text("name"),
        description=fields.text("description"),
        parameters=parameters,
        strict=fields.flag("strict"),
        extensions=fields.extensions(NAME),
    )


def _read_choice(wire: Any) -> ToolChoice | None:
    if not isinstance(wire, dict) or len(wire) != 1:
        return None
    ((kind, value),) = wire.items()
    if kind == "auto":
        return ToolChoice("auto")
    if kind == "any":
        return ToolChoice("required")
    name = value.get("name") if isinstance(value, dict) else None
    if kind == "tool" and isinstance(name, str) and name:
        return ToolChoice("required", (name,))
    return None


def write_tool_config(request: ChatRequest, losses: list[Loss]) -> Block:
    """The member `toolConfig`; empty without usable tools."""
    choice = request.tool_choice
    kept = own(request.extensions, NAME)
    rest = own(kept, "toolConfig") or {}
    tools = request.tools
    if choice is not None and choice.mode == "none":
        called = _has_calls(request)
        if tools:
            losses.append(_none(called=called))
        if not called:
            return {}
    elif choice is not None and (len(choice.names) > 1 or choice.mode == "auto"):
        tools = _limited(tools, choice.names)
        if len(tools) < len(request.tools):
            detail = "only the allowed tools are offered"
            losses.append(Loss("tool_choice.names", "tool_choice", "approximated", detail))
    wire = _write_tools(tools, losses)
    if not wire:
        return {"toolConfig": dict(rest)} if rest else {}
    config: Block = {"tools": wire, **rest}
    if choice is not None and choice.mode != "none":
        raw = kept.get(_CHOICE)
        same = _read_choice(raw) == choice
        config["toolChoice"] = raw if same else _write_choice(choice, request.model, losses)
    return {"toolConfig": config}


def _none(*, called: bool) -> Loss:
    kept = "Bedrock requires the tools of earlier calls"
    detail = kept if called else "the tools are left out"
    return Loss("tool_choice.none", "tool_choice", "approximated", detail)


def _has_calls(request: ChatRequest) -> bool:
    parts = (part for message in request.messages for part in message.parts)
    return any(isinstance(part, ToolCall | ToolResult) for part in parts)


def _limited(tools: tuple[Tool | Opaque, ...], names: tuple[str, ...]) -> tuple[Tool | Opaque, ...]:
    """The tools that may be called, as Bedrock can only limit calls that way."""
    if not names:
        return tools
    return tuple(tool for tool in tools if isinstance(tool, Opaque) or tool.name in names)


def _write_tools(tools: tuple[Tool | Opaque, ...], losses: list[Loss]) -> list[Block]:
    wire: list[Block] = []
    for i, tool in enumerate(tools):
        if isinstance(tool, Tool):
            wire += ({"toolSpec": _write_tool(tool, i, losses)}, *cache_points(tool))
        elif tool.dialect == NAME:
            wire.append(dict(tool.value))
        else:
            losses.append(Loss(f"tools.{tool.kind}", f"tools[{i}]", "dropped"))
    return wire


def _write_tool(tool: Tool, place: int, losses: list[Loss]) -> Block:
    schema = tool.parameters
    if tool.kind == "custom":
        detail = "a function with one text, `input`"
        losses.append(Loss("tools.custom", f"tools[{place}]", "approximated", detail))
        schema = _free_text(tool.input_format or {})
    if tool.strict and NAME not in tool.extensions:
        schema = _enforced(schema, place, losses)
    wire: Block = {"name": tool.name}
    if tool.description:
        wire["description"] = tool.description
    if schema is not None or "inputSchema" not in own(tool.extensions, NAME):
        schema = {"type": "object", "properties": {}} if schema is None else schema
        wire["inputSchema"] = {"json": schema}
    if tool.strict is not None and (tool.strict or NAME in tool.extensions):
        wire["strict"] = tool.strict
    return carry(wire, tool.extensions, NAME)


def _enforced(schema: Mapping[str, Any] | None, place: int, losses: list[Loss]) -> Any:
    described: set[str] = set()
    enforced = enforceable_schema(schema, described)
    if described:
        detail = f"described, not enforced: {', '.join(sorted(described))}"
        losses.append(Loss("tools.strict", f"tools[{place}]", "approximated", detail))
    return enforced


def _free_text(form: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a custom tool, whose input is text."""
    text = {"type": "string"}
    if grammar := form.get("definition"):
        text["description"] = f"Text in this {form.get('syntax')} grammar:\n{grammar}"
    return {"type": "object", "properties": {"input": text}, "required": ["input"]}


def _write_choice(choice: ToolChoice, model: str, losses: list[Loss]) -> Block:
    if choice.mode == "auto":
        return {"auto": {}}
    if not can_be_forced(model):
        detail = "the model cannot be made to call a tool"
        losses.append(Loss("tool_choice", "tool_choice", "approximated", detail))
        return {"auto": {}}
    if len(choice.names) == 1:
        return {"tool": {"name": choice.names[0]}}
    return {"any": {}}
