"""Losses that all dialects report alike: parts and members that only one dialect knows."""

import re
from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.messages import Audio, Opaque, Part, Role

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""What a word of the caller's must look like to be a part of a loss's name."""

_ASIDE: Final = frozenset(
    {
        ("bedrock.converse", "cachePoint"),
        ("openai.completions", "best_of"),
        ("openai.completions", "echo"),
        ("openai.completions", "logprobs"),
    }
)
"""Dialects' own parts that leave the question as it is."""

_EARLIER_TURNS: Final = frozenset({"compaction"})
"""Parts of the model's own that stand for turns of which nothing else is left."""

_FORMS: Final = ("response_format", "output_format", "format", "textFormat")
_ASKED: Final = frozenset(("tool_choice", "toolChoice", "prompt", *_FORMS))
"""Members that bind the answer, left over where their form is not understood, and a prompt that
only the provider has.
"""


_SWITCHES: Final = frozenset({"web_search_options"})
"""Members that ask for something by being there, however empty they are."""


def is_said(key: str, value: Any) -> bool:
    """Whether a member of a request says anything that could be lost."""
    return bool(value) or (value is not None and key in _SWITCHES)


def lost_part(part: Part, path: str, role: Role, detail: str = "") -> Loss:
    """The loss of a part that a dialect cannot express, in a message of `role`.

    What the model is told is part of the question, so its loss refuses the request. What the model
    has said may be left out of an earlier turn, unless it stands for turns that are not included.
    """
    feature = "audio" if isinstance(part, Audio) else f"messages.{_kind_of(part)}"
    if isinstance(part, Opaque) and not detail:
        detail = "only its own dialect knows it"
    return Loss(feature, path, "dropped", detail, breaks=_is_asked(part, role))


def lost_member(dialect: str, key: str, value: Any) -> Loss:
    """The loss of a member of a request that only `dialect` knows."""
    where = f"extensions.{dialect}.{key}"
    inner = value if isinstance(value, dict) else ()
    asked = key in _ASKED or not _ASKED.isdisjoint(inner)
    return Loss(f"{dialect}.{key}", where, "dropped", breaks=asked)


def is_loss_of(loss: Loss, part: Any) -> bool:
    """Whether a loss is that of this part, which only one dialect knows."""
    return isinstance(part, Opaque) and loss.feature == f"messages.{_kind_of(part)}"


def _kind_of(part: Part) -> str:
    if not isinstance(part, Opaque):
        return type(part).__name__.lower()
    return part.kind if _PLAIN.fullmatch(part.kind) else "unknown"


def _is_asked(part: Part, role: Role) -> bool:
    if not isinstance(part, Opaque):
        return role != "assistant"
    if role == "assistant":
        return part.kind in _EARLIER_TURNS
    return (part.dialect, part.kind) not in _ASIDE
