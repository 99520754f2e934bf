"""The common part of Mistral's dialects: their errors."""

from typing import Any

from jackfield.dialects import Dialect, UpstreamFailure
from jackfield.errors import GatewayError

from . import failures


class MistralDialect(Dialect):
    """One of Mistral's dialects; all have the same forms of errors."""

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error_event(error, request_id)

    def is_error(self, tree: Any) -> bool:
        """Whether it has one of Mistral's error forms: a message, or a list of errors."""
        return isinstance(tree, dict) and bool(tree.get("message") or tree.get("detail"))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)
