"""The dialect of the gateway's own endpoints: JSON, with errors in OpenAI's format."""

from typing import ClassVar, Final

import msgspec

from jackfield.dialects import Dialect
from jackfield.errors import GatewayError


class GatewayDialect(Dialect):
    """The dialect of /health, /ready and /jackfield/…, and of errors for unknown paths."""

    name: ClassVar[str] = "jackfield"
    operation: ClassVar[str] = "operations"
    translates: ClassVar[bool] = False

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        """The error as JSON."""
        members: dict[str, object] = {"message": error.message, "type": "gateway_error"}
        members |= {"param": error.param, "code": error.code, "request_id": request_id}
        # AWS's SDK reads the text here; a base URL that lacks the prefix makes it ask this dialect.
        return msgspec.json.encode({"message": error.message, "error": members})


GATEWAY_DIALECT: Final = GatewayDialect()
