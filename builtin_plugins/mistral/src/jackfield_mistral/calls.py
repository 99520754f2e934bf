"""Tool calls in Mistral's form."""

from typing import Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.events import ReasoningDelta
from jackfield.messages import Reasoning, ToolCall
from jackfield.proofs import seal

from .call_ids import short_id

_CALL: Final = "$call"
"""The note of a proof that belongs to a tool call: the call's id."""


def sealed_proof(thought: Reasoning | ReasoningDelta) -> str | None:
    """Another vendor's proof, wrapped; if it belongs to a call, with that call's short id."""
    noted = {
        name: {**members, _CALL: short_id(members[_CALL])}
        for name, members in thought.extensions.items()
        if isinstance(members.get(_CALL), str)
    }
    if noted:
        thought = replace(thought, extensions={**thought.extensions, **noted})
    return seal(thought)


def written_call(call: ToolCall, losses: list[Loss], path: str = "choices") -> ToolCall:
    """The call with a short id; free text, as custom tools have it elsewhere, becomes JSON."""
    if call.kind == "custom":
        losses.append(Loss("tools.custom", path, "approximated", "its input as JSON"))
        arguments = msgspec.json.encode({"input": call.arguments}).decode()
        return ToolCall(short_id(call.id), call.name, arguments)
    return replace(call, id=short_id(call.id))
