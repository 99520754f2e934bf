"""Writes canonical messages in Ollama's form."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.fields import carry, own
from jackfield.losses import lost_part
from jackfield.messages import (
    Audio,
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)

from .documents import document_text
from .images import write_images
from .tools import MADE_ID, NAME, write_calls

_ROLES = {"developer": "system"}


def write_messages(messages: Iterable[Message], losses: list[Loss]) -> list[dict[str, Any]]:
    """The `messages` of a request; each tool result is a message of its own."""
    names: dict[str, str] = {}
    wire = []
    for i, message in enumerate(messages):
        path = f"messages[{i}]"
        names |= {part.id: part.name for part in message.parts if isinstance(part, ToolCall)}
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        wire += [_write_result(result, names, path, losses) for result in results]
        rest = tuple(part for part in message.parts if not isinstance(part, ToolResult))
        if rest or not results:
            wire.append(_write_message(replace(message, parts=rest), path, losses))
    return wire


def _write_message(message: Message, path: str, losses: list[Loss]) -> dict[str, Any]:
    role = "user" if message.role == "tool" else _ROLES.get(message.role, message.role)
    if message.name is not None:
        losses.append(Loss("messages.name", path, "dropped"))
    given = own(message.extensions, NAME).get("$role")
    between = "" if role == "assistant" else "\n\n"
    content = write_parts(message.parts, path, losses, message.role, between=between)
    wire = {"role": given or role, **content}
    return carry(wire, message.extensions, NAME)


def write_parts(
    parts: Sequence[Part],
    path: str,
    losses: list[Loss],
    role: Role = "assistant",
    *,
    between: str | None = None,
) -> dict[str, Any]:
    """The members of a message of `role`; `between` separates an earlier turn's texts.

    Without `between` the message is an answer, where the loss of a thought's proof is reported.
    """
    writer = _Parts(path, losses, role, is_answer=between is None)
    for part in parts:
        writer.add(part)
    wire: dict[str, Any] = {"content": (between or "").join(writer.texts)}
    if writer.thoughts:
        wire["thinking"] = "\n\n".join(writer.thoughts)
    images = write_images(writer.images, path, losses)
    if images:
        wire["images"] = images
    if writer.calls:
        wire["tool_calls"] = write_calls(writer.calls, path, losses)
    return wire


class _Parts:
    """The parts of one message, sorted by destination."""

    def __init__(self, path: str, losses: list[Loss], role: Role, *, is_answer: bool) -> None:
        self.path = path
        self.role = role
        self.losses = losses
        self.is_answer = is_answer
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.images: list[Image] = []
        self.calls: list[ToolCall] = []

    def add(self, part: Part) -> None:
        match part:
            case Text():
                self.texts.append(part.text)
                if part.citations:
                    self.losses.append(Loss("citations", self.path, "dropped"))
            case Reasoning():
                self._reasoning(part)
            case Image():
                self.images.append(part)
            case ToolCall():
                self.calls.append(part)
            case _:
                self._other(part)

    def _reasoning(self, part: Reasoning) -> None:
        if part.text:
            self.thoughts.append(part.text)
        if self.is_answer:
            self.losses += proof_losses(part.signature, part.encrypted, self.path)
        elif part.encrypted and not part.text:
            self.losses.append(Loss("reasoning.replay", self.path, "dropped"))

    def _other(self, part: Part) -> None:
        match part:
            case Refusal():
                self.texts.append(part.text)
                self.losses.append(Loss("refusals", self.path, "approximated", "as plain text"))
            case Document():
                text = document_text(part, self.path, self.losses)
                if text is not None:
                    self.texts.append(text)
            case Audio(transcript=str(transcript)) if transcript:
                self.texts.append(transcript)
                detail = "its transcript as text"
                self.losses.append(Loss("audio", self.path, "approximated", detail))
            case Audio():
                detail = "Ollama's chat has no audio"
                self.losses.append(lost_part(part, self.path, self.role, detail))
            case _:
                self.losses.append(lost_part(part, self.path, self.role))


def proof_losses(signature: str | None, encrypted: str | None, path: str) -> list[Loss]:
    """The losses of a thought's proofs, as clients would not return them."""
    losses = []
    if signature:
        losses.append(Loss("reasoning.signature", path, "dropped"))
    if encrypted:
        losses.append(Loss("reasoning.encrypted", path, "dropped"))
    return losses


def _write_result(
    result: ToolResult, names: dict[str, str], path: str, losses: list[Loss]
) -> dict[str, Any]:
    kept = own(result.extensions, NAME)
    wire = {"role": "tool", **write_parts(result.parts, path, losses, "tool", between="\n\n")}
    name = result.name
    if name is None and NAME not in result.extensions:
        name = names.get(result.tool_call_id)
    if name is not None:
        wire["tool_name"] = name
    if MADE_ID not in kept:
        wire["tool_call_id"] = result.tool_call_id
    if result.is_error:
        losses.append(Loss("tool_results.is_error", path, "dropped"))
    return carry(wire, result.extensions, NAME)
