"""What an answer says, in terms that are the same for every client and for the recording."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

Call = tuple[str, Any]
"""A tool's name and its arguments, read as JSON."""


@frozen
class Told:
    """One answer. `problems` are what a client would stumble over, whatever is said."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    finish: str | None = None
    usage: Mapping[str, int] = field(factory=dict)
    problems: tuple[str, ...] = ()


def arguments_of(text: Any) -> Any:
    """Arguments as their JSON value; text that is none stays text."""
    if not isinstance(text, str):
        return text or {}
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return text


def id_problems(ids: Sequence[str | None]) -> list[str]:
    """What is wrong with the ids of an answer's tool calls."""
    problems = [] if all(ids) else ["a tool call without an id"]
    if len(set(ids)) != len(ids):
        problems.append("two tool calls with one id")
    return problems


def count(**tokens: Any) -> dict[str, int]:
    """The tokens that are not zero."""
    return {name: int(value) for name, value in tokens.items() if value}
