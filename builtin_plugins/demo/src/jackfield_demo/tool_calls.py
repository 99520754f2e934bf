"""Which tools a message asks for, and with which arguments."""

import json
import re
from collections.abc import Sequence

from jackfield.errors import InvalidRequest
from jackfield.messages import ChatRequest, Tool, ToolCall

from .hints import Hints
from .schemas import instance

_WORDS = re.compile(r"[a-z0-9]+")


def calls_for(request: ChatRequest, message: str) -> list[ToolCall]:
    """The calls that answer what was asked; ids are left to the caller."""
    hints = Hints(message)
    return [_call(tool, message, hints) for tool in _chosen(request, message)]


def _chosen(request: ChatRequest, message: str) -> Sequence[Tool]:
    choice = request.tool_choice
    tools = [tool for tool in request.tools if isinstance(tool, Tool)]
    if choice is not None and choice.names:
        tools = [tool for tool in tools if tool.name in choice.names]
    if not tools or (choice is not None and choice.mode == "none"):
        return ()
    named = [tool for tool in tools if _is_named(tool.name, message)]
    if not named and choice is not None and choice.mode == "required":
        named = tools[:1]
    return named[:1] if request.parallel_tool_calls is False else named


def _is_named(name: str, message: str) -> bool:
    """Whether the text contains the name, or a word of it that is longer than three letters."""
    text = message.casefold()
    if name.casefold() in text:
        return True
    words = set(_WORDS.findall(text))
    parts = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).casefold()
    return any(len(part) > 3 and part in words for part in _WORDS.findall(parts))


def _call(tool: Tool, message: str, hints: Hints) -> ToolCall:
    if tool.kind == "custom":
        return ToolCall("", tool.name, message, kind="custom")
    try:
        arguments = instance(tool.parameters or {"type": "object"}, hints)
    except ValueError as error:
        raise InvalidRequest(
            f"The parameters of the tool {tool.name!r} cannot be filled in: {error}.", param="tools"
        ) from error
    return ToolCall("", tool.name, json.dumps(arguments, ensure_ascii=False))
