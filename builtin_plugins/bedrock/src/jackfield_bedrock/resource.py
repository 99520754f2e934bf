"""The dialect `bedrock.resource`: Bedrock's other endpoints, passed through unchanged."""

from collections.abc import Mapping
from typing import Any, ClassVar

from jackfield import json_spans
from jackfield.dialects import Peek, Terminal, UsageMeter
from jackfield.framing import Framing
from jackfield.messages import Usage

from .dialect import BedrockDialect
from .event_stream import BrokenMessage, decode
from .event_stream_framing import EVENT_STREAM
from .invoke_usage import usage_of_any
from .usage import EventMeter


class ResourceDialect(BedrockDialect):
    """Guardrails, asynchronous invocations and other endpoints; only errors are parsed."""

    name: ClassVar[str] = "bedrock.resource"
    operation: ClassVar[str] = "resource"
    translates: ClassVar[bool] = False
    framing: Framing = EVENT_STREAM
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b":exception-type", b":error-code")

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        named = tree.get("modelId") if isinstance(tree, dict) else None
        return Peek(named if isinstance(named, str) else None)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return json_spans.replace(body, {("modelId",): new})

    def terminal(self, event: bytes) -> Terminal | None:
        try:
            return "error" if decode(event).is_error else None
        except BrokenMessage:
            return None

    def finishes(self, event: bytes) -> bool:
        """Any event may be the last: these streams are not parsed."""
        return True

    def usage(self, body: bytes) -> Usage | None:
        return None

    def usage_meter(self) -> UsageMeter:
        return EventMeter(self.framing, usage_of_any)
