"""What matters of a request, in terms that are the same for every dialect."""

from collections.abc import Iterator
from typing import Any

from jackfield.messages import (
    ChatRequest,
    Document,
    Image,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

from .answer import arguments_of

_NEUTRAL = {
    "top_p": 1,
    "n": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logprobs": False,
    "service_tier": "default",
}
"""Settings, each with the value that says no more than leaving it out."""

_PLAIN = ("temperature", "top_k", "seed", "stop", "user", "metadata", "logit_bias")


def facts(request: ChatRequest) -> dict[str, Any]:
    """The turns by role, the tools and the settings."""
    form = request.response_format
    settings = {name: getattr(request, name) for name in (*_PLAIN, *_NEUTRAL)}
    return {
        "turns": list(_turns(request)),
        "tools": _of_tools(request),
        "tool_choice": _of_choice(request),
        "response_format": form.kind if form is not None and form.kind != "text" else None,
        **{
            name: None if _NEUTRAL.get(name) == value else value for name, value in settings.items()
        },
    }


def _turns(request: ChatRequest) -> Iterator[Any]:
    """The turns in their order; texts that follow each other are one."""
    role, words = "", ""
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, Text) and not part.text.strip():
                continue
            if isinstance(part, Text) and (words == "" or _role(message.role) == role):
                role, words = _role(message.role), words + "".join(part.text.split())
                continue
            if words:
                yield role, words
                role, words = "", ""
            if isinstance(part, Text):
                role, words = _role(message.role), "".join(part.text.split())
            else:
                yield from _of_part(part)
    if words:
        yield role, words


def _role(role: str) -> str:
    """Not every dialect tells a developer from the system, or what comes with a tool's result."""
    return {"developer": "system", "tool": "user"}.get(role, role)


def _of_part(part: Any) -> Iterator[Any]:
    match part:
        case Image() | Document():
            yield ("media",)
        case ToolCall(name=name, arguments=arguments):
            yield "call", name, arguments_of(arguments)
        case ToolResult():
            yield ("result",)


def _of_tools(request: ChatRequest) -> list[tuple[str, str, list[str]]]:
    """The tools that may be called."""
    choice = request.tool_choice
    if choice is not None and choice.mode == "none":
        return []
    tools = [tool for tool in request.tools if isinstance(tool, Tool)]
    names = choice.names if choice is not None else ()
    return [_of_tool(tool) for tool in tools if not names or tool.name in names]


def _of_tool(tool: Tool) -> tuple[str, str, list[str]]:
    properties = (tool.parameters or {}).get("properties") or {}
    return tool.name, tool.description or "", sorted(properties)


def _of_choice(request: ChatRequest) -> bool:
    """Whether one of the tools must be called that may be called."""
    return request.tool_choice is not None and request.tool_choice.mode == "required"
