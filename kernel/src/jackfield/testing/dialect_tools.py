"""The law that a substitute for the name of a tool is accepted, and survives rendering."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from jackfield._tool_names import substitute
from jackfield.dialects import Dialect
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

from .dialect_law import DialectLaw, Samples
from .law import LawBrokenError

_NAMES: Final = ("calendar.find/v2", "1st:tool", "mcp__" + "a_server_with_a_long_name__tool" * 3)
_SCHEMA: Final = {"type": "object", "properties": {"city": {"type": "string"}}}


def tool_names_come_back(samples: Samples) -> None:
    """Check a substitute in definitions, the choice of a tool, calls and results."""
    dialect, request = samples.dialect, samples.canonical_request()
    if dialect.canonical != "chat" or not dialect.tool_names:
        return
    for name in _NAMES:
        sent = substitute(name, ())
        if not re.fullmatch(dialect.tool_names, sent):
            what = f"its tool_names do not accept {sent!r}, the substitute for {name!r}"
            raise LawBrokenError(what)
        rendered = _request_with(sent, request.model)
        read = {*_names_in_request(samples, rendered), *_names_in_answer(dialect, rendered)}
        if read - {sent}:
            raise LawBrokenError(f"a tool called {sent!r} comes back as {sorted(read - {sent})}")


def _request_with(name: str, model: str) -> ChatRequest:
    call = ToolCall("call_1", name, '{"city":"Bonn"}')
    result = ToolResult(call.id, (Text("Rain"),), name=name)
    question, answer = Message("user", (Text("Hello"),)), Message("assistant", (call,))
    return ChatRequest(
        model,
        (question, answer, Message("tool", (result,))),
        tools=(Tool(name, "Tells the weather.", _SCHEMA),),
        tool_choice=ToolChoice("required", (name,)),
        max_tokens=9,
    )


def _names_in_request(samples: Samples, rendered: ChatRequest) -> Iterator[str]:
    body = samples.dialect.render_request(rendered).body
    read = samples.dialect.parse_request(msgspec.json.decode(body), samples.params)
    if isinstance(read, ChatRequest):
        yield from (tool.name for tool in read.tools if isinstance(tool, Tool))
        yield from read.tool_choice.names if read.tool_choice else ()
        for message in read.messages:
            yield from _names_in(message)


def _names_in_answer(dialect: Dialect, rendered: ChatRequest) -> Iterator[str]:
    choice = Choice(rendered.messages[1], "tool_calls")
    body = dialect.render_response(ChatResponse("a-1", rendered.model, (choice,)), rendered).body
    read = dialect.parse_response(body)
    if isinstance(read, ChatResponse):
        for one in read.choices:
            yield from _names_in(one.message)


def _names_in(message: Message) -> Iterator[str]:
    for part in message.parts:
        if isinstance(part, ToolCall | ToolResult) and part.name is not None:
            yield part.name


TOOL_NAMES_COME_BACK: Final = DialectLaw(
    "tool-names-come-back",
    "The substitute for a tool's name is accepted, and read as it was rendered.",
    "requests",
    tool_names_come_back,
)
