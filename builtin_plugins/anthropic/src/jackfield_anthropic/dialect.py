"""The common part of Anthropic's dialects: their errors."""

from typing import ClassVar

from jackfield.dialects import Dialect, UpstreamFailure
from jackfield.errors import GatewayError

from . import failures


class AnthropicDialect(Dialect):
    """One of Anthropic's dialects; all have the same form of errors."""

    request_id_header: ClassVar[str] = "request-id"

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.error_body(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return failures.error_body(error, request_id)

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)
