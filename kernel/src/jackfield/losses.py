"""Losses that all dialects report alike: parts and members that only one dialect knows."""

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any, Final, get_args, get_type_hints

import msgspec

from jackfield.dialects import Dialect, Loss
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
_BINDING: Final = frozenset(("tool_choice", "toolChoice", "prompt", *_FORMS))
"""Members that bind the answer, left over where their form is not understood, and a prompt that
only the provider has.
"""


_WRAPPED: Final = ("$beside", "$chunk", "$delta", "$event")
"""Notes that hold members which came in another place than they would be put back."""

_MOST: Final = 32
"""Members of one answer that are named; a header has room for so many."""

_SWITCHES: Final = frozenset({"web_search_options"})
"""Members that ask for something by being there, however empty they are."""


def has_content(key: str, value: Any) -> bool:
    """Whether a member of a request has content that could be lost."""
    return bool(value) or (value is not None and key in _SWITCHES)


def lost_part(part: Part, path: str, role: Role, detail: str = "") -> Loss:
    """The loss of a part that a dialect cannot express, in a message of `role`.

    What the model is told is part of the question, so its loss refuses the request. What the model
    has said may be left out of an earlier turn, unless it stands for turns that are not included.
    """
    feature = "audio" if isinstance(part, Audio) else f"messages.{_kind_of(part)}"
    detail = detail or ("only its own dialect knows it" if isinstance(part, Opaque) else "")
    return Loss(feature, path, "dropped", detail, breaks=_is_question(part, role))


def lost_member(dialect: str, key: str, value: Any) -> Loss:
    """The loss of a member of a request that only `dialect` knows."""
    inner = value if isinstance(value, dict) else ()
    binds = key in _BINDING or not _BINDING.isdisjoint(inner)
    return Loss(f"{dialect}.{key}", f"extensions.{dialect}.{key}", "dropped", breaks=binds)


def lost_in_answer(answer: Any, source: Dialect | None, target: Dialect) -> tuple[Loss, ...]:
    """The losses of the members of an answer, or of an event of its stream, that `target` lacks.

    These are the members that the parser of `source` left in extensions, except what is
    `incidental` in its dialect, and what `target` has understood. Without a source, the answer is
    a provider's that speaks no wire protocol.
    """
    if isinstance(target, type(source)) or isinstance(source, type(target)):
        return ()  # variants of one protocol, which carry each other's members
    incidental, lost = (source or Dialect).incidental, dict[str, None]()
    for dialect, key, value in _members(answer):
        if dialect != target.name and _is_missed(key, value, incidental):
            feature = f"{dialect}.{key if _PLAIN.fullmatch(key) else 'unknown'}"
            if feature not in target.understood:
                lost[feature] = None
    return tuple([Loss(one, f"extensions.{one}", "dropped") for one in [*lost][:_MOST]])


def is_loss_of(loss: Loss, part: Any) -> bool:
    """Whether a loss is that of this part, which only one dialect knows."""
    return isinstance(part, Opaque) and loss.feature == f"messages.{_kind_of(part)}"


def _kind_of(part: Part) -> str:
    if not isinstance(part, Opaque):
        return type(part).__name__.lower()
    return part.kind if _PLAIN.fullmatch(part.kind) else "unknown"


def _is_question(part: Part, role: Role) -> bool:
    if not isinstance(part, Opaque):
        return role != "assistant"
    if role == "assistant":
        return part.kind in _EARLIER_TURNS
    return (part.dialect, part.kind) not in _ASIDE


def _members(answer: Any) -> Iterator[tuple[str, str, Any]]:
    """The dialect, name and value of each member in the extensions of a canonical value.

    `vendor.usage` holds the counts of a Usage as they were reported.
    """
    waiting = [answer]
    for one in waiting:
        for name in _nested(one.__class__):
            value = getattr(one, name)
            waiting += value if type(value) is tuple else [value] * (value is not None)
        for dialect, members in getattr(one, "extensions", {}).items():
            for key, value in members.items() if not dialect.endswith(".usage") else ():
                inner = value if key in _WRAPPED else {key: value}
                yield from ((dialect, name, one) for name, one in inner.items())


@cache
def _nested(kind: type) -> tuple[str, ...]:
    """The fields of a canonical type that may hold other canonical values."""
    hints = get_type_hints(kind)
    return tuple(name for name in hints if _may_hold(hints[name]))


def _may_hold(hint: Any) -> bool:
    holds = isinstance(hint, type) and issubclass(hint, msgspec.Struct)
    return holds or any(map(_may_hold, get_args(hint)))


def _is_missed(key: str, value: Any, incidental: Collection[str | tuple[str, str]]) -> bool:
    """Whether a member has content that is nowhere else. `$` marks a note on form."""
    kind = value.get("type") if isinstance(value, dict) else value
    usual = isinstance(kind, str) and (key, kind) in incidental
    filled = any(value.values()) if isinstance(value, dict) else bool(value)
    return filled and not (usual or key[:1] == "$" or key in incidental)
