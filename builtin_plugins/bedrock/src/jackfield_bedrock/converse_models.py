"""Families and versions of models, which decide how Converse requests reasoning."""

import re
from typing import Final, Literal

Family = Literal["claude", "nova", "gpt-oss", "qwen", "other"]

_CLAUDE: Final = re.compile(
    r"claude-(?:(?P<name>[a-z]+)-)?v?(?P<major>\d)(?:[-.](?P<minor>\d)(?!\d))?"
)
_ALWAYS_THINKS: Final = {"opus": (5, 5), "fable": (5, 0), "mythos": (5, 0)}
_NEVER_FORCED: Final = {"opus": (5, 5), "sonnet": (5, 5), "fable": (5, 1)}
_LATER: Final = (99, 0)
_FAMILIES: Final[tuple[tuple[str, Family], ...]] = (
    ("claude", "claude"),
    ("amazon.nova", "nova"),
    ("gpt-oss", "gpt-oss"),
    ("qwen", "qwen"),
)


def family_of(model: str) -> Family:
    """The family of a model's id or ARN; "other" if its name has none."""
    return next((family for word, family in _FAMILIES if word in model), "other")


def claude_version(model: str) -> tuple[int, int]:
    """The version of a Claude model; (0, 0) if its name has none."""
    match = _CLAUDE.search(model)
    return (int(match["major"]), int(match["minor"] or 0)) if match else (0, 0)


def _claude_name(model: str) -> str:
    match = _CLAUDE.search(model)
    return (match["name"] or "") if match else ""


def can_be_forced(model: str) -> bool:
    """Whether a request may require a tool call of the model."""
    return claude_version(model) < _NEVER_FORCED.get(_claude_name(model), _LATER)


def unthinking(model: str) -> str | None:
    """The type of `thinking` that stops a model from thinking first: Claude thinks unasked since 5.

    Empty if it only thinks on request, None if it always thinks.
    """
    name, version = _claude_name(model), claude_version(model)
    if version < (5, 0):
        return ""
    if version >= _ALWAYS_THINKS.get(name, _LATER):
        return None
    return "between_tools" if name == "sonnet" and version >= (5, 5) else "disabled"


def thinks_by_effort(model: str) -> bool:
    """Whether a Nova model can reason: the second generation can."""
    return "nova-2" in model
