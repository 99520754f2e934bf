"""Writes an assistant message, as an earlier turn of a request or as an answer."""

from typing import Any

from jackfield.dialects import Loss
from jackfield.fields import carry, own
from jackfield.messages import Audio, Image, Message, Part, Reasoning, Text, ToolCall
from jackfield.proofs import seal

from .chat_message_reader import is_plan
from .chat_parts import NAME, write_part
from .chat_tools import write_call
from .citations import write_citations


def write_assistant(
    message: Message, path: str, losses: list[Loss], *, answer: bool
) -> dict[str, Any]:
    """The message with role `assistant`.

    The thoughts of an `answer` carry another vendor's proof as `signature`, a member that Cohere
    does not have; an earlier turn's thoughts are sent to Cohere without proofs.
    """
    writer = _Assistant(path, losses, answer)
    for part in message.parts:
        writer.add(part)
    wire: dict[str, Any] = {"role": "assistant"}
    content = writer.content(own(message.extensions, NAME).get("$content"))
    wire.update({"content": content} if content else {})
    if writer.plan:
        wire["tool_plan"] = writer.plan
    if writer.calls:
        wire["tool_calls"] = writer.calls
    citations = [*own(message.extensions, NAME).get("$citations", ()), *writer.citations]
    if citations:
        wire["citations"] = citations
    carry(wire, message.extensions, NAME)
    if not answer and not wire.keys() & {"content", "tool_calls"}:
        wire["content"] = ""
    return wire


class _Assistant:
    def __init__(self, path: str, losses: list[Loss], answer: bool) -> None:
        self.path = path
        self.losses = losses
        self.answer = answer
        self.calls: list[dict[str, Any]] = []
        self.citations: list[Any] = []
        self.plan = ""
        self._content: list[dict[str, Any]] = []

    def add(self, part: Part) -> None:
        match part:
            case Reasoning():
                self._reasoning(part)
            case ToolCall():
                self.calls.append(write_call(part, self.path, self.losses))
            case Text():
                self.citations += write_citations(part.citations, part.text, len(self._content))
                self._put(part)
            case Audio() if self.answer or part.transcript:
                self._lose("audio", "approximated", "its transcript as text")
                self._put(Text(part.transcript or ""))
            case Image():
                self._lose("images.output", "dropped")
            case _:
                self._put(part)

    def content(self, shape: str | None) -> str | list[dict[str, Any]]:
        """An array in answers; in requests a string if it came as one or can be one."""
        plain = len(self._content) == 1 and self._content[0].keys() == {"type", "text"}
        if self.answer or shape == "list" or not plain:
            return self._content
        text: str = self._content[0]["text"]
        return text

    def _put(self, part: Part) -> None:
        item = write_part(part, self.path, self.losses, "assistant")
        if item is not None:
            self._content.append(item)

    def _reasoning(self, part: Reasoning) -> None:
        if is_plan(part):
            self.plan += part.encrypted or ""
            return
        proof = seal(part) if NAME not in part.extensions else None
        if self.answer:
            thought: dict[str, Any] = {"type": "thinking", "thinking": part.text}
            thought.update({"signature": proof} if proof else {})
            if part.text or proof:
                self._content.append(carry(thought, part.extensions, NAME))
            return
        if proof is not None:
            feature = "reasoning.signature" if part.signature else "reasoning.encrypted"
            self._lose(feature, "dropped", "Cohere checks none")
        if part.text:
            self._put(part)

    def _lose(self, feature: str, how: Any, detail: str = "") -> None:
        self.losses.append(Loss(feature, self.path, how, detail))
