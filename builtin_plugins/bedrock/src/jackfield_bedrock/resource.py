"""The dialect `bedrock.resource`: Bedrock's other endpoints, passed through unchanged."""

from collections.abc import Mapping
from typing import Any, ClassVar

from jackfield import json_spans
from jackfield.dialects import Peek
from jackfield.framing import Framing
from jackfield.messages import Usage

from .event_stream_framing import EVENT_STREAM
from .passthrough import PassthroughDialect


class ResourceDialect(PassthroughDialect):
    """Guardrails, asynchronous invocations and other endpoints; only errors are parsed."""

    name: ClassVar[str] = "bedrock.resource"
    operation: ClassVar[str] = "resource"
    framing: Framing = EVENT_STREAM

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        named = tree.get("modelId") if isinstance(tree, dict) else None
        return Peek(named if isinstance(named, str) else None)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return json_spans.replace(body, {("modelId",): new})

    def usage(self, body: bytes) -> Usage | None:
        return None
