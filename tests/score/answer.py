"""What an answer says, in terms that are the same for every client and for the recording."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from jackfield.testing.recorded import arguments_of

__all__ = ["Answer", "Call", "arguments_of", "count", "id_problems"]

Call = tuple[str, Any]
"""A tool's name and its arguments, read as JSON."""


@frozen
class Answer:
    """One answer. `problems` are what a client would stumble over, whatever its text is."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    finish: str | None = None
    usage: Mapping[str, int] = field(factory=dict)
    problems: tuple[str, ...] = ()


def id_problems(ids: Sequence[str | None]) -> list[str]:
    """What is wrong with the ids of an answer's tool calls."""
    problems = [] if all(ids) else ["a tool call without an id"]
    if len(set(ids)) != len(ids):
        problems.append("two tool calls with one id")
    return problems


def count(**tokens: Any) -> dict[str, int]:
    """The tokens that are not zero."""
    return {name: int(value) for name, value in tokens.items() if value}
