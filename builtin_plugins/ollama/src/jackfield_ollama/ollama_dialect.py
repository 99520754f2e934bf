"""The common part of Ollama's dialects."""

from typing import Any

from jackfield.dialects import Dialect, UpstreamFailure, UsageMeter
from jackfield.errors import GatewayError

from . import failures
from .usage import LastLineMeter


class OllamaDialect(Dialect):
    """The common part of Ollama's dialects: errors, and usage in a stream's last line."""

    def usage_meter(self) -> UsageMeter:
        return LastLineMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error_event(error, request_id)

    def is_error(self, tree: Any) -> bool:
        """Whether it has Ollama's `error`."""
        return isinstance(tree, dict) and bool(tree.get("error"))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)
