"""Reads and writes the messages and the system prompt of a Converse request."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, own
from jackfield.messages import Message, Part, Reasoning, Role, ToolResult

from .converse_block_writer import Block, BlockWriter
from .converse_names import NAME
from .converse_parts import read_blocks
from .converse_thoughts import is_proven

_APART = "$apart"
"""The note on a message with the same role as the one before, so that they are not joined."""

_INLINE = "$inline"
"""The note on a system message in mid-conversation."""


def read_system(fields: Fields) -> tuple[Message, ...]:
    """The system prompt; empty blocks stay in place."""
    blocks = fields.rest.get("system")
    if blocks in (None, []):
        return ()
    parts = read_blocks(fields.rest.pop("system"), fields.where("system"), strict=True)
    return (Message("system", tuple(parts)),)


def read_messages(wire: Any, path: str) -> tuple[Message, ...]:
    """The messages. Tool results are split off from the user's messages."""
    if not isinstance(wire, list) or not wire:
        raise InvalidRequest(f"'{path}' must be an array of at least one message.", param=path)
    messages: list[Message] = []
    before = None
    for i, item in enumerate(wire):
        where = f"{path}[{i}]"
        if not isinstance(item, dict):
            raise InvalidRequest(f"'{where}' must be an object.", param=where)
        fields = Fields(item, where)
        role = fields.rest.pop("role", None)
        if role not in ("user", "assistant", "system"):
            raise fields.wrong("role", "one of user, assistant")
        parts = read_blocks(fields.rest.pop("content", None), f"{where}.content", strict=True)
        if role == "user" and not parts:
            raise fields.wrong("content", "an array of blocks, and not empty")
        note = {**fields.rest, **({_APART: True} if role == before else {})}
        if role == "system":
            note[_INLINE] = True
        messages += _parted(role, parts, note)
        before = role
    return tuple(messages)


def _parted(role: Role, parts: Sequence[Part], note: dict[str, Any]) -> list[Message]:
    """The message, split if tool results accompany a user's text."""
    runs: list[tuple[Role, list[Part]]] = []
    for part in parts:
        says: Role = "tool" if isinstance(part, ToolResult) and role == "user" else role
        if not runs or runs[-1][0] != says:
            runs.append((says, []))
        runs[-1][1].append(part)
    if not runs:
        runs.append((role, []))
    messages = [Message(says, tuple(run)) for says, run in runs]
    if note:
        messages[0] = Message(runs[0][0], tuple(runs[0][1]), extensions={NAME: note})
    return messages


def write_messages(
    messages: Iterable[Message], writer: BlockWriter
) -> tuple[list[Block], list[Block]]:
    """The system prompt and the messages; consecutive ones of one role are joined."""
    conversation = _Conversation(writer)
    for i, message in enumerate(messages):
        conversation.add(message, f"messages[{i}]")
    if not writer.is_own:
        conversation.fill()
    return conversation.system, conversation.wire


def lacks_thoughts(messages: Sequence[Message]) -> bool:
    """Whether the latest tool results follow calls without a thought proven to be Claude's.

    With thinking on, Claude requires the thoughts that led to the calls.
    """
    if not messages or messages[-1].role != "tool":
        return False
    last = next((m for m in reversed(messages) if m.role == "assistant"), None)
    return last is not None and not any(
        isinstance(part, Reasoning) and is_proven(part) for part in last.parts
    )


class _Conversation:
    def __init__(self, writer: BlockWriter) -> None:
        self.system: list[Block] = []
        self.wire: list[Block] = []
        self._writer = writer

    def fill(self) -> None:
        """Add what Bedrock requires in every conversation."""
        if not self.wire and self.system:
            self._lose("messages.system", "messages[0]", "sent as the user's only message")
            self.wire, self.system = [{"role": "user", "content": self.system}], []
        if not self.wire and not self._is_broken():
            detail = "all messages are empty"
            empty = Loss("messages.empty", "messages", "dropped", detail, breaks=True)
            self._writer.losses.append(empty)
        if self.wire and self.wire[0]["role"] == "assistant":
            self._lose("messages.order", "messages[0]", "a user's '.' before it")
            self.wire.insert(0, {"role": "user", "content": [{"text": "."}]})
        for i, message in enumerate(self.wire):
            if not message["content"] and not self._is_broken():
                self._lose("messages.empty", f"messages[{i}]", "a '.' in an empty message")
                message["content"].append({"text": "."})
            kinds = {kind for block in message["content"] for kind in block}
            if "document" in kinds and "text" not in kinds:
                self._lose("documents", f"messages[{i}]", "a '.' beside it")
                message["content"].append({"text": "."})

    def _is_broken(self) -> bool:
        """Whether a loss already prevents the request from being sent."""
        return any(loss.breaks for loss in self._writer.losses)

    def _lose(
        self,
        feature: str,
        path: str,
        detail: str,
        how: Literal["dropped", "approximated"] = "approximated",
    ) -> None:
        self._writer.losses.append(Loss(feature, path, how, detail))

    def add(self, message: Message, path: str) -> None:
        kept = own(message.extensions, NAME)
        blocks = self._writer.write(message.parts, path, message.role)
        inline = bool(kept.get(_INLINE))
        if message.name is not None:
            self._lose("messages.name", path, "Bedrock's speakers have none", "dropped")
        if message.role in ("system", "developer") and not inline:
            if self.wire:
                self._lose("messages.system", path, "moved to the start")
            self.system += blocks
            return
        role = {"tool": "user", "developer": "system"}.get(message.role, message.role)
        same = bool(self.wire) and self.wire[-1]["role"] == role
        if same and _APART not in kept:
            self.wire[-1]["content"] += blocks
        elif blocks or message.role != "assistant" or kept:
            rest = {key: value for key, value in kept.items() if not key.startswith("$")}
            self.wire.append({"role": role, "content": blocks, **rest})
