"""The state of a thought while it streams."""

from jackfield.events import ReasoningDelta
from jackfield.messages import Reasoning


def learned(told: Reasoning, delta: ReasoningDelta) -> Reasoning:
    """A thought updated with a delta, except for its text."""
    says = delta.id or delta.signature or delta.encrypted or delta.summary
    if not says and delta.extensions == told.extensions:
        return told
    extensions = {name: dict(members) for name, members in told.extensions.items()}
    for name, members in delta.extensions.items():
        extensions.setdefault(name, {}).update(members)
    return Reasoning(
        id=delta.id or told.id,
        signature=delta.signature or told.signature,
        encrypted=delta.encrypted or told.encrypted,
        summary=delta.summary or told.summary,
        extensions=extensions,
    )
