"""Tools and tool choice in a Responses request."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields
from jackfield.messages import Opaque, Tool, ToolChoice

from .responses_content import JSON, NAME, own, rest
from .responses_namespaces import called, is_namespace, known_name, put, take_apart
from .responses_shapes import ToolShape, check

_MODES = frozenset({"auto", "none", "required"})


def parse_tools(tools: Any) -> tuple[Tool | Opaque, ...]:
    """The tools; those that the provider runs itself are kept unchanged."""
    if tools is None:
        return ()
    if not isinstance(tools, list):
        raise InvalidRequest("tools must be an array.", param="tools")
    found: list[Tool | Opaque] = []
    for index, tool in enumerate(tools):
        path = f"tools[{index}]"
        if not isinstance(tool, dict) or not isinstance(tool.get("type"), str):
            raise InvalidRequest(f"{path} must be an object with a type.", param=path)
        if tool["type"] in ("function", "custom"):
            found.append(_parse_tool(tool, path))
        elif is_namespace(tool):
            found += take_apart(tool, path, _parse_tool)
        else:
            found.append(Opaque(NAME, tool["type"], tool))
    return tuple(found)


def _parse_tool(tool: JSON, path: str) -> Tool:
    check(tool, ToolShape, path)
    if tool["type"] == "custom":
        return Tool(
            tool["name"],
            tool.get("description"),
            kind="custom",
            extensions={NAME: rest(tool, "type", "name", "description", "format")},
            input_format=tool.get("format"),
        )
    return Tool(
        tool["name"],
        tool.get("description"),
        tool.get("parameters"),
        tool.get("strict"),
        extensions={NAME: rest(tool, "type", "name", "description", "parameters", "strict")},
    )


def render_tools(tools: Iterable[Tool | Opaque], losses: list[Loss]) -> list[JSON]:
    """The tools that this dialect can express."""
    rendered: list[JSON] = []
    for index, tool in enumerate(tools):
        if isinstance(tool, Tool):
            put(_render_tool(tool), tool, rendered)
        elif tool.dialect == NAME:
            rendered.append(tool.value)
        else:
            losses.append(Loss(f"tools.{tool.kind}", f"tools[{index}]", "dropped"))
    return rendered


def _render_tool(tool: Tool) -> JSON:
    body: JSON = {"type": tool.kind, "name": tool.name}
    kept = {key: value for key, value in own(tool.extensions).items() if key[:1] != "$"}
    if tool.description is not None:
        body["description"] = tool.description
    if tool.kind == "custom":
        form = {} if tool.input_format is None else {"format": tool.input_format}
        return body | form | kept
    body["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    if tool.strict is not None or NAME not in tool.extensions:
        # The default of `strict` is true here and false in every other dialect.
        body["strict"] = bool(tool.strict)
    return body | kept


def take_tool_choice(members: JSON, tools: Iterable[Tool | Opaque]) -> ToolChoice | None:
    """The choice; one without a canonical form, such as a built-in tool, is left in `members`."""
    found = _parse_tool_choice(members.get("tool_choice"))
    if found is None:
        return None
    del members["tool_choice"]
    return replace(found, names=tuple([known_name(name, tools) for name in found.names]))


def _parse_tool_choice(choice: Any) -> ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str) and choice in _MODES:
        return ToolChoice(choice)  # type: ignore[arg-type]
    if not isinstance(choice, dict):
        raise InvalidRequest(
            "tool_choice must be auto, none, required or an object.", param="tool_choice"
        )
    fields = Fields(choice, "tool_choice")
    kind = fields.needed_text("type")
    if kind in ("function", "custom"):
        return ToolChoice("required", (fields.needed_text("name"),))
    if kind == "allowed_tools":
        listed = choice.get("tools")
        tools = (
            [tool for tool in listed if isinstance(tool, dict)] if isinstance(listed, list) else []
        )
        names = tuple(tool["name"] for tool in tools if isinstance(tool.get("name"), str))
        if not names:
            return None  # those that the provider runs itself
        mode = "required" if choice.get("mode") == "required" else "auto"
        return ToolChoice(mode, names, {NAME: {"$choice": choice}})  # type: ignore[arg-type]
    return None


def render_tool_choice(choice: ToolChoice, tools: Iterable[Tool | Opaque]) -> str | JSON:
    """The choice; several names, or an optional one, become `allowed_tools`."""
    extra = own(choice.extensions)
    if "$choice" in extra:
        return dict(extra["$choice"])
    if not choice.names:
        return choice.mode
    kinds = {tool.name: tool.kind for tool in tools if isinstance(tool, Tool)}
    named = [
        {"type": kinds.get(name, "function"), "name": called(name, {}, tools)["name"]}
        for name in choice.names
    ]
    if choice.mode == "required" and len(named) == 1:
        return named[0]
    if choice.mode == "none":
        return "none"
    return {"type": "allowed_tools", "mode": choice.mode, "tools": named}
