"""Other vendors' thoughts in a chat message: text, with proofs in `reasoning_details`.

The entries have the form published by OpenRouter ("Reasoning tokens" in its guides): each has an
`index`, and in a stream the entries with the same index belong together. The proof of a thought is
sealed in the entry's `signature` or `data`, with the thought's position among the parts of the
message. So a client that sends a message back unchanged sends back the same thoughts in the same
positions.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import astuple, define, field, frozen
from msgspec.structs import replace

from jackfield.events import ReasoningDelta
from jackfield.messages import Citation, Part, Reasoning, Text, ToolCall
from jackfield.proofs import is_sealed, seal, unseal

from .chat_parts import NAME
from .thoughts import learned

DETAILS = "reasoning_details"
_PLACE = "$place"
_FORMATS = {
    "anthropic": "anthropic-claude-v1",
    "gemini": "google-gemini-v1",
    "openai": "openai-responses-v1",
}
"""OpenRouter's name for the format of a vendor's proofs."""

Entry = dict[str, Any]


@frozen
class Place:
    """The position of a thought: its number, and how much text and how many calls precede it."""

    ordinal: int
    offset: int
    calls: int


@define
class _Thought:
    place: Place
    content: Reasoning = field(factory=Reasoning)
    index: int | None = None


class ThoughtWriter:
    """The entries of one message, written piece by piece.

    Clients that assemble a stream join the strings of one index, so each is sent only once.
    """

    def __init__(self) -> None:
        self._thoughts: dict[int, _Thought] = {}
        self._entries = 0

    def write(self, delta: ReasoningDelta, offset: int, calls: int) -> list[Entry]:
        """The new entries for a thought that follows this much text and this many calls."""
        thought = self._thoughts.get(delta.part)
        if thought is None:
            place = Place(len(self._thoughts), offset, calls)
            thought = self._thoughts[delta.part] = _Thought(place)
        thought.content = learned(thought.content, delta)
        if not delta.text:
            return []
        if thought.index is None:
            thought.index = self._next()
        return [{"type": "reasoning.text", "index": thought.index, "text": delta.text}]

    def close(self) -> list[Entry]:
        """The proofs, once all thoughts have been written."""
        return [self._proof(thought) for thought in self._thoughts.values()]

    def _next(self) -> int:
        self._entries += 1
        return self._entries - 1

    def _proof(self, thought: _Thought) -> Entry:
        full = thought.content
        note = {_PLACE: list(astuple(thought.place))}
        sealed = seal(replace(full, extensions={**full.extensions, NAME: note}), unproven=True)
        vendor = next(iter(full.extensions), "").partition(".")[0]
        more = {"format": _FORMATS.get(vendor, "unknown")}
        if full.id is not None:
            more["id"] = full.id
        if thought.index is None:
            return {"type": "reasoning.encrypted", "index": self._next(), "data": sealed, **more}
        return {"type": "reasoning.text", "index": thought.index, "signature": sealed, **more}


def details_of(thoughts: Iterable[tuple[Reasoning, int, int]], first: int = 0) -> list[Entry]:
    """The entries of a complete message: each thought with the text and calls before it."""
    writer = ThoughtWriter()
    entries: dict[int, Entry] = {}
    deltas = [(_delta(part, i), offset, calls) for i, (part, offset, calls) in enumerate(thoughts)]
    written = [entry for args in deltas for entry in writer.write(*args)]
    for entry in (*written, *writer.close()):
        entries.setdefault(entry["index"], {}).update(entry)
    return [entry | {"index": first + index} for index, entry in entries.items()]


def _delta(part: Reasoning, place: int) -> ReasoningDelta:
    return ReasoningDelta(
        part=place,
        text=part.text,
        id=part.id,
        signature=part.signature,
        encrypted=part.encrypted,
        summary=part.summary,
        extensions=part.extensions,
    )


@frozen
class PlacedThought:
    """A thought that came back, and its position."""

    thought: Reasoning
    place: Place


def take_thoughts(details: Sequence[Any]) -> tuple[list[PlacedThought], list[Any]]:
    """The sealed thoughts among the entries, in order, and all other entries."""
    found: dict[int, Reasoning] = {}
    for at, entry in enumerate(details):
        thought = _unsealed(entry)
        if thought is not None:
            found[_index(entry, at)] = thought
    texts = dict.fromkeys(found, "")
    rest: list[Any] = []
    for at, entry in enumerate(details):
        index = _index(entry, at)
        if index in found:
            texts[index] += _text(entry)
        else:
            rest.append(entry)
    placed = [_placed(thought, texts[index]) for index, thought in found.items()]
    return sorted(placed, key=lambda one: one.place.ordinal), rest


def is_foreign(entry: Any) -> bool:
    """Whether an entry holds a sealed proof."""
    return isinstance(entry, dict) and (
        is_sealed(entry.get("signature")) or is_sealed(entry.get("data"))
    )


def _unsealed(entry: Any) -> Reasoning | None:
    if not is_foreign(entry):
        return None
    sealed = entry["signature"] if is_sealed(entry.get("signature")) else entry["data"]
    return unseal(sealed)


def _index(entry: Any, at: int) -> int:
    index = entry.get("index") if isinstance(entry, dict) else None
    return index if type(index) is int and index >= 0 else -1 - at


def _text(entry: Mapping[str, Any]) -> str:
    text = entry.get("text")
    return text if isinstance(text, str) else ""


def _placed(thought: Reasoning, text: str) -> PlacedThought:
    extensions = dict(thought.extensions)
    note = extensions.pop(NAME, {}).get(_PLACE)
    place = Place(0, 0, 0)
    if isinstance(note, list) and len(note) == 3 and all(type(number) is int for number in note):
        place = Place(*note)
    return PlacedThought(replace(thought, text=text, extensions=extensions), place)


def weave(parts: Sequence[Part], thoughts: Iterable[PlacedThought]) -> list[Part]:
    """The message's parts with each thought at its position, which may split a text in two."""
    calls = [part for part in parts if isinstance(part, ToolCall)]
    others: list[Part] = [part for part in parts if not isinstance(part, ToolCall)]
    woven: list[Part] = []
    length = called = 0
    for one in thoughts:
        while others and length < one.place.offset:
            part = others.pop(0)
            if isinstance(part, Text):
                part, rest = _cut(part, one.place.offset - length)
                others[:0] = rest
                length += len(part.text)
            woven.append(part)
        more = max(0, one.place.calls - called)
        woven += calls[:more]
        del calls[:more]
        called += more
        woven.append(one.thought)
    return [*woven, *others, *calls]


def _cut(text: Text, at: int) -> tuple[Text, list[Part]]:
    if at >= len(text.text):
        return text, []
    before = [c for c in text.citations if c.start is None or c.start < at]
    behind = [_moved(c, at) for c in text.citations if c.start is not None and c.start >= at]
    head = replace(text, text=text.text[:at], citations=tuple(before))
    return head, [replace(text, text=text.text[at:], citations=tuple(behind))]


def _moved(citation: Citation, by: int) -> Citation:
    start = None if citation.start is None else citation.start - by
    return replace(citation, start=start, end=None if citation.end is None else citation.end - by)
