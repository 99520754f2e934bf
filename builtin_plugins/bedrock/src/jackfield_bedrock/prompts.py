"""Prompts for models that only continue a text."""

from collections.abc import Mapping, Sequence

from jackfield.dialects import Loss
from jackfield.events import (
    AudioDelta,
    CitationAdded,
    PartAdded,
    ReasoningDelta,
    StreamEvent,
    ToolCallDelta,
    ToolCallStarted,
)
from jackfield.losses import lost_part
from jackfield.messages import (
    Audio,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)

_PARTS: Mapping[type, str] = {
    Image: "images",
    Audio: "audio",
    Document: "documents",
    Reasoning: "reasoning",
    ToolCall: "tool_calls",
    ToolResult: "tool_results",
}
_EVENTS: Mapping[type, str] = {
    AudioDelta: "audio",
    CitationAdded: "citations",
    ReasoningDelta: "reasoning",
    ToolCallStarted: "tool_calls",
    ToolCallDelta: "tool_calls",
}


def prompt_of(messages: Sequence[Message], losses: list[Loss], model: str) -> str:
    """A conversation as one text; several messages are prefixed with their speakers' names.

    `model` is the model's name as a speaker, with which the text ends.
    """
    texts = [text_of(message, f"messages[{i}]", losses) for i, message in enumerate(messages)]
    if len(messages) == 1:
        return texts[0]
    names = {"user": "User: ", "tool": "User: ", "assistant": model}
    pairs = zip(messages, texts, strict=True)
    lines = [names.get(message.role, "") + text for message, text in pairs]
    return "\n".join([*lines, model.rstrip()])


def text_of(message: Message, path: str, losses: list[Loss]) -> str:
    """The text of a message; other parts are lost, and break the request if a user sent them."""
    texts = []
    for part in message.parts:
        if isinstance(part, Text):
            texts.append(part.text)
            if part.citations:
                losses.append(Loss("citations", path, "dropped"))
        elif isinstance(part, Refusal):
            texts.append(part.text)
            losses.append(Loss("refusals", path, "approximated", "as text"))
        else:
            losses.append(_lost(part, path, message.role))
    return "".join(texts)


def feature_in(event: StreamEvent) -> str:
    """The feature lost when an event of a streamed answer is not text."""
    if getattr(event, "choice", 0):
        return "n"
    if isinstance(event, PartAdded):
        return _lost(event.value, "", "assistant").feature
    return _EVENTS[type(event)]


def _lost(part: Part, path: str, role: Role) -> Loss:
    if isinstance(part, Opaque):
        return lost_part(part, path, role)
    return Loss(_PARTS[type(part)], path, "dropped", breaks=role != "assistant")
