"""Makes one prompt from a conversation, and reports what does not fit into it."""

from collections.abc import Sequence

from jackfield.dialects import Loss
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

_ROLE_NAMES = {"system": "System", "developer": "System", "assistant": "Assistant"}

# Losing these would change the question.
_BREAKING: dict[type, tuple[str, str]] = {
    Image: ("images", "the native API only takes text"),
    Audio: ("audio", "the native API only takes text"),
    Document: ("documents", "the native API only takes text"),
    ToolCall: ("tool_calls", "the native API has no tools"),
    ToolResult: ("tool_results", "the native API has no tools"),
}


def prompt_of(messages: Sequence[Message], losses: list[Loss]) -> str:
    """Make the prompt: a single user message unchanged, anything longer as a transcript."""
    turns = [
        (message.role, _text_of(message, f"messages[{at}]", losses))
        for at, message in enumerate(messages)
    ]
    if len(turns) == 1 and turns[0][0] == "user":
        return turns[0][1]
    losses.append(Loss("messages", "messages", "approximated", "as a transcript in one prompt"))
    lines = [f"{_ROLE_NAMES.get(role, 'User')}: {text}" for role, text in turns]
    if not turns or turns[-1][0] != "assistant":
        lines.append("Assistant:")
    return "\n\n".join(lines)


def _text_of(message: Message, path: str, losses: list[Loss]) -> str:
    texts = []
    for part in message.parts:
        text = _text_in(part, path, message.role, losses)
        if text is not None:
            texts.append(text)
    return "\n".join(texts)


def _text_in(part: Part, path: str, role: Role, losses: list[Loss]) -> str | None:
    match part:
        case Text(text=text):
            return text
        case Refusal(text=text):
            losses.append(Loss("refusals", path, "approximated", "as text"))
            return text
        case Document(text=str(text)):
            losses.append(Loss("documents.text", path, "approximated", "as text"))
            return text
        case Reasoning():
            losses.append(Loss("reasoning.replay", path, "dropped"))
        case Opaque():
            losses.append(lost_part(part, path, role))
        case _:
            feature, why = _BREAKING[type(part)]
            losses.append(Loss(feature, path, "dropped", why, breaks=True))
    return None
