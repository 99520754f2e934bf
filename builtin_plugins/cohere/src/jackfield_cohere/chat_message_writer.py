"""Writes canonical messages as the messages of a request."""

from collections.abc import Iterable, Sequence
from typing import Any

from jackfield.dialects import Loss
from jackfield.fields import carry, own
from jackfield.messages import Document, Message, Opaque, Part, Text, ToolResult

from .chat_assistant import write_assistant
from .chat_parts import NAME, write_part
from .documents import DocumentWriter, plain_text


class Conversation:
    """Builds the `messages` and `documents` of a request."""

    def __init__(self, losses: list[Loss]) -> None:
        self.wire: list[dict[str, Any]] = []
        self.documents = DocumentWriter(losses)
        self._losses = losses
        self._pending: list[Part] = []

    def add_all(self, messages: Iterable[Message]) -> None:
        """Write all messages; one with tool results becomes several."""
        for i, message in enumerate(messages):
            self._add(message, f"messages[{i}]")
        self._flush()

    def _add(self, message: Message, path: str) -> None:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        for result in results:
            self.wire.append(self._tool_message(result, path))
        rest = tuple(part for part in message.parts if not isinstance(part, ToolResult))
        if not results or rest:
            self._flush()
            self.wire.append(self._message(message, rest, path))

    def _flush(self) -> None:
        """Append what tool messages cannot hold, after all of them: they must stay together."""
        if self._pending:
            parts, self._pending = self._pending, []
            content = self._content(parts, "list", "messages")
            self.wire.append({"role": "user", "content": content})

    def _message(self, message: Message, parts: tuple[Part, ...], path: str) -> dict[str, Any]:
        if message.name is not None:
            self._losses.append(Loss("messages.name", path, "dropped"))
        if message.role == "assistant":
            return write_assistant(message, path, self._losses, answer=False)
        role = {"developer": "system", "tool": "user"}.get(message.role, message.role)
        shape = own(message.extensions, NAME).get("$content")
        wire: dict[str, Any] = {"role": role}
        content = self._content(parts, shape, path)
        wire.update({"content": content} if content else {})
        carry(wire, message.extensions, NAME)
        wire.setdefault("content", "")
        return wire

    def _content(self, parts: Sequence[Part], shape: str | None, path: str) -> Any:
        written = [self._part(part, f"{path}.parts[{i}]") for i, part in enumerate(parts)]
        items = [item for item in written if item is not None]
        if shape != "list" and len(items) == 1 and items[0].keys() == {"type", "text"}:
            return items[0]["text"]
        return items

    def _part(self, part: Part, path: str) -> dict[str, Any] | None:
        if isinstance(part, Document) and self.documents.add(part, path):
            return None
        return write_part(part, path, self._losses, "user")

    def _tool_message(self, result: ToolResult, path: str) -> dict[str, Any]:
        if result.is_error:
            self._losses.append(Loss("tool_results.is_error", path, "dropped"))
        shape = own(result.extensions, NAME).get("$content")
        parts = [self._tool_part(part, path) for part in result.parts]
        content = self._content([part for part in parts if part is not None], shape, path)
        wire = {"role": "tool", "tool_call_id": result.tool_call_id}
        wire.update({"content": content} if content else {})
        carry(wire, result.extensions, NAME)
        wire.setdefault("content", "")
        return wire

    def _tool_part(self, part: Part, path: str) -> Part | None:
        """The part if a tool message can hold it; any other is put after the message."""
        if isinstance(part, Text | Opaque):
            return part
        text = plain_text(part) if isinstance(part, Document) else None
        if isinstance(part, Document) and text is not None:
            titled = {"title": part.name} if part.name else {}
            document = {"document": {"data": {**titled, "text": text}}}
            return Opaque(NAME, "document", {"type": "document", **document})
        kind = type(part).__name__.lower()
        detail = f"{kind} moved to a user message"
        self._losses.append(Loss("tool_results.media", path, "approximated", detail))
        self._pending.append(part)
        return None
