"""The parts of a conversation that matter for the next answer."""

from collections.abc import Iterable

from attrs import frozen

from jackfield.messages import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

from .instructions import without_instructions
from .tokens import ATTACHMENT, count


@frozen
class ToolOutput:
    """The result of a tool call: the name of the tool, and its text."""

    tool: str
    text: str
    is_error: bool


@frozen
class Conversation:
    """`message` is the text of the user's last message, without instructions to the demo.

    `raw_message` has them. `tool_outputs` are the results of tools since then.
    """

    message: str
    attachments: int
    tool_outputs: tuple[ToolOutput, ...]
    raw_message: str
    input_tokens: int


def read_conversation(request: ChatRequest) -> Conversation:
    """Read a request's messages."""
    of_user = (at for at, message in enumerate(request.messages) if _is_from_user(message))
    last = max(of_user, default=-1)
    parts = request.messages[last].parts if last >= 0 else ()
    text = " ".join(part.text for part in parts if isinstance(part, Text))
    return Conversation(
        message=without_instructions(text),
        attachments=sum(isinstance(part, Image | Audio | Document) for part in parts),
        tool_outputs=tuple(_tool_outputs(request.messages, last + 1)),
        raw_message=text,
        input_tokens=_input_tokens(request),
    )


def _is_from_user(message: Message) -> bool:
    return message.role == "user" and not all(isinstance(p, ToolResult) for p in message.parts)


def _tool_outputs(messages: tuple[Message, ...], start: int) -> Iterable[ToolOutput]:
    names = {
        part.id: part.name
        for message in messages
        for part in message.parts
        if isinstance(part, ToolCall)
    }
    for message in messages[start:]:
        for part in message.parts:
            if isinstance(part, ToolResult):
                name = part.name or names.get(part.tool_call_id, "tool")
                yield ToolOutput(name, _text_of(part.parts), part.is_error)


def _text_of(parts: Iterable[Part]) -> str:
    return " ".join(part.text for part in parts if isinstance(part, Text))


def _input_tokens(request: ChatRequest) -> int:
    messages = sum(_tokens_of(part) for message in request.messages for part in message.parts)
    tools = (tool for tool in request.tools if isinstance(tool, Tool))
    return messages + sum(count(f"{tool.name} {tool.description or ''}") for tool in tools)


def _tokens_of(part: Part) -> int:
    match part:
        case Text() | Reasoning() | Refusal():
            return count(part.text)
        case ToolCall():
            return count(part.name) + count(part.arguments)
        case ToolResult():
            return sum(_tokens_of(inner) for inner in part.parts)
        case Opaque():
            return 0
        case _:
            return ATTACHMENT
