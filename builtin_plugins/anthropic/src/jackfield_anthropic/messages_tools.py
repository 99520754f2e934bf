"""Tools and tool choice in a Messages request."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from jackfield.dialects import Loss
from jackfield.fields import Fields, object_fields
from jackfield.messages import ChatRequest, Opaque, Tool, ToolChoice

from .fields import NAME, carry
from .messages_block_writer import lost_freedom
from .messages_schemas import closed_schema
from .messages_usual import usual_tool

_MODES: Mapping[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "any": "required",
    "tool": "required",
}
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}}


def read_tools(fields: Fields) -> tuple[Tool | Opaque, ...]:
    """The tools; Anthropic's own kinds are kept unchanged."""
    read = [
        usual_tool(wire) or _read_tool(wire, f"tools[{i}]")
        for i, wire in enumerate(fields.items("tools"))
    ]
    return tuple(read)


def _read_tool(wire: Any, path: str) -> Tool | Opaque:
    fields = object_fields(wire, path)
    kind = wire.get("type")
    if kind not in (None, "custom"):
        if not isinstance(kind, str):
            raise fields.wrong("type", "a string")
        return Opaque(NAME, kind, wire)
    name = fields.needed_text("name")
    schema = fields.rest.pop("input_schema", None)
    if not isinstance(schema, dict):
        raise fields.wrong("input_schema", "an object")
    return Tool(
        name=name,
        description=fields.text("description"),
        parameters=schema,
        strict=fields.flag("strict"),
        extensions={NAME: fields.rest},
    )


def write_tools(request: ChatRequest, schemas: bool, losses: list[Loss]) -> list[dict[str, Any]]:
    """The tools in Anthropic's form; `schemas` says whether it supports strict ones."""
    written = []
    for i, tool in enumerate(request.tools):
        if isinstance(tool, Tool):
            written.append(_write_tool(tool, i, schemas, losses))
        elif tool.dialect == NAME:
            written.append(dict(tool.value))
        else:
            losses.append(Loss(f"tools.{tool.kind}", f"tools[{i}]", "dropped"))
    return written


def _write_tool(tool: Tool, at: int, schemas: bool, losses: list[Loss]) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        wire["description"] = tool.description
    wire["input_schema"] = _schema(tool)
    if NAME in tool.extensions:
        wire |= {} if tool.strict is None else {"strict": tool.strict}
        return carry(wire, tool.extensions)
    if tool.kind == "custom":
        losses.append(lost_freedom(f"tools[{at}]"))
    if tool.strict and not schemas:
        detail = "the model supports no strict tools"
        losses.append(Loss("tools.strict", f"tools[{at}]", "dropped", detail))
    elif tool.strict:
        described: set[str] = set()
        wire |= {"input_schema": closed_schema(wire["input_schema"], described), "strict": True}
        if described:
            detail = f"described, not enforced: {', '.join(sorted(described))}"
            losses.append(Loss("tools.strict", f"tools[{at}]", "approximated", detail))
    return wire


def _schema(tool: Tool) -> Mapping[str, Any]:
    if tool.kind == "custom":
        return _free_text(tool.input_format or {})
    if NAME in tool.extensions and tool.parameters is not None:
        return tool.parameters
    if not tool.parameters:
        return _NOTHING
    return tool.parameters if "type" in tool.parameters else {"type": "object", **tool.parameters}


def _free_text(form: Mapping[str, Any]) -> Mapping[str, Any]:
    text = {"type": "string"}
    if grammar := form.get("definition"):
        text["description"] = f"Text in this {form.get('syntax')} grammar:\n{grammar}"
    return {"type": "object", "properties": {"input": text}, "required": ["input"]}


def read_choice(wire: Any) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether calls may be parallel; None if not understood."""
    if not isinstance(wire, Mapping):
        return None, None
    single = wire.get("disable_parallel_tool_use")
    parallel = not single if isinstance(single, bool) else None
    kind, name = wire.get("type"), wire.get("name")
    mode = _MODES.get(kind) if isinstance(kind, str) else None
    if mode is None or (kind == "tool" and not isinstance(name, str)):
        return None, parallel
    return ToolChoice(mode, (name,) if kind == "tool" else ()), parallel  # type: ignore[arg-type]


def write_choice(request: ChatRequest, forced: bool, losses: list[Loss]) -> dict[str, Any] | None:
    """The equivalent choice; None for the default.

    `forced` says whether the model can be made to call a tool.
    """
    choice = request.tool_choice
    if not request.tools:
        if choice is not None and choice.mode == "required":
            losses.append(Loss("tool_choice", "tool_choice", "dropped", "there are no tools"))
        return None
    single = request.parallel_tool_calls is False
    if choice is None:
        return {"type": "auto", "disable_parallel_tool_use": True} if single else None
    if choice.mode == "required" and not forced:
        detail = "the model cannot be made to call a tool"
        losses.append(Loss("tool_choice", "tool_choice", "approximated", detail))
        choice = ToolChoice("auto", choice.names)
    wire = _choice(choice, request.tools, losses)
    if single and wire["type"] != "none":
        wire["disable_parallel_tool_use"] = True
    return wire


def _choice(
    choice: ToolChoice, tools: Sequence[Tool | Opaque], losses: list[Loss]
) -> dict[str, Any]:
    if choice.mode == "none":
        return {"type": "none"}
    if choice.mode == "required" and len(choice.names) == 1:
        return {"type": "tool", "name": choice.names[0]}
    others = {tool.name for tool in tools if isinstance(tool, Tool)} - set(choice.names)
    if choice.names and others:
        detail = f"all tools may be called, not only {', '.join(choice.names)}"
        losses.append(Loss("tool_choice.names", "tool_choice.names", "approximated", detail))
    return {"type": "any" if choice.mode == "required" else "auto"}
