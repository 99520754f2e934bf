"""What all dialects of Ollama have in common."""

from typing import Any

from jackfield.dialects import Dialect, UpstreamFailure, UsageMeter
from jackfield.errors import GatewayError

from . import failures
from .usage import LastLineMeter


class OllamaDialect(Dialect):
    """What Ollama's dialects share: its errors, and that a stream's last line tells the usage."""

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
