"""Writes canonical parts as content blocks of Messages."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from jackfield.dialects import Loss
from jackfield.losses import lost_part
from jackfield.messages import (
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)

from .fields import NAME, UNREADABLE, carry, own
from .messages_citations import lost_span, write_citation
from .messages_reasoning import replayed, write_reasoning
from .messages_sources import write_media
from .messages_usual_turns import Block, is_plain, usual_blocks

_decode = msgspec.json.Decoder().decode
_NOT_IN_IDS: Final = re.compile(r"[^a-zA-Z0-9_-]")


def write_text(text: Text, path: str, losses: list[Loss], *, answer: bool = False) -> Block:
    """A text block with its citations; a request cannot repeat other vendors' citations."""
    wire: Block = {"type": "text", "text": text.text}
    if not text.citations:
        return carry(wire, text.extensions)
    cited = [
        written
        for citation in text.citations
        if answer or NAME in citation.extensions
        if (written := write_citation(citation)) is not None
    ]
    if len(cited) < len(text.citations):
        losses.append(Loss("citations", path, "dropped"))
    if cited:
        wire["citations"] = cited
        losses += lost_span(text.citations, path, len(text.text))
    return carry(wire, text.extensions)


def write_call(call: ToolCall, path: str, losses: list[Loss], identity: str) -> Block:
    """A `tool_use` block."""
    wire = {
        "type": "tool_use",
        "id": identity,
        "name": call.name,
        "input": _input(call, path, losses),
    }
    return carry(wire, call.extensions)


def _input(call: ToolCall, path: str, losses: list[Loss]) -> Any:
    if call.kind == "custom":
        losses.append(lost_freedom(path))
        return {"input": call.arguments}
    if not call.arguments.strip():
        return {}
    try:
        value = _decode(call.arguments)
    except UNREADABLE:
        value = None
    if isinstance(value, dict):
        return value
    losses.append(Loss("tools.arguments", path, "approximated", "they are not a JSON object"))
    return {"input": call.arguments}


def lost_freedom(path: str) -> Loss:
    """The loss of the form of a custom tool's input, which is free text elsewhere."""
    detail = "its text becomes the member 'input' of a JSON object"
    return Loss("tools.custom", path, "approximated", detail)


def write_refusal(refusal: Refusal, path: str, losses: list[Loss]) -> Block:
    """A refusal, which is a text here; the stop reason marks the answer as refused."""
    losses.append(Loss("refusals", path, "approximated", "as text"))
    return {"type": "text", "text": refusal.text}


class BlockWriter:
    """Writes the parts of a request's messages.

    `role` is whose parts they are: losing parts of anyone but the model breaks the request.
    """

    def __init__(self, losses: list[Loss]) -> None:
        self.losses = losses
        self.role: Role = "user"

    def write(self, part: Part, path: str) -> Block | None:
        """One block; None, with a loss, if there is none for the part."""
        match part:
            case Text():
                return write_text(part, path, self.losses)
            case ToolCall():
                return write_call(part, path, self.losses, legal_id(part.id))
            case ToolResult():
                return self._result(part, path)
            case Image() | Document() if self.role != "assistant" or NAME in part.extensions:
                return write_media(part, path, self.losses)
            case Opaque() if part.dialect == NAME:
                return dict(part.value)
            case _:
                return self._other(part, path)

    def _other(self, part: Part, path: str) -> Block | None:
        match part:
            case Reasoning() if (thought := replayed(part)) is not None:
                return write_reasoning(thought)
            case Reasoning():
                if part.text or part.encrypted:
                    self.losses.append(Loss("reasoning.replay", path, "dropped"))
            case Refusal():
                return write_refusal(part, path, self.losses)
            case Audio():
                return self._audio(part, path)
            case _:
                self.losses.append(lost_part(part, path, self.role))
        return None

    def _audio(self, audio: Audio, path: str) -> Block | None:
        if audio.transcript:
            self.losses.append(Loss("audio", path, "approximated", "as its transcript"))
            return {"type": "text", "text": audio.transcript}
        detail = "Anthropic's models hear nothing"
        self.losses.append(lost_part(audio, path, self.role, detail))
        return None

    def _result(self, result: ToolResult, path: str) -> Block:
        wire: Block = {"type": "tool_result", "tool_use_id": legal_id(result.tool_call_id)}
        shape = own(result.extensions).get("$content")
        content = self.content(result.parts, f"{path}.parts", shape)
        if content or shape:
            wire["content"] = content
        if result.is_error:
            wire["is_error"] = True
        return carry(wire, result.extensions)

    def content(self, parts: Sequence[Part], path: str, shape: str | None) -> str | list[Block]:
        """Content in its original form; another dialect's single text becomes a string."""
        if len(parts) == 1 and shape != "list":
            alone = parts[0]
            if is_plain(alone) and alone.text and not alone.text.isspace():
                return alone.text
        blocks = self.blocks(parts, path, blank=shape is not None)
        if shape == "text" and not blocks:
            return ""
        text = sole_text(blocks) if shape != "list" else None
        return blocks if text is None else text

    def blocks(self, parts: Sequence[Part], path: str, *, blank: bool) -> list[Block]:
        """The blocks of several parts; a blank text, which Anthropic refuses, only if original."""
        usual = usual_blocks(parts)
        if usual is not None:
            return usual
        found: list[Block] = []
        for i, part in enumerate(parts):
            block = self.write(part, f"{path}[{i}]")
            if block is None:
                continue
            if blank or block["type"] != "text" or not _is_blank(block["text"]):
                found.append(block)
            elif found and found[-1]["type"] == "text":
                found[-1]["text"] += block["text"]
        return found


def _is_blank(text: str) -> bool:
    return not text or text.isspace()


def sole_text(blocks: list[Block]) -> str | None:
    """The text of content that consists of a single text."""
    if len(blocks) != 1 or len(blocks[0]) != 2 or blocks[0]["type"] != "text":
        return None
    text: str = blocks[0]["text"]
    return text


def legal_id(identity: str) -> str:
    """A deterministic id with only characters that Anthropic allows."""
    if _NOT_IN_IDS.search(identity) is None:
        return identity or "toolu"
    return _NOT_IN_IDS.sub(lambda found: f"-{ord(found[0]):x}-", identity)
