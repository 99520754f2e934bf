"""Thoughts that Databricks puts into a message's content, as parts with a `summary`."""

from typing import Any

from jackfield.events import ReasoningDelta
from jackfield.fields import Fields, carry, own
from jackfield.messages import Extensions, Reasoning

NAME = "openai.chat"
_NOTE = "$summary"


def summary_text(entries: Any) -> str:
    """The text of a `summary`."""
    texts = [entry.get("text") for entry in entries or () if isinstance(entry, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def read_summary(fields: Fields) -> Reasoning:
    """The thought in a part; its summary is kept with the proofs that stand in it."""
    entries = fields.items("summary")
    note = {**fields.rest, _NOTE: entries, "$in": "content"}
    return Reasoning(summary_text(entries), summary=True, extensions={NAME: note})


def is_summary(extensions: Extensions) -> bool:
    """Whether a thought came as such a part."""
    return _NOTE in own(extensions, NAME)


def write_summary(part: Reasoning | ReasoningDelta) -> dict[str, Any]:
    """The part of a thought, or of a piece of it."""
    entries = own(part.extensions, NAME).get(_NOTE)
    if summary_text(entries) != part.text:
        entries = [{"type": "summary_text", "text": part.text}]
    return carry({"type": "reasoning", "summary": entries}, part.extensions, NAME)
