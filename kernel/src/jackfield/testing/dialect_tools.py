"""The law that names of tools which a dialect does not accept can be replaced, and come back."""

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
    """What takes a name's place is accepted, and read as it was written, in calls too."""
    dialect, request = samples.dialect, samples.canonical_request()
    if dialect.canonical != "chat" or not dialect.tool_names:
        return
    for name in _NAMES:
        sent = substitute(name, ())
        if not re.fullmatch(dialect.tool_names, sent):
            what = f"its tool_names do not accept {sent!r}, which takes the place of {name!r}"
            raise LawBrokenError(what)
        asked = _asked(sent, request.model)
        read = {*_names_in_request(samples, asked), *_names_in_answer(dialect, asked)}
        if read - {sent}:
            raise LawBrokenError(f"a tool called {sent!r} comes back as {sorted(read - {sent})}")


def _asked(name: str, model: str) -> ChatRequest:
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


def _names_in_request(samples: Samples, asked: ChatRequest) -> Iterator[str]:
    body = samples.dialect.render_request(asked).body
    read = samples.dialect.parse_request(msgspec.json.decode(body), samples.params)
    if isinstance(read, ChatRequest):
        yield from (tool.name for tool in read.tools if isinstance(tool, Tool))
        yield from read.tool_choice.names if read.tool_choice else ()
        for message in read.messages:
            yield from _names_in(message)


def _names_in_answer(dialect: Dialect, asked: ChatRequest) -> Iterator[str]:
    choice = Choice(asked.messages[1], "tool_calls")
    body = dialect.render_response(ChatResponse("a-1", asked.model, (choice,)), asked).body
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
    "The name of a tool that is sent in another's place is accepted, and comes back.",
    "requests",
    tool_names_come_back,
)
