"""Tools and tool choice."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.messages import ChatRequest, Opaque, Tool, ToolChoice

from .fields import NAME, Fields, carry, own
from .function_parts import CUSTOM_INPUT
from .schema import for_gemini, from_openapi

_MODES: dict[str, Literal["auto", "none", "required"]] = {
    "AUTO": "auto",
    "ANY": "required",
    "NONE": "none",
    "VALIDATED": "auto",
    "MODE_UNSPECIFIED": "auto",
}


def read_tools(wire: Any) -> tuple[Tool | Opaque, ...]:
    """The functions, and all other tools unchanged. Raises InvalidRequest."""
    if wire is None:
        return ()
    if isinstance(wire, dict):
        wire = [wire]
    if not isinstance(wire, list):
        raise InvalidRequest("'tools' must be an array.", param="tools")
    tools: list[Tool | Opaque] = []
    for i, item in enumerate(wire):
        if not isinstance(item, dict):
            raise InvalidRequest(f"'tools[{i}]' must be an object.", param=f"tools[{i}]")
        fields = Fields(item, f"tools[{i}]")
        where = fields.where("functionDeclarations")
        declared = fields.items("functionDeclarations") or ()
        tools += [_read_function(one, f"{where}[{k}]") for k, one in enumerate(declared)]
        tools += [Opaque(NAME, key, {key: value}) for key, value in fields.rest.items()]
    return tuple(tools)


def _read_function(wire: Any, path: str) -> Tool:
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    fields = Fields(wire, path)
    name = fields.text("name")
    if name is None:
        raise fields.wrong("name", "a string")
    description = fields.text("description")
    schema = fields.table("parametersJsonSchema")
    openapi = fields.table("parameters")
    if schema is None and openapi is not None:
        schema = from_openapi(openapi)
    fields.rest.pop("description", None)
    return Tool(name, description, schema, extensions=fields.extensions())


def write_tools(request: ChatRequest, losses: list[Loss]) -> list[dict[str, Any]]:
    """The original `tools`, unless they have changed; all functions are in one entry."""
    raw = own(request.extensions).get("$tools")
    if raw is not None and read_tools(raw) == request.tools:
        return raw if isinstance(raw, list) else [raw]
    wire: list[dict[str, Any]] = []
    functions = _write_functions(request.tools, losses)
    if functions:
        wire.append({"functionDeclarations": functions})
    for i, tool in enumerate(request.tools):
        if isinstance(tool, Opaque):
            if tool.dialect == NAME:
                wire.append(dict(tool.value))
            else:
                losses.append(Loss(f"tools.{tool.kind}", f"tools[{i}]", "dropped"))
    return wire


def _write_functions(tools: Sequence[Tool | Opaque], losses: list[Loss]) -> list[dict[str, Any]]:
    functions = []
    for i, tool in enumerate(tools):
        if not isinstance(tool, Tool):
            continue
        if tool.kind == "custom":
            detail = f"a function whose `{CUSTOM_INPUT}` is the text"
            losses.append(Loss("tools.custom", f"tools[{i}]", "approximated", detail))
            schema = _free_text(tool.input_format or {})
            functions.append(_write_function(replace(tool, parameters=schema)))
        else:
            functions.append(_write_function(tool))
        if tool.strict:
            detail = "a call may not match its schema"
            losses.append(Loss("tools.strict", f"tools[{i}]", "dropped", detail))
    return functions


def _free_text(form: Mapping[str, Any]) -> Mapping[str, Any]:
    text = {"type": "string"}
    if grammar := form.get("definition"):
        text["description"] = f"Text in this {form.get('syntax')} grammar:\n{grammar}"
    return {"type": "object", "properties": {CUSTOM_INPUT: text}, "required": [CUSTOM_INPUT]}


def _write_function(tool: Tool) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": tool.name, "description": tool.description or ""}
    if tool.parameters:
        wire["parametersJsonSchema"] = for_gemini(tool.parameters)
    return carry(wire, tool.extensions)


def read_choice(wire: Any) -> ToolChoice | None:
    """The choice in `toolConfig`; None if there is none."""
    inner = Fields(wire, "toolConfig").inner("functionCallingConfig") if wire else None
    if inner is None:
        return None
    mode = _MODES.get((inner.text("mode") or "AUTO").upper())
    if mode is None:
        raise inner.wrong("mode", "AUTO, ANY, NONE or VALIDATED")
    return ToolChoice(mode, inner.words("allowedFunctionNames"))


def write_tool_config(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    """The original `toolConfig`, unless the choice has changed since."""
    kept = own(request.extensions)
    raw = kept.get("$toolConfig")
    if raw is not None and read_choice(raw) == request.tool_choice:
        return {"toolConfig": raw}
    rest = kept.get("toolConfig") or {}
    if request.parallel_tool_calls is False and request.tools:
        losses.append(Loss("parallel_tool_calls", "parallel_tool_calls", "dropped"))
    choice = request.tool_choice
    if choice is None:
        return {"toolConfig": rest} if rest else {}
    return {"toolConfig": {**rest, "functionCallingConfig": _write_choice(choice)}}


def _write_choice(choice: ToolChoice) -> dict[str, Any]:
    if choice.mode == "none":
        return {"mode": "NONE"}
    if not choice.names:
        return {"mode": "ANY" if choice.mode == "required" else "AUTO"}
    mode = "ANY" if choice.mode == "required" else "VALIDATED"  # AUTO accepts no names
    return {"mode": mode, "allowedFunctionNames": list(choice.names)}
