"""The common part of dialects without streams."""

from collections.abc import Mapping
from typing import Any

from jackfield.dialects import Dialect, Peek, Terminal, UpstreamFailure, UsageMeter
from jackfield.errors import GatewayError
from jackfield.fields import object_fields

from . import failures
from .chat_request import peek_model
from .usage import ChunkMeter


class WholeDialect(Dialect):
    """A dialect without streams, with OpenAI's errors and `model` in the body."""

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(peek_model(object_fields(tree), params))

    def terminal(self, event: bytes) -> Terminal | None:
        return None

    def usage_meter(self) -> UsageMeter:
        return ChunkMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error_event(error, request_id)

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)
