"""Conversations for models that only continue a text."""

from collections.abc import Sequence

from jackfield.dialects import Loss
from jackfield.messages import Message, Text, ToolCall


def prompt_of(messages: Sequence[Message], losses: list[Loss], model: str) -> str:
    """A conversation as one text: a single message as it is, others under their speakers' names.

    `model` is the name under which the model speaks, which the text ends with.
    """
    texts = [said(message, f"messages[{i}]", losses) for i, message in enumerate(messages)]
    if len(messages) == 1:
        return texts[0]
    names = {"user": "User: ", "tool": "User: ", "assistant": model}
    spoken = zip(messages, texts, strict=True)
    lines = [names.get(message.role, "") + text for message, text in spoken]
    return "\n".join([*lines, model.rstrip()])


def said(message: Message, path: str, losses: list[Loss]) -> str:
    """The text of a message; what is no text is lost, and of a user's words breaks the question."""
    texts = []
    for part in message.parts:
        if isinstance(part, Text):
            texts.append(part.text)
            continue
        breaks = message.role in ("user", "tool") and not isinstance(part, ToolCall)
        kind = type(part).__name__.lower()
        losses.append(Loss(f"messages.{kind}", path, "dropped", breaks=breaks))
    return "".join(texts)
