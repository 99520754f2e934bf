"""Writes canonical messages as the system prompt and the messages of a Messages request.

What other dialects allow and Anthropic refuses is adapted, and reported if that changes the
meaning: consecutive turns of one role are joined, tool results come first in their turn,
instructions in mid-conversation become user messages, blank texts are left out.
"""

from collections.abc import Sequence
from typing import Any

from jackfield.dialects import Loss
from jackfield.messages import ChatRequest, Message

from .fields import CONTENT, NAME, carry
from .messages_block_writer import BlockWriter, sole_text
from .messages_conversation import JOINED, SYSTEM
from .messages_usual_turns import Block, usual_blocks, usual_conversation

_INSTRUCTIONS = ("system", "developer")
_ROLES = {"assistant": "assistant", "user": "user", "tool": "user"}


def write_conversation(request: ChatRequest, wire: dict[str, Any], losses: list[Loss]) -> None:
    """Write the members `system` and `messages`."""
    messages = request.messages
    usual = usual_conversation(messages)
    if usual is not None:
        wire.update(usual)
        return
    writer = BlockWriter(losses)
    begin = _leading(messages)
    system = _write_system(messages[:begin], writer)
    if system is not None:
        wire["system"] = system
    turns = _Turns(writer)
    for i, message in enumerate(messages[begin:], begin):
        turns.add(message, i)
    if NAME not in request.extensions or not all(NAME in m.extensions for m in messages):
        _make_valid(wire, turns.wire, losses)
    wire["messages"] = [_shortened(turn) for turn in turns.wire]


def _leading(messages: Sequence[Message]) -> int:
    """Number of messages that make up the system prompt."""
    for i, message in enumerate(messages):
        if message.role not in _INSTRUCTIONS:
            return i
        own = message.extensions.get(NAME)
        if own and SYSTEM not in own:
            return i
    return len(messages)


def _write_system(messages: Sequence[Message], writer: BlockWriter) -> str | list[Block] | None:
    if not messages:
        return None
    for i, message in enumerate(messages):
        if message.name is not None:
            writer.losses.append(_lost_name(i))
    if len(messages) == 1:
        message = messages[0]
        own = message.extensions.get(NAME)
        shape = None if own is None else own.get(CONTENT)
        content = writer.content(message.parts, "messages[0].parts", shape)
        return content if content or shape else None
    blocks = [
        block
        for i, message in enumerate(messages)
        for block in writer.blocks(message.parts, f"messages[{i}].parts", blank=False)
    ]
    return blocks or None


def _lost_name(at: int) -> Loss:
    return Loss("message.name", f"messages[{at}].name", "dropped")


class _Turns:
    def __init__(self, writer: BlockWriter) -> None:
        self.wire: list[dict[str, Any]] = []
        self._writer = writer

    def add(self, message: Message, at: int) -> None:
        speaker = self._writer.role = message.role
        own = message.extensions.get(NAME)
        if own is not None:
            self._add_own(message, at, own)
            return
        if message.name is not None and speaker != "tool":
            self._writer.losses.append(_lost_name(at))
        blocks = usual_blocks(message.parts)
        if blocks is None:
            blocks = self._writer.blocks(message.parts, f"messages[{at}].parts", blank=False)
        if speaker in _INSTRUCTIONS:
            detail = "in mid-conversation, sent as the user's"
            loss = Loss("messages.system", f"messages[{at}]", "approximated", detail)
            self._writer.losses.append(loss)
            blocks = [_as_instruction(block) for block in blocks]
        role = _ROLES.get(speaker, "user")
        if not self.wire or self.wire[-1]["role"] != role:
            if blocks:
                self.wire.append({"role": role, "content": blocks, CONTENT: None})
        else:
            self._join(blocks)

    def _add_own(self, message: Message, at: int, own: Any) -> None:
        role = _ROLES.get(message.role, "system")
        blocks = self._writer.blocks(message.parts, f"messages[{at}].parts", blank=True)
        if JOINED in own and self.wire and self.wire[-1]["role"] == role:
            self.wire[-1]["content"] += blocks
            return
        turn: dict[str, Any] = {"role": role, "content": blocks, CONTENT: own.get(CONTENT)}
        self.wire.append(carry(turn, message.extensions))

    def _join(self, blocks: list[Block]) -> None:
        content = self.wire[-1]["content"] + blocks
        # The sort is stable, so that results come first and everything else keeps its order.
        content.sort(key=lambda block: block["type"] != "tool_result")
        self.wire[-1]["content"] = content


def _as_instruction(block: Block) -> Block:
    if block["type"] != "text":
        return block
    return {**block, "text": f"<system>\n{block['text']}\n</system>"}


def _make_valid(wire: dict[str, Any], turns: list[dict[str, Any]], losses: list[Loss]) -> None:
    if not turns and "system" in wire:
        content = wire.pop("system")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        turns.append({"role": "user", "content": blocks, CONTENT: None})
        detail = "sent as the user's, as there is no other message"
        losses.append(Loss("messages.system", "messages[0]", "approximated", detail))
    if not turns:
        if not any(loss.breaks for loss in losses):
            detail = "all messages are empty"
            losses.append(Loss("messages.empty", "messages", "dropped", detail, breaks=True))
        return
    if turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": [{"type": "text", "text": "."}], CONTENT: None})
        detail = "a user's '.' before the conversation"
        losses.append(Loss("messages.order", "messages[0]", "approximated", detail))
    content = turns[-1]["content"]
    if turns[-1]["role"] == "assistant" and content and content[-1]["type"] == "text":
        content[-1]["text"] = content[-1]["text"].rstrip()


def _shortened(turn: dict[str, Any]) -> dict[str, Any]:
    shape, content = turn.pop(CONTENT), turn["content"]
    if shape is None and not content:
        del turn["content"]
        return turn
    text = "" if shape == "text" and not content else None
    if shape != "list" and text is None:
        text = sole_text(content)
    if text is not None:
        turn["content"] = text
    return turn
