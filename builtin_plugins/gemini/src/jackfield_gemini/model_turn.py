"""One turn of the model, which clients of streams send back as several contents."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from jackfield.errors import InvalidRequest
from jackfield.messages import Message, Part, Reasoning, Text, ToolCall

from .call_ids import placed_id
from .fields import NAME, Fields
from .parts import read_part
from .signatures import is_own

RESULT_KEYS = {"functionResponse", "function_response"}
CONTENTS = "$contents"
PLACE = "$place"
"""Notes with the contents that formed a turn, and the index of the first."""


def is_model(wire: Any) -> bool:
    """Whether a content is the model's."""
    return isinstance(wire, dict) and wire.get("role") == "model"


def read_turn(contents: Sequence[Any], place: int) -> Message:
    """The message formed by consecutive contents of the model."""
    read = [
        _read_content(wire, place + i, f"contents[{place + i}]") for i, wire in enumerate(contents)
    ]
    parts = [part for _, found in read for part in found]
    rest = read[0][0].rest
    if len(contents) > 1:
        parts = _joined(parts)
        rest = {CONTENTS: contents, PLACE: place}
    return Message("assistant", tuple(parts), extensions={NAME: rest})


def kept_contents(message: Message) -> Sequence[Any]:
    """The contents that a message was parsed from, unless it has changed since."""
    kept = message.extensions.get(NAME, {})
    contents: Sequence[Any] = kept.get(CONTENTS, ())
    if contents and read_turn(contents, kept[PLACE]).parts == message.parts:
        return contents
    return ()


def _read_content(wire: dict[str, Any], place: int, path: str) -> tuple[Fields, list[Part]]:
    fields = Fields(wire, path)
    fields.rest.pop("role", None)
    parts: list[Part] = []
    for i, item in enumerate(fields.items("parts") or ()):
        where = f"{path}.parts[{i}]"
        if isinstance(item, dict) and item.keys() & RESULT_KEYS:
            raise InvalidRequest(f"'{where}' is not valid in a model's turn.", param=where)
        parts += _proven(parts, read_part(item, where, placed_id(place, i), strict=True))
    return fields, parts


def _proven(before: list[Part], read: list[Part]) -> list[Part]:
    """The parsed parts, with the text of the thought that a foreign proof belongs to.

    A streamed thought comes in pieces, with its proof in the last one.
    """
    proof = read[0]
    if not isinstance(proof, Reasoning) or is_own(proof):
        return read
    text = proof.text
    while before and _is_unproven(before[-1]):
        text = getattr(before.pop(), "text", "") + text
    return [replace(proof, text=text), *read[1:]]


def _is_unproven(part: Part) -> bool:
    return isinstance(part, Reasoning) and is_own(part) and part.signature is None


def _joined(parts: list[Part]) -> list[Part]:
    """The parts with the pieces of each text or thought joined, without empty texts."""
    joined: list[Part] = []
    for part in _with_proofs(parts):
        last = joined[-1] if joined else None
        if part == Text(""):
            continue
        if isinstance(part, Text) and isinstance(last, Text) and not part.extensions:
            joined[-1] = replace(last, text=last.text + part.text)
        elif isinstance(part, Reasoning) and isinstance(last, Reasoning) and _continues(last, part):
            joined[-1] = replace(part, text=last.text + part.text)
        else:
            joined.append(part)
    return joined


def _continues(last: Reasoning, part: Reasoning) -> bool:
    return _is_unproven(last) and _is_unproven(part) and last.extensions == part.extensions


def _with_proofs(parts: list[Part]) -> list[Part]:
    found: list[Part] = []
    for part in parts:
        found += _proven(found, [part])
    return found


def calls_in(message: Message) -> list[ToolCall]:
    """The calls of a message."""
    return [part for part in message.parts if isinstance(part, ToolCall)]
