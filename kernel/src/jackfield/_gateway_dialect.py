"""The dialect of the gateway's own endpoints: JSON, with errors in OpenAI's format."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import Dialect, Peek, Terminal
from jackfield.errors import GatewayError
from jackfield.messages import Usage


class GatewayDialect(Dialect):
    """The dialect of /health, /ready and /jackfield/…, and of errors for unknown paths."""

    name: ClassVar[str] = "jackfield"
    operation: ClassVar[str] = "operations"
    translates: ClassVar[bool] = False

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        """Nothing: these endpoints name no model."""
        return Peek(None)

    def terminal(self, event: bytes) -> Terminal | None:
        """These endpoints do not stream."""
        return None

    def usage(self, body: bytes) -> Usage | None:
        """These endpoints use no tokens."""
        return None

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        """The error as JSON."""
        members: dict[str, object] = {"message": error.message, "type": "gateway_error"}
        members |= {"param": error.param, "code": error.code, "request_id": request_id}
        # AWS's SDK reads the text here; a base URL that lacks the prefix makes it ask this dialect.
        return msgspec.json.encode({"message": error.message, "error": members})


GATEWAY_DIALECT: Final = GatewayDialect()
