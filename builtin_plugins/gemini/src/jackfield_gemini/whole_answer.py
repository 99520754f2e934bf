"""The common part of dialects without streams."""

from collections.abc import Mapping
from typing import Any, ClassVar

from jackfield.dialects import Dialect, Peek, Terminal, UpstreamFailure
from jackfield.dialects import UsageMeter as Meter
from jackfield.errors import GatewayError

from . import failures
from .fields import body_fields
from .json_array import SseWriter
from .model_name import check_models, with_model
from .request import model_of
from .usage import UsageMeter


class WholeAnswerDialect(Dialect):
    """A dialect without streams."""

    terminal_hints: ClassVar[tuple[bytes, ...]] = ()

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        fields, model = body_fields(tree), model_of(params)
        check_models(fields, model)
        return Peek(model)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return with_model(body, old, new)

    def terminal(self, event: bytes) -> Terminal | None:
        return None

    def usage_meter(self) -> Meter:
        return UsageMeter(self.framing)

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return SseWriter().event(failures.render_error(error, request_id))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)
