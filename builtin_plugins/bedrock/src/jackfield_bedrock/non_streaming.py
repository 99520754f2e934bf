"""The common part of dialects without streams."""

from collections.abc import Mapping
from typing import Any

from jackfield.dialects import CanonicalResponse, Peek, Terminal, UsageMeter
from jackfield.messages import TokenCount, Usage

from .converse_request import model_of
from .dialect import BedrockDialect
from .event_stream_framing import CHUNKS
from .invoke_usage import usage_of_any
from .usage import EventMeter


class NonStreamingDialect(BedrockDialect):
    """A dialect without streams, whose usage is mostly in headers."""

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(model_of(params))

    def terminal(self, event: bytes) -> Terminal | None:
        return None

    def usage(self, body: bytes) -> Usage | None:
        response = self.parse_response(body)
        return self.usage_beside(response, body)

    def usage_beside(self, response: CanonicalResponse, body: bytes) -> Usage | None:
        return None if isinstance(response, TokenCount) else response.usage

    def usage_meter(self) -> UsageMeter:
        return EventMeter(CHUNKS, usage_of_any)
