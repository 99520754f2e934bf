"""The dialect `cloudflare.run`: each model's own input and output, passed through unchanged."""

from collections.abc import Mapping
from typing import Any, ClassVar

from jackfield import GatewayError, sse
from jackfield.dialects import Dialect, Peek, Terminal, UpstreamFailure, UsageMeter, installed
from jackfield.fields import json_object, object_fields
from jackfield.messages import Usage

from .envelope import parse_error, render_error, result_of, usage_in
from .rerank import RERANK

_OPENAI = installed("openai.chat")
_DONE = b"[DONE]"


class RunDialect(Dialect):
    """Any model's input; the path names the model. Answers: JSON, images, audio or events."""

    name: ClassVar[str] = "cloudflare.run"
    operation: ClassVar[str] = "run"
    translates: ClassVar[bool] = False
    terminal_hints: ClassVar[tuple[bytes, ...]] = (_DONE, b'"errors"')

    def variant(self, params: Mapping[str, str]) -> Dialect:
        """The rerank dialect, whose requests other vendors' models can answer too."""
        return RERANK if "rerank" in params["model"] else self

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(params["model"], bool(object_fields(tree).flag("stream")))

    def peek_form(self, body: bytes, media_type: str, params: Mapping[str, str]) -> Peek:
        return Peek(params["model"])

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return body  # the path names it

    def terminal(self, event: bytes) -> Terminal | None:
        data = sse.data_of(event) or b""
        if data.strip() == _DONE:
            return "end"
        try:
            return "error" if json_object(data).get("errors") else None
        except ValueError:
            return None

    def usage(self, body: bytes) -> Usage | None:
        return usage_in(result_of(body))

    def usage_meter(self) -> UsageMeter:
        return _OPENAI.usage_meter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return sse.encode(render_error(error, request_id))

    def is_error(self, tree: Any) -> bool:
        """Whether it contains an error."""
        return isinstance(tree, dict) and bool(tree.get("errors"))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return parse_error(status, body)


RUN = RunDialect()
