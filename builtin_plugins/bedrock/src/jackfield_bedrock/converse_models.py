"""Families and versions of models, which decide how Converse requests reasoning."""

import re
from typing import Final, Literal

Family = Literal["claude", "nova", "gpt-oss", "qwen", "other"]

_CLAUDE: Final = re.compile(r"claude-(?:[a-z]+-)?v?(\d)(?:[-.](\d)(?!\d))?")
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
    return (int(match[1]), int(match[2] or 0)) if match else (0, 0)


def thinks_by_effort(model: str) -> bool:
    """Whether a Nova model can reason: the second generation can."""
    return "nova-2" in model
