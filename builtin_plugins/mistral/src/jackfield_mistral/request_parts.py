"""Adapts the parts of a conversation so that OpenAI's writer writes Mistral's form."""

from collections.abc import Callable, Mapping
from operator import is_
from typing import Any, Final

from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.messages import (
    Audio,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from jackfield.proofs import seal

from .call_ids import short_id
from .calls import written_call
from .names import OPENAI_CHAT

_IN_CONTENT: Final = {OPENAI_CHAT: {"$in": "content"}}
_DOCUMENT_URL: Final = {OPENAI_CHAT: {"$type": "document_url"}}
_ROLES: Final = {"developer": "system"}


class Conversation:
    """The messages of a request with exchanged names: Mistral's notes under OpenAI's names."""

    def __init__(self, losses: list[Loss]) -> None:
        self._losses = losses

    def message(self, message: Message, path: str) -> Message:
        """One message, without `name`, which Mistral only has for tools."""
        if message.name is not None and message.role != "tool":
            self._losses.append(Loss("messages.name", path, "dropped"))
        made = [self._part(part, f"{path}.parts[{i}]") for i, part in enumerate(message.parts)]
        role: Any = _ROLES.get(message.role, message.role)
        if role == message.role and message.name is None and all(map(is_, made, message.parts)):
            return message
        parts = tuple(part for part in made if part is not None)
        return replace(message, role=role, parts=parts, name=None)

    def _part(self, part: Part, path: str) -> Part | None:
        maker = _MAKERS.get(type(part))
        return part if maker is None else maker(self, part, path)

    def _refusal(self, part: Refusal, path: str) -> Text:
        self._losses.append(Loss("refusals", path, "approximated", "as text"))
        return Text(part.text)

    def _call(self, part: ToolCall, path: str) -> ToolCall:
        return written_call(part, self._losses, path)

    def _result(self, part: ToolResult, path: str) -> ToolResult:
        made = (self._part(inner, path) for inner in part.parts)
        parts = tuple(inner for inner in made if inner is not None)
        return replace(part, tool_call_id=short_id(part.tool_call_id), parts=parts)

    def _thought(self, part: Reasoning, path: str) -> Reasoning | None:
        if OPENAI_CHAT in part.extensions:
            return part
        if seal(part) is not None:
            feature = "reasoning.signature" if part.signature else "reasoning.encrypted"
            detail = "Mistral only verifies its own"
            self._losses.append(Loss(feature, path, "dropped", detail))
        return Reasoning(part.text, extensions=_IN_CONTENT) if part.text else None

    def _image(self, part: Image, path: str) -> Image | None:
        if part.url is not None or part.data is not None:
            return part
        detail = "Mistral takes no image by file id"
        self._losses.append(Loss("images.file_id", path, "dropped", detail, breaks=True))
        return None

    def _document(self, part: Document, path: str) -> Document | None:
        if OPENAI_CHAT in part.extensions or part.text is not None:
            return part
        if part.file_id is not None and part.url is None and part.data is None:
            detail = "of another vendor"
            self._losses.append(Loss("documents.file_id", path, "dropped", detail, breaks=True))
            return None
        media = part.media_type or "application/pdf"
        return replace(part, media_type=media, extensions=_DOCUMENT_URL)

    def _audio(self, part: Audio, path: str) -> Part | None:
        if part.data is None:
            how: Any = "approximated" if part.transcript else "dropped"
            self._losses.append(Loss("audio", path, how, "its transcript, if any"))
            return Text(part.transcript) if part.transcript else None
        if "$table" in part.extensions.get(OPENAI_CHAT, {}):
            return part
        return Opaque(OPENAI_CHAT, "input_audio", {"type": "input_audio", "input_audio": part.data})


_MAKERS: Final[Mapping[type, Callable[[Conversation, Any, str], Part | None]]] = {
    ToolCall: Conversation._call,
    ToolResult: Conversation._result,
    Reasoning: Conversation._thought,
    Image: Conversation._image,
    Document: Conversation._document,
    Audio: Conversation._audio,
    Refusal: Conversation._refusal,
}
