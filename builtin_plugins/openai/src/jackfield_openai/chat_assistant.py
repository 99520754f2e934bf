"""Writes an assistant message, as an earlier turn of a request or as an answer."""

from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.fields import carry, own
from jackfield.losses import lost_part
from jackfield.messages import (
    Audio,
    Citation,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)

from .chat_google import KEY, extra_content, is_of_call
from .chat_message_reader import kept_details, kept_keys
from .chat_parts import NAME, write_part
from .chat_sources import is_listed
from .chat_thoughts import DETAILS, details_of
from .chat_tools import is_legacy, write_call

SHOWN: Final = Loss("images.output", "choices", "approximated", "in `images`, as OpenRouter does")
"""The loss of an image in an answer."""

_ALONE: Final = frozenset(("tool_calls", "function_call", "refusal", "audio"))
"""Members that an earlier turn may have without `content`."""


def write_assistant(
    message: Message, path: str, losses: list[Loss], *, answer: bool
) -> dict[str, Any]:
    """The message with role `assistant`.

    In an `answer`, reasoning is shown as `reasoning_content` and its proof is in
    `reasoning_details`. The reasoning of an earlier turn is sent only to the kind of provider that
    it came from.
    """
    writer = _Assistant(path, losses, answer)
    for part in message.parts:
        writer.add(part)
    writer.close()
    shape = own(message.extensions, NAME).get("$content")
    wire: dict[str, Any] = {"role": "assistant", "content": writer.content(shape), **writer.wire}
    if writer.annotations:
        wire["annotations"] = writer.annotations
    if writer.calls:
        wire["tool_calls"] = writer.calls
    if message.name is not None:
        wire["name"] = message.name
    return _with_content(carry(wire, message.extensions, NAME), message, answer=answer)


def usual_assistant(message: Message, *, answer: bool = False) -> dict[str, Any] | None:
    """The message, if it holds only text and function calls, and nothing of this dialect's own."""
    if message.name is not None or NAME in message.extensions:
        return None
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    for part in message.parts:
        if type(part) is Text and not part.citations and NAME not in part.extensions:
            texts.append(part.text)
        elif type(part) is ToolCall and NAME not in part.extensions:
            calls.append(write_call(part, answer=answer))
        else:
            return None
    if len(texts) > 1 and not answer:
        return None
    wire: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts else None}
    if calls:
        wire["tool_calls"] = calls
    return _with_content(wire, message, answer=answer)


def _with_content(wire: dict[str, Any], message: Message, *, answer: bool) -> dict[str, Any]:
    """The message, with an empty text for an otherwise empty turn if null is not allowed."""
    if wire["content"] is None and not answer and _ALONE.isdisjoint(wire):
        wire["content"] = own(message.extensions, NAME).get("content", "")
    return wire


class _Assistant:
    def __init__(self, path: str, losses: list[Loss], answer: bool) -> None:
        self.path = path
        self.losses = losses
        self.answer = answer
        self.wire: dict[str, Any] = {}
        self.calls: list[dict[str, Any]] = []
        self.annotations: list[Any] = []
        self._content: list[Part] = []
        self._length = 0
        self._foreign: list[tuple[Reasoning, int, int]] = []
        self._extra_content: dict[str, Any] | None = None

    def add(self, part: Part) -> None:
        if own(getattr(part, "extensions", {}), NAME).get("$in") == "content":
            self._content.append(part)
            return
        match part:
            case Text():
                self._text(part)
            case Reasoning():
                self._reasoning(part)
            case Refusal():
                self.wire["refusal"] = self.wire.get("refusal", "") + part.text
            case ToolCall() if is_legacy(part):
                self.wire["function_call"] = write_call(part, answer=self.answer)["function"]
            case ToolCall():
                self.calls.append(write_call(part, answer=self.answer) | self._signed())
            case _:
                self._other(part)

    def close(self) -> None:
        """Write what is only known after all parts."""
        own_details = self.wire.get(DETAILS, [])
        details = [*own_details, *details_of(self._foreign, len(own_details))]
        if details:
            self.wire[DETAILS] = details
        self.wire.update(self._signed())

    def _signed(self) -> dict[str, Any]:
        extra, self._extra_content = self._extra_content, None
        return {} if extra is None else {KEY: extra}

    def content(self, shape: str | None) -> str | list[dict[str, Any]] | None:
        texts = [part.text for part in self._content if isinstance(part, Text)]
        plain = len(texts) == len(self._content) and (self.answer or len(texts) == 1)
        if shape != "list" and plain:
            return "".join(texts) if texts else None
        items = [write_part(part, self.path, self.losses, "assistant") for part in self._content]
        return [item for item in items if item is not None] or None

    def _text(self, part: Text) -> None:
        self._content.append(part)
        for citation in part.citations:
            if is_listed(citation):
                continue
            wire = write_annotation(citation, len(part.text), self._length)
            if wire is None:
                self._lose("citations", "dropped", "chat cites URLs only")
            else:
                self.annotations.append(wire)
        self._length += len(part.text)

    def _reasoning(self, part: Reasoning) -> None:
        kept = own(part.extensions, NAME)
        keys = kept_keys(kept)
        extra = extra_content(part.extensions)
        if extra is not None and is_of_call(part.extensions):
            self.wire.update(self._signed())
            self._extra_content = extra
        elif extra is not None:
            self.wire[KEY] = extra
        elif keys is not None:
            self.wire.update(dict.fromkeys(keys, part.text))
            details = kept_details(kept, part.text)
            if details:
                self.wire[DETAILS] = details
        elif not self.answer:
            self._lose("reasoning.replay", "dropped")
        else:
            self._show(part)

    def _show(self, part: Reasoning) -> None:
        if part.text:
            before = self.wire.get("reasoning_content")
            self.wire["reasoning_content"] = f"{before}\n\n{part.text}" if before else part.text
        self._foreign.append((part, self._length, len(self.calls)))

    def _other(self, part: Part) -> None:
        match part:
            case Audio():
                self._audio(part)
            case Image() if self.answer or own(part.extensions, NAME).get("$in") == "images":
                self._image(part)
            case Opaque(dialect="openai.chat"):
                self._content.append(part)
            case Opaque():
                self.losses.append(lost_part(part, self.path, "assistant"))
            case _ if NAME in getattr(part, "extensions", {}):
                self._content.append(part)
            case _:
                self._lose(f"messages.assistant_{type(part).__name__.lower()}", "dropped")

    def _image(self, part: Image) -> None:
        item = write_part(part, self.path, self.losses, "assistant")
        if item is not None:
            self.wire.setdefault("images", []).append(item)
            if NAME not in part.extensions:
                self.losses.append(SHOWN)

    def _audio(self, part: Audio) -> None:
        known = {
            "id": part.id,
            "data": part.data,
            "expires_at": part.expires_at,
            "transcript": part.transcript,
        }
        if self.answer:
            blank: dict[str, Any] = {"id": "audio", "data": "", "expires_at": 0, "transcript": ""}
            known = {key: blank[key] if value is None else value for key, value in known.items()}
        elif part.id is None:
            self._lose("audio.replay", "dropped", "chat refers to earlier audio by id")
            return
        wire = {key: value for key, value in known.items() if value is not None}
        self.wire["audio"] = carry(wire, part.extensions, NAME)

    def _lose(self, feature: str, how: Any, detail: str = "") -> None:
        self.losses.append(Loss(feature, self.path, how, detail))


def write_annotation(citation: Citation, length: int, offset: int) -> Any:
    """One annotation of a text of some length that begins at `offset` of the content.

    None for a citation without URL.
    """
    kept = own(citation.extensions, NAME)
    if "$annotation" in kept:
        return kept["$annotation"]
    if citation.url is None:
        return None
    known = {
        "start_index": None if citation.start is None else offset + citation.start,
        "end_index": None if citation.end is None else offset + citation.end,
        "title": citation.title,
        "url": citation.url,
        "content": citation.cited_text,
    }
    # Clients rely on all of them; the full text and the URL replace missing ones.
    whole: dict[str, Any] = {
        "start_index": offset,
        "end_index": offset + length,
        "title": citation.url,
    }
    inner = {key: value for key, value in known.items() if value is not None}
    inner = whole | kept.get("url_citation", {}) | inner
    return carry({"type": "url_citation", "url_citation": inner}, citation.extensions, NAME)
