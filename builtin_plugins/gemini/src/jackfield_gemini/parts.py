"""The parts of a content: parsed one by one, rendered with their signatures."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
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
)

from .fields import NAME, Fields, carry, own
from .function_parts import read_call, write_call
from .media import read_file, read_inline, write_media
from .signatures import (
    belongs_to,
    is_of_text,
    is_own,
    is_proof,
    outlives_its_part,
    read_proof,
    read_thought,
    sealed,
    signed,
)

_OPAQUE = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")


def read_part(wire: Any, path: str, made_up: str, *, strict: bool) -> list[Part]:
    """One part and its signature; a part of an unknown kind is kept unchanged.

    `made_up` is the id for a call without one.
    """
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    if len(wire) == 1 and type(text := wire.get("text")) is str:
        return [Text(text)]  # the common case
    fields = Fields(wire, path, strict=strict)
    if any(key in fields.rest for key in _OPAQUE):
        kind = next(key for key in _OPAQUE if key in fields.rest)
        return [Opaque(NAME, kind, wire)]
    if fields.rest.get("thought") is True:
        return [_read_thought(fields, wire)]
    signature = fields.text("thoughtSignature")
    for kind, reader in _READERS.items():
        if fields.rest.get(kind) is not None:
            part = reader(fields, made_up)
            return signed(part, signature) if part else [Opaque(NAME, kind, wire)]
    if signature is not None and not fields.rest:
        return [read_proof(signature)]
    return [Opaque(NAME, next(iter(fields.rest), "part"), wire)]


def _read_thought(fields: Fields, wire: Any) -> Part:
    del fields.rest["thought"]
    signature = fields.text("thoughtSignature")
    if any(key in fields.rest for key in _READERS if key != "text"):
        return Opaque(NAME, "thought", wire)  # a draft of an image is not part of the answer
    text = fields.text("text")
    note = {**fields.rest, "$text": None} if text is None else fields.rest
    return read_thought(text or "", signature, note)


def _read_text(fields: Fields, made_up: str) -> Part | None:
    text = fields.text("text")
    return None if text is None else Text(text, extensions=fields.extensions())


_READERS: Mapping[str, Callable[[Fields, str], Part | None]] = {
    "text": _read_text,
    "functionCall": read_call,
    "inlineData": lambda fields, _: read_inline(fields),
    "fileData": lambda fields, _: read_file(fields),
}


class PartsWriter:
    """Writes the parts of one content in order; `cited` collects its texts with sources.

    In an `answer` other vendors' thoughts are shown; an earlier turn's thoughts are sent to Gemini
    only if they are its own.
    """

    def __init__(self, path: str, losses: list[Loss], role: Role, *, answer: bool = False) -> None:
        self.wire: list[dict[str, Any]] = []
        self.cited: list[tuple[int, Text]] = []
        self._path = path
        self._role = role
        self._losses = losses
        self._answer = answer
        self._proofs: list[Reasoning] = []

    def add_all(self, parts: Sequence[Part]) -> list[dict[str, Any]]:
        """Write all parts of a message."""
        for part in parts:
            self.add(part)
        self.close()
        return self.wire

    def add(self, part: Part) -> None:
        """Write one part; a signature is held back for the part that it belongs to."""
        if isinstance(part, Reasoning):
            self._add_thought(part)
            return
        wire = self._write(part)
        if wire is not None:
            self._prove(wire, part)
            self.wire.append(wire)

    def close(self) -> None:
        """Write the signatures still held back; in a stream, their text came earlier."""
        for proof in self._proofs:
            if outlives_its_part(proof):
                self.wire.append({"text": "", "thoughtSignature": proof.signature})
        self._proofs.clear()

    def _add_thought(self, thought: Reasoning) -> None:
        if is_proof(thought):
            if not (is_of_text(thought) and self._prove_last(thought)):
                self._proofs.append(thought)
        elif is_own(thought):
            self.wire.append(write_thought(thought, thought.signature))
        elif not self._answer:
            self._losses.append(Loss("reasoning.replay", self._path, "dropped"))
        else:
            proof = sealed(thought, unproven=bool(thought.text))
            if thought.text or proof:
                self.wire.append(write_thought(thought, proof))

    def _prove_last(self, proof: Reasoning) -> bool:
        """Sign the text that was written last; in a stream it has already been sent."""
        last: dict[str, Any] = self.wire[-1] if self.wire else {}
        if "text" in last and last.keys().isdisjoint(("thought", "thoughtSignature")):
            last["thoughtSignature"] = proof.signature
        elif self._answer:
            self.wire.append({"text": "", "thoughtSignature": proof.signature})
        else:
            return False
        return True

    def _prove(self, wire: dict[str, Any], part: Part) -> None:
        for proof in self._proofs:
            if belongs_to(proof, part):
                wire["thoughtSignature"] = proof.signature
                self._proofs.remove(proof)
                return

    def _write(self, part: Part) -> dict[str, Any] | None:
        match part:
            case Text():
                if part.citations:
                    self._cite(part)
                return carry({"text": part.text}, part.extensions)
            case ToolCall():
                return write_call(part, self._path, self._losses)
            case Image() | Audio() | Document():
                return write_media(part, self._path, self._losses)
            case Refusal():
                self._lose("refusals", "approximated", "as text")
                return {"text": part.text}
            case Opaque(dialect=dialect, value=value) if dialect == NAME:
                return dict(value)
            case _:
                self._losses.append(lost_part(part, self._path, self._role))
                return None

    def _cite(self, text: Text) -> None:
        if self._answer:
            self.cited.append((len(self.wire), text))
        else:
            self._lose("citations", "dropped")

    def _lose(self, feature: str, how: Any, detail: str = "") -> None:
        self._losses.append(Loss(feature, self._path, how, detail))


def write_thought(thought: Reasoning, signature: str | None) -> dict[str, Any]:
    """A thought part."""
    wire: dict[str, Any] = {"text": thought.text, "thought": True}
    if not thought.text and "$text" in own(thought.extensions):
        del wire["text"]
    if signature is not None:
        wire["thoughtSignature"] = signature
    return carry(wire, thought.extensions)
