"""The state of a thought while it streams."""

from jackfield.events import ReasoningDelta
from jackfield.messages import Reasoning


def learned(known: Reasoning, delta: ReasoningDelta) -> Reasoning:
    """A thought updated with a delta, except for its text."""
    has_members = delta.id or delta.signature or delta.encrypted or delta.summary
    if not has_members and delta.extensions == known.extensions:
        return known
    extensions = {name: dict(members) for name, members in known.extensions.items()}
    for name, members in delta.extensions.items():
        extensions.setdefault(name, {}).update(members)
    return Reasoning(
        id=delta.id or known.id,
        signature=delta.signature or known.signature,
        encrypted=delta.encrypted or known.encrypted,
        summary=delta.summary or known.summary,
        extensions=extensions,
    )
