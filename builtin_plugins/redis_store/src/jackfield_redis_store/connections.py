"""How to connect to servers: addresses, names, passwords, TLS."""

import ssl
from typing import Any, Final

from attrs import evolve, field, frozen
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from jackfield.address import Address
from jackfield.secrets import Secret

CONNECT_SECONDS: Final = 1.0
"""Timeout in seconds for connecting in the background, with TLS and login."""


class _Direct(AbstractConnection):
    """A connection that can write without waiting and drop unsent data."""

    async def open(self) -> None:
        """Connect and log in."""
        await self.connect()  # type: ignore[no-untyped-call]

    def write(self, data: bytes) -> None:
        """Queue bytes to be sent."""
        if self._writer is None:
            raise ConnectionResetError("the connection is closed")
        self._writer.write(data)

    def abort(self) -> None:
        """Close at once."""
        if self._writer is not None:
            self._writer.transport.abort()


class PlainConnection(Connection, _Direct):
    """A TCP connection."""


class TlsConnection(SSLConnection, _Direct):
    """A TCP connection with TLS."""

    def __init__(self, *, tls: ssl.SSLContext, **arguments: Any) -> None:
        super().__init__(**arguments)
        # The library's own context always trusts the system's authorities.
        self.ssl_context.context = tls


class SocketConnection(UnixDomainSocketConnection, _Direct):
    """A connection to a Unix socket."""


DirectConnection = PlainConnection | TlsConnection | SocketConnection


@frozen
class ConnectionOptions:
    """How to connect. Its repr never shows the password."""

    username: str = ""
    password: Secret | None = None
    database: int = 0
    tls: ssl.SSLContext | None = None
    patience: float = field(default=CONNECT_SECONDS)

    def connection(self, address: Address) -> DirectConnection:
        """A connection to an address, not yet opened."""
        arguments: dict[str, Any] = {
            "db": self.database,
            "username": self.username or None,
            "password": self.password.reveal() if self.password else None,
            "socket_timeout": None,
            "socket_connect_timeout": self.patience,
            "retry": Retry(NoBackoff(), 0),
            "driver_info": None,
            "protocol": 2,
        }
        if address.path:
            return SocketConnection(path=address.path, **arguments)
        arguments |= {"host": address.host, "port": address.port}
        if self.tls is not None:
            return TlsConnection(tls=self.tls, **arguments)
        return PlainConnection(**arguments)

    def of_sentinel(self, password: Secret | None) -> "ConnectionOptions":
        """How to connect to a sentinel, which has no databases and its own passwords."""
        return evolve(self, username="", password=password, database=0)
