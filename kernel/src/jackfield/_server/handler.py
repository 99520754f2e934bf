"""What a server adapter needs of the gateway that it serves."""

from typing import Protocol

from jackfield.errors import GatewayError
from jackfield.http import HttpRequest, HttpResponse


class Handler(Protocol):
    """Answers whole requests; implemented by the gateway."""

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer `request` from a task that the host may cancel."""

    async def handle_owned(self, request: HttpRequest) -> HttpResponse:
        """Answer `request` from a task that nobody cancels; `request.abort()` ends it instead."""

    def body_limit(self, method: str, path: str) -> int:
        """How many bytes of body this endpoint accepts."""

    def refuse(self, error: GatewayError, path: str, request_id: str | None = None) -> HttpResponse:
        """Render an early error in the dialect of `path`; its body is bytes.

        `request_id` is the client's own id for the request, if it sent one.
        """
