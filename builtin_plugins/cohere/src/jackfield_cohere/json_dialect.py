"""The common part of Cohere's dialects: errors, and answers in JSON."""

from collections.abc import Mapping
from typing import Any, ClassVar

from jackfield.dialects import (
    CanonicalResponse,
    Dialect,
    Peek,
    Terminal,
    UpstreamFailure,
    UsageMeter,
)
from jackfield.errors import GatewayError
from jackfield.fields import object_fields
from jackfield.messages import TokenCount, Usage

from . import failures
from .chat_request import needed_model
from .usage import EventMeter, usage_of_answer


class JsonDialect(Dialect):
    """One of Cohere's operations; those that stream extend it."""

    answer: ClassVar[str]
    """A member of every answer and of no error."""

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(needed_model(object_fields(tree)))

    def terminal(self, event: bytes) -> Terminal | None:
        return None

    def usage(self, body: bytes) -> Usage | None:
        return usage_of_answer(body, self.answer)

    def usage_beside(self, response: CanonicalResponse, body: bytes) -> Usage | None:
        return None if isinstance(response, TokenCount) else response.usage

    def usage_meter(self) -> UsageMeter:
        return EventMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error_event(error, request_id)

    def is_error(self, tree: Any) -> bool:
        """Whether it has Cohere's `message`."""
        return isinstance(tree, dict) and bool(tree.get("message"))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)
