"""Tool calls in Mistral's form."""

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.messages import ToolCall

from .call_ids import short_id


def written_call(call: ToolCall, losses: list[Loss], path: str = "choices") -> ToolCall:
    """The call with a short id; free text, as custom tools have it elsewhere, becomes JSON."""
    if call.kind == "custom":
        losses.append(Loss("tools.custom", path, "approximated", "its input as JSON"))
        arguments = msgspec.json.encode({"input": call.arguments}).decode()
        return ToolCall(short_id(call.id), call.name, arguments)
    return replace(call, id=short_id(call.id))
