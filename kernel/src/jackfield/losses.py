"""Losses that all dialects name alike: parts and members of which only another dialect knows."""

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


def lost_part(part: Part, path: str, role: Role, detail: str = "") -> Loss:
    """The loss of a part for which a dialect has no place, in a message of `role`.

    What the model is told is the question, which is refused without it. What the model has said
    may be left out of an earlier turn, unless it stands for turns that are not there.
    """
    feature = "audio" if isinstance(part, Audio) else f"messages.{_kind_of(part)}"
    if isinstance(part, Opaque) and not detail:
        detail = "only its own dialect knows it"
    return Loss(feature, path, "dropped", detail, breaks=_is_asked(part, role))


def lost_member(dialect: str, key: str, value: Any) -> Loss:
    """The loss of a member of a request that `dialect` alone knows."""
    where = f"extensions.{dialect}.{key}"
    inner = value if isinstance(value, dict) else ()
    asked = key in _ASKED or not _ASKED.isdisjoint(inner)
    return Loss(f"{dialect}.{key}", where, "dropped", breaks=asked)


def is_loss_of(loss: Loss, part: Any) -> bool:
    """Whether a loss is that of this part, of which only one dialect knows."""
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
