"""Reads the deltas of one choice of a streamed chat answer."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from jackfield.errors import InvalidRequest, ProviderError
from jackfield.events import (
    AudioDelta,
    CitationAdded,
    Finished,
    PartAdded,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
)
from jackfield.fields import Fields
from jackfield.messages import Citation, Opaque, Part, Reasoning

from .chat_calls import CallReader, Delta, Events, signature_delta
from .chat_google import KEY as EXTRA_CONTENT
from .chat_google import read_signature
from .chat_message_reader import (
    REASONING_KEYS,
    details_note,
    details_text,
    proof_of,
    read_annotation,
)
from .chat_parts import NAME, other_thoughts, read_part, thoughts
from .chat_response import finish_detail, read_finish
from .chat_summaries import read_summary
from .losses import OF_CHUNKS

_KNOWN = frozenset(("index", "delta", "message", "finish_reason", "logprobs"))
_CHOICE_KEYS = _KNOWN | OF_CHUNKS
_THOUGHTS = (*REASONING_KEYS, "reasoning_details")


class ChoiceReader:
    """The open parts of one choice. Raises ProviderError for a malformed delta."""

    __slots__ = (
        "_beside",
        "_calls",
        "_cited",
        "_kind",
        "_note",
        "_part",
        "_parts",
        "extra",
        "finished",
        "index",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.finished = False
        self.extra: dict[str, Any] = {}
        self._beside: dict[str, Any] = {}
        self._parts = 0
        self._part = 0
        self._kind = ""
        self._calls = CallReader(index, self._begin)
        self._cited = False
        self._note: dict[str, Any] = {}

    def read(self, wire: Mapping[str, Any], out: Events) -> None:
        """Append the events of one `choices` element."""
        delta = wire.get("delta")
        if delta is None:
            delta = wire.get("message") or {}
        if not isinstance(delta, dict):
            raise ProviderError("The provider sent a delta that is not a JSON object.")
        if not (wire.keys() <= _KNOWN or wire.get("finish_reason")):
            self._beside.update((k, v) for k, v in wire.items() if k not in _CHOICE_KEYS and v)
        members: Iterable[tuple[str, Any]] = delta.items()
        if self._kind != "text" and delta.get("content"):
            # vLLM ends a thought and begins the text in one delta, the text first.
            members = sorted(members, key=lambda member: member[0] not in _THOUGHTS)
        for key, value in members:
            if not value or key == "role":
                continue  # null or an empty text
            if key == "content" and isinstance(value, str):
                part = self._open("text")
                out.append(TextDelta(part, value, self.index, wire.get("logprobs")))
                continue
            known = _READERS.get(key)
            if known is None or not isinstance(value, known[0]):
                self.extra[key] = value
            else:
                known[1](self, value, delta, out)

    def finish(self, wire: Mapping[str, Any], chunk_extra: Mapping[str, Any]) -> Finished:
        """The end of the choice, and everything not reported yet."""
        self.finished = True
        word = wire["finish_reason"]
        reason = read_finish(word, self._calls.close())
        known = {k: v for k, v in wire.items() if k not in _KNOWN and v is not None}
        if self.extra:
            known["$delta"] = self.extra
        if self._beside:
            known["$beside"] = self._beside
        if chunk_extra:
            known["$chunk"] = chunk_extra
        if reason != word:
            known["$finish_reason"] = word
        detail = finish_detail(word, reason)
        return Finished(reason, self.index, detail, {NAME: known} if known else {})

    def cite(self, sources: Iterable[Citation], out: Events) -> None:
        """Append the listed sources as citations, unless the text already has citations."""
        if self._kind == "text" and not self._cited:
            out += [CitationAdded(self._part, source, self.index) for source in sources]

    def _open(self, kind: str) -> int:
        if self._kind != kind:
            self._kind = kind
            self._part = self._next()
        return self._part

    def _next(self) -> int:
        self._parts += 1
        return self._parts - 1

    def _begin(self) -> int:
        """Begin a part that text deltas do not continue."""
        self._kind = ""
        return self._next()

    def _refusal(self, text: str, _: Delta, out: Events) -> None:
        out.append(RefusalDelta(self._open("refusal"), text, self.index))

    def _reasoning(self, text: str, delta: Delta, out: Events) -> None:
        keys = [key for key in REASONING_KEYS if delta.get(key) == text]
        details = delta.get("reasoning_details")
        if isinstance(details, list) and details:
            self._proven(text, details, keys, out)
            return
        if self._note.get("$keys") != keys:
            self._note = {"$keys": keys}
        part = self._open("reasoning")
        out.append(ReasoningDelta(part, text, self.index, extensions={NAME: self._note}))

    def _reasoning_again(self, text: str, delta: Delta, out: Events) -> None:
        if delta.get(REASONING_KEYS[0]) != text:  # else already reported under its other name
            self._reasoning(text, delta, out)

    def _details(self, details: list[Any], delta: Delta, out: Events) -> None:
        if not any(delta.get(key) for key in REASONING_KEYS):
            self._proven(details_text(details), details, [], out)

    def _proven(self, text: str, details: list[Any], keys: list[str], out: Events) -> None:
        proof = proof_of(details)
        event = ReasoningDelta(
            part=self._open("reasoning"),
            text=text,
            choice=self.index,
            id=proof.id,
            signature=proof.signature,
            encrypted=proof.encrypted,
            summary=proof.summary,
            extensions={NAME: {"$keys": keys, **details_note(details, text)}},
        )
        out.append(event)

    def _content(self, parts: Any, _: Delta, out: Events) -> None:
        if not isinstance(parts, list):
            text = msgspec.json.encode(parts).decode()
            out.append(TextDelta(self._open("text"), text, self.index))
            return
        # Mistral and Databricks stream content as arrays of texts and thoughts.
        for wire in parts:
            if not isinstance(wire, dict):
                raise ProviderError("The provider sent a part that is not a JSON object.")
            kind = wire.get("type")
            if kind == "text" and isinstance(wire.get("text"), str):
                out.append(TextDelta(self._open("text"), wire["text"], self.index))
            elif kind == "thinking":
                text = "".join(thoughts(wire.get("thinking")))
                self._beside.update(other_thoughts(wire.get("thinking")))
                part, note = self._open("reasoning"), {NAME: {"$in": "content"}}
                out.append(ReasoningDelta(part, text, self.index, extensions=note))
            elif kind == "reasoning":
                thought = read_summary(Fields(wire, "content", strict=False))
                out.append(_delta_of(thought, self._open("reasoning"), self.index))
            else:
                out.append(PartAdded(self._begin(), Opaque(NAME, str(kind), wire), self.index))

    def _tool_calls(self, calls: list[Any], _: Delta, out: Events) -> None:
        self._calls.read(calls, out)

    def _function_call(self, wire: Delta, _: Delta, out: Events) -> None:
        self._calls.read_legacy(wire, out)

    def _annotations(self, annotations: list[Any], _: Delta, out: Events) -> None:
        part = self._open("text")
        self._cited = True
        for wire in annotations:
            if isinstance(wire, dict):
                wire.pop("index", None)  # its position, which the events carry
            out.append(CitationAdded(part, read_annotation(wire), self.index))

    def _audio(self, wire: Mapping[str, Any], _: Delta, out: Events) -> None:
        identity, expires = wire.get("id"), wire.get("expires_at")
        event = AudioDelta(
            part=self._open("audio"),
            data=str(wire.get("data") or ""),
            transcript=str(wire.get("transcript") or ""),
            choice=self.index,
            id=identity if isinstance(identity, str) else None,
            expires_at=expires if isinstance(expires, int) else None,
        )
        out.append(event)

    def _extra_content(self, extra: dict[str, Any], _: Delta, out: Events) -> None:
        thought = read_signature(extra, of_call=False)
        if thought is None:
            self.extra[EXTRA_CONTENT] = extra
        else:
            out.append(signature_delta(thought, self._begin(), self.index))

    def _images(self, images: list[Any], _: Delta, out: Events) -> None:
        for wire in images:
            try:
                image: Part = read_part(wire, "images", strict=False)
            except InvalidRequest as error:
                raise ProviderError(f"The provider sent a wrong image: {error.message}") from error
            out.append(PartAdded(self._begin(), image, self.index))


def _delta_of(thought: Reasoning, part: int, choice: int) -> ReasoningDelta:
    extensions = thought.extensions
    return ReasoningDelta(part, thought.text, choice, summary=True, extensions=extensions)


_Reader = Callable[[ChoiceReader, Any, Delta, Events], None]
_READERS: Mapping[str, tuple[type, _Reader]] = {
    "content": (object, ChoiceReader._content),
    "reasoning_content": (str, ChoiceReader._reasoning),
    "reasoning": (str, ChoiceReader._reasoning_again),
    "reasoning_details": (list, ChoiceReader._details),
    "tool_calls": (list, ChoiceReader._tool_calls),
    "refusal": (str, ChoiceReader._refusal),
    "function_call": (dict, ChoiceReader._function_call),
    "annotations": (list, ChoiceReader._annotations),
    "audio": (dict, ChoiceReader._audio),
    "images": (list, ChoiceReader._images),
    EXTRA_CONTENT: (dict, ChoiceReader._extra_content),
}
