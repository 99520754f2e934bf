"""Writes canonical messages as the messages of a chat request."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jackfield.dialects import Loss
from jackfield.fields import carry, own
from jackfield.messages import Message, Opaque, Part, Text, ToolResult

from .chat_assistant import usual_assistant, write_assistant
from .chat_parts import NAME, write_part
from .chat_tools import LEGACY


def write_messages(messages: Sequence[Message], losses: list[Loss]) -> list[dict[str, Any]]:
    """The `messages` of a request; a canonical message with tool results becomes several."""
    usual = [_USUAL.get(message.role, _usual_message)(message) for message in messages]
    if None not in usual:
        return usual  # type: ignore[return-value]
    writer = _Conversation(losses)
    for i, message in enumerate(messages):
        writer.add(message, usual[i], f"messages[{i}]")
    writer.flush()
    return writer.wire


class _Conversation:
    def __init__(self, losses: list[Loss]) -> None:
        self.wire: list[dict[str, Any]] = []
        self.losses = losses
        self._pending: list[Part] = []

    def add(self, message: Message, usual: dict[str, Any] | None, path: str) -> None:
        if usual is None:
            self._add_unusual(message, path)
            return
        if message.role != "tool":
            self.flush()
        self.wire.append(usual)

    def _add_unusual(self, message: Message, path: str) -> None:
        rest: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolResult):
                self.wire.append(self._tool_message(part, path))
            else:
                rest.append(part)
        if rest or not message.parts:
            self.flush()
            self.wire.append(self._message(message, rest, path))

    def flush(self) -> None:
        """Append what tool messages cannot hold, after all of them: they must stay together."""
        if self._pending:
            parts, self._pending = self._pending, []
            content = write_content(parts, "list", "messages", self.losses)
            self.wire.append({"role": "user", "content": content})

    def _message(self, message: Message, parts: Sequence[Part], path: str) -> dict[str, Any]:
        if message.role == "assistant":
            return write_assistant(message, path, self.losses, answer=False)
        shape = own(message.extensions, NAME).get("$content")
        wire: dict[str, Any] = {
            "role": "user" if message.role == "tool" else message.role,
            "content": write_content(parts, shape, path, self.losses),
        }
        if message.name is not None:
            wire["name"] = message.name
        carry(wire, message.extensions, NAME)
        if wire["content"] is None:
            wire["content"] = ""
        return wire

    def _tool_message(self, result: ToolResult, path: str) -> dict[str, Any]:
        kept = own(result.extensions, NAME)
        legacy = kept.get(LEGACY)
        wire: dict[str, Any] = {"role": "function" if legacy else "tool"}
        parts = result.parts if NAME in result.extensions else self._tool_parts(result, path)
        wire["content"] = write_content(parts, kept.get("$content"), path, self.losses)
        if not legacy:
            wire["tool_call_id"] = result.tool_call_id
        if result.name is not None and NAME in result.extensions:
            wire["name"] = result.name
        if result.is_error:
            self.losses.append(Loss("tool_results.is_error", path, "dropped"))
        carry(wire, result.extensions, NAME)
        if wire["content"] is None:
            wire["content"] = ""
        return wire

    def _tool_parts(self, result: ToolResult, path: str) -> tuple[Part, ...]:
        moved = [part for part in result.parts if not isinstance(part, Text | Opaque)]
        if not moved:
            return result.parts
        kinds = ", ".join(sorted({type(part).__name__.lower() for part in moved}))
        detail = f"{kinds} moved to a user message"
        self.losses.append(Loss("tool_results.media", path, "approximated", detail))
        self._pending += moved
        return tuple(part for part in result.parts if isinstance(part, Text | Opaque))


def _usual_message(message: Message) -> dict[str, Any] | None:
    """The message, if it is only a text."""
    if len(message.parts) != 1 or message.name is not None or NAME in message.extensions:
        return None
    text = message.parts[0]
    if type(text) is not Text or NAME in text.extensions:
        return None
    return {"role": message.role, "content": text.text}


def _usual_result(message: Message) -> dict[str, Any] | None:
    """The message, if it is a single text result from another dialect."""
    result = message.parts[0] if len(message.parts) == 1 else None
    if type(result) is not ToolResult or result.is_error or NAME in result.extensions:
        return None
    text = result.parts[0] if len(result.parts) == 1 else None
    if type(text) is not Text or NAME in text.extensions:
        return None
    return {"role": "tool", "content": text.text, "tool_call_id": result.tool_call_id}


_USUAL: Mapping[str, Callable[[Message], dict[str, Any] | None]] = {
    "assistant": usual_assistant,
    "tool": _usual_result,
}
"""The fast writers of messages that are not only a text, by role."""


def write_content(
    parts: Sequence[Part], shape: str | None, path: str, losses: list[Loss]
) -> str | list[dict[str, Any]] | None:
    """The `content` of a message: a string if possible, else an array; None if empty."""
    if len(parts) == 1 and shape != "list":
        alone = parts[0]
        if type(alone) is Text and NAME not in alone.extensions:
            return alone.text
    written = [
        write_part(part, f"{path}.parts[{i}]", losses, "user") for i, part in enumerate(parts)
    ]
    items = [item for item in written if item is not None]
    if shape != "list" and len(items) == 1 and items[0].keys() == {"type", "text"}:
        text: str = items[0]["text"]
        return text
    return items or None
