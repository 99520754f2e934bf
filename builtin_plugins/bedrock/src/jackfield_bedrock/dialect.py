"""The common part of Bedrock's dialects."""

from collections.abc import Mapping
from typing import Any, ClassVar

from jackfield.dialects import Dialect, UpstreamFailure
from jackfield.errors import GatewayError
from jackfield.messages import Usage

from . import failures, header_usage


class BedrockDialect(Dialect):
    """The common part of Bedrock's dialects: the path names the model, and errors are AWS's."""

    request_id_header: ClassVar[str] = "x-amzn-requestid"

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return body

    def usage_with(self, usage: Usage | None, headers: Mapping[str, str]) -> Usage | None:
        return header_usage.usage_with(usage, headers)

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def error_headers(self, error: GatewayError) -> Mapping[str, str]:
        return failures.error_headers(error)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_exception(error.message, failures.exception_of(error))

    def is_error(self, tree: Any) -> bool:
        """Whether it has AWS's `message`."""
        return isinstance(tree, dict) and bool(tree.get("message") or tree.get("Message"))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)

    def failure_with(self, failure: UpstreamFailure, headers: Mapping[str, str]) -> UpstreamFailure:
        return failures.failure_with(failure, headers)
