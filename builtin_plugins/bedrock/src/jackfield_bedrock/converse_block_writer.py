"""Writes parts as the blocks of a Converse message."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from jackfield.dialects import Loss
from jackfield.fields import carry, own
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

from .converse_citations import CITED_WHOLE, cites_a_span, write_cited_text
from .converse_claude import ANTHROPIC, finding
from .converse_media import is_video, write_audio, write_document, write_image, write_video
from .converse_names import NAME, call_id
from .converse_parts import CACHE, GUARD
from .converse_thoughts import proof_of, write_thought

Block = dict[str, Any]


class BlockWriter:
    """Writes the blocks of one request, or of one `answer`, for this `model`.

    A request that is not `mine` came in another dialect; its blank texts, which Bedrock refuses,
    are left out.
    """

    def __init__(
        self, model: str, losses: list[Loss], *, answer: bool = False, is_own: bool = True
    ) -> None:
        self.losses = losses
        self.is_own = is_own
        self._model = model
        self._answer = answer
        self._role: Role = "assistant"
        self._document_names: set[str] = set()

    def write(self, parts: Sequence[Part], path: str, role: Role) -> list[Block]:
        """The blocks of a message, with the cache points after them."""
        self._role = role
        blocks: list[Block] = []
        for i, part in enumerate(parts):
            block = self._block(part, f"{path}.parts[{i}]")
            if block is not None:
                blocks.append(block)
                blocks += cache_points(part)
        return blocks

    def _block(self, part: Part, path: str) -> Block | None:
        match part:
            case Text():
                return self._text(part, path)
            case Reasoning():
                return self._thought(part, path)
            case ToolCall():
                return {"toolUse": self._call(part, path)}
            case ToolResult():
                return {"toolResult": self._result(part, path)}
            case Refusal() | Opaque():
                return self._foreign(part, path)
        return self._media(part, path)

    def _foreign(self, part: Refusal | Opaque, path: str) -> Block | None:
        if isinstance(part, Refusal):
            self._lose("refusals", path, "approximated", "as text")
            return {"text": part.text}
        if part.dialect == NAME:
            return dict(part.value)
        self.losses.append(lost_part(part, path, self._role))
        return None

    def _text(self, part: Text, path: str) -> Block | None:
        kept = own(part.extensions, NAME)
        if GUARD in kept:
            return {"guardContent": {"text": {"text": part.text, **kept[GUARD]}}}
        if not self.is_own and not part.text.strip():
            return None
        if any(cites_a_span(citation, len(part.text)) for citation in part.citations):
            self._lose("citations.span", path, "approximated", CITED_WHOLE)
        if part.citations or kept.get("$form") == "citationsContent":
            return {"citationsContent": write_cited_text(part)}
        return {"text": part.text}

    def _thought(self, part: Reasoning, path: str) -> Block | None:
        if self._answer:
            wire = proof_of(part)
        else:
            wire = write_thought(part, self._model, path, self.losses)
        return {"reasoningContent": wire} if wire is not None else None

    def _media(self, part: Image | Audio | Document, path: str) -> Block | None:
        if isinstance(part, Image):
            image = write_image(part, path, self.losses)
            if image is not None and GUARD in own(part.extensions, NAME):
                return {"guardContent": {"image": image}}
            return {"image": image} if image is not None else None
        if isinstance(part, Document):
            found = own(part.extensions, NAME).get("$searchResult") or finding(part)
            if found is not None:
                return {"searchResult": found}
            if is_video(part):
                video = write_video(part, path, self.losses)
                return {"video": video} if video is not None else None
            document = write_document(part, path, self.losses, self._document_names)
            return {"document": document} if document is not None else None
        return self._audio(part, path)

    def _audio(self, part: Audio, path: str) -> Block | None:
        if self._answer and part.transcript is not None:
            self._lose("audio", path, "approximated", "its transcript")
            return {"text": part.transcript}
        if part.data is None:
            self.losses.append(lost_part(part, path, self._role, "Bedrock keeps no audio"))
            return None
        return {"audio": write_audio(part)}

    def _call(self, call: ToolCall, path: str) -> Block:
        wire = {
            "toolUseId": call_id(call.id),
            "name": call.name,
            "input": self._input(call, path),
        }
        return carry(wire, call.extensions, NAME)

    def _input(self, call: ToolCall, path: str) -> Any:
        if call.kind == "custom":
            self._lose("tools.custom", path, "approximated", "its text as `input`")
            return {"input": call.arguments}
        if not call.arguments.strip():
            return {}
        try:
            value = msgspec.json.decode(call.arguments)
        except (msgspec.DecodeError, RecursionError):
            value = None
        if isinstance(value, dict) or NAME in call.extensions:
            return value
        self._lose("tools.arguments", path, "approximated", "they are not a JSON object")
        return {"input": call.arguments}

    def _result(self, result: ToolResult, path: str) -> Block:
        wire: Block = {"toolUseId": call_id(result.tool_call_id)}
        content: list[Block] = []
        for i, part in enumerate(result.parts):
            content += self._answered(part, f"{path}.parts[{i}]")
        wire["content"] = content
        if result.is_error:
            wire["status"] = "error"
        return carry(wire, result.extensions, NAME)

    def _answered(self, part: Part, path: str) -> list[Block]:
        """A tool's result: JSON again if it was JSON, and no empty text."""
        if not isinstance(part, Text):
            block = self._block(part, path)
            return [block] if block is not None else []
        kept = own(part.extensions, NAME)
        if kept.get("$form") == "json":
            try:
                return [{"json": msgspec.json.decode(part.text)}]
            except (msgspec.DecodeError, RecursionError):
                return [{"text": part.text}]  # changed by a plugin
        block = self._text(part, path)
        return [block] if block is not None else []

    def _lose(self, feature: str, path: str, how: Any, detail: str = "") -> None:
        self.losses.append(Loss(feature, path, how, detail))


def cache_points(part: Any) -> list[Block]:
    """The cache point after a part or a tool, from Bedrock's or Anthropic's members."""
    extensions: Mapping[str, Mapping[str, Any]] = getattr(part, "extensions", {})
    kept = own(extensions, NAME)
    if CACHE in kept:
        return [{"cachePoint": kept[CACHE]}]
    control = own(extensions, ANTHROPIC).get("cache_control")
    if not isinstance(control, dict):
        return []
    ttl = control.get("ttl")
    return [{"cachePoint": {"type": "default"} | ({"ttl": ttl} if ttl == "1h" else {})}]
