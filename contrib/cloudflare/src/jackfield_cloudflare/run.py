"""The dialect `cloudflare.run`: each model's own input and output, passed through as they are."""

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
    """Whatever a model takes; the path names it. Answers may be JSON, pictures, sound or events."""

    name: ClassVar[str] = "cloudflare.run"
    operation: ClassVar[str] = "run"
    translates: ClassVar[bool] = False
    terminal_hints: ClassVar[tuple[bytes, ...]] = (_DONE, b'"errors"')

    def variant(self, params: Mapping[str, str]) -> Dialect:
        """What ranks for Cloudflare's clients may be another vendor's model too."""
        return RERANK if "rerank" in params["model"] else self

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(params["model"], bool(object_fields(tree).flag("stream")))

    def peek_form(self, body: bytes, media_type: str, params: Mapping[str, str]) -> Peek:
        return Peek(params["model"])

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return body  # the path says it

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
        """Whether it says what went wrong."""
        return isinstance(tree, dict) and bool(tree.get("errors"))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return parse_error(status, body)


RUN = RunDialect()
