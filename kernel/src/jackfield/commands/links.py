"""The two ways to an admin listener: a running gateway's, or a gateway in this process."""

import asyncio
import io
import logging
import socket
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from attrs import frozen
from multidict import CIMultiDict, CIMultiDictProxy

from jackfield.address import Address
from jackfield.embedding import read_document
from jackfield.http import HttpRequest

SECONDS: Final = 30.0
"""How long an admin listener may take for an answer."""


@frozen
class Reply:
    """What an admin listener answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NobodyListens(Exception):
    """No gateway is running at the address; a socket that was left behind counts as none."""


class AdminRefused(Exception):
    """The admin listener answered with an error, or not at all; `param` is what it is about."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@frozen
class ListenerLink:
    """Talks to a running gateway, one connection per request; `head` is sent with each."""

    address: Address
    head: Mapping[str, str]

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a request to a path with its query. Raises NobodyListens, AdminRefused."""
        with closing(self._connection()) as connection:
            try:
                connection.connect()
            except (FileNotFoundError, ConnectionRefusedError):
                raise NobodyListens from None
            except OSError as error:
                raise self._unusable(error.strerror or "no answer") from None
            try:
                connection.request(method, target, body, {**self.head, **headers})
                response = connection.getresponse()
                return Reply(response.status, CIMultiDict(response.getheaders()), response.read())
            except TimeoutError:
                raise self._unusable(f"no answer within {SECONDS:g} s") from None
            except (OSError, HTTPException) as error:
                raise self._unusable(str(error) or "the connection was closed") from None

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def _connection(self) -> HTTPConnection:
        if self.address.path:
            return _UnixConnection(self.address.path)
        return HTTPConnection(self.address.host, self.address.port, timeout=SECONDS)

    def _unusable(self, why: str) -> AdminRefused:
        message = f"the admin listener at {self.address} cannot be asked: {why}"
        return AdminRefused(503, "unusable", message)


class OwnGateway:
    """A gateway of the same configuration in this process, which listens nowhere."""

    def __init__(self, config: str | None) -> None:
        # Not at the top: asking a running gateway should be quick.
        import uvloop  # noqa: PLC0415

        from jackfield._access_log import AccessLog  # noqa: PLC0415
        from jackfield._gateway import Gateway  # noqa: PLC0415

        # The answers contain plugins' failures.
        logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s %(message)s")
        self._gateway = Gateway(read_document(config))
        self._gateway.access_log = AccessLog("text", io.StringIO())
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        try:
            self._runner.run(self._gateway.start())
        except BaseException:
            self._runner.close()
            raise

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer a request as the admin listener would."""
        path, _, query = target.partition("?")
        head = CIMultiDictProxy(CIMultiDict({"host": "localhost", **headers}))
        request = HttpRequest(method, path, query, head, body, "unix")
        return self._runner.run(self._answer(request))

    def close(self) -> None:
        """Stop the gateway."""
        try:
            self._runner.run(self._gateway.stop())
        finally:
            self._runner.close()

    async def _answer(self, request: HttpRequest) -> Reply:
        response = await self._gateway.admin_frontend.handle(request)
        body: Any = response.body
        if not isinstance(body, bytes):
            body = b"".join([part async for part in body])
        return Reply(response.status, CIMultiDict(response.headers), body)
