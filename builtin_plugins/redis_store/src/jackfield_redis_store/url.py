"""A server's address as a URL, which is a secret if it contains a password."""

from typing import ClassVar, Self
from urllib.parse import SplitResult, unquote, urlsplit

from attrs import frozen

from jackfield.address import Address
from jackfield.secrets import Secret, SecretRef

from .connections import ConnectionOptions
from .tls import tls_context

_FORM = "write redis://host:port/database, rediss://… for TLS, or unix:///path/to/socket"


@frozen
class Location:
    """The parts of a URL."""

    address: Address
    tls: bool = False
    database: int = 0
    username: str = ""
    password: Secret | None = None

    @classmethod
    def of(cls, text: str) -> Self:
        """Parse a URL. Raises ValueError that does not repeat it."""
        parts = urlsplit(text)
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ValueError(f"not the URL of a Redis server; {_FORM}")
        if parts.query or parts.fragment:
            raise ValueError("the URL contains options; set the keys of this table instead")
        password = unquote(parts.password or "")
        return cls(
            address=_address(parts),
            tls=parts.scheme == "rediss",
            database=0 if parts.scheme == "unix" else _database(parts.path),
            username=unquote(parts.username or ""),
            password=Secret(password) if password else None,
        )

    def __str__(self) -> str:
        if self.address.path:
            return f"unix://{self.address.path}"
        scheme = "rediss" if self.tls else "redis"
        return f"{scheme}://{self.address}/{self.database}"

    def connection_options(self) -> ConnectionOptions:
        """How to connect to it."""
        tls = tls_context() if self.tls else None
        return ConnectionOptions(self.username, self.password, self.database, tls)


@frozen
class RedisUrl:
    """A URL without a password, or a reference to a secret that holds the URL."""

    toml_name: ClassVar[str] = "URL or secret reference"

    where: Location | SecretRef

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Parse either. Raises ValueError that says what is wrong, without repeating it."""
        if not text.startswith(("redis:", "rediss:", "unix:")):
            return cls(SecretRef.from_text(text))
        location = Location.of(text)
        if location.password:
            raise ValueError(
                "a password must not be in the file; leave it out of the URL and set `password`"
                ' to a reference such as "env:REDIS_PASSWORD"'
            )
        return cls(location)

    def __str__(self) -> str:
        return str(self.where)


def _address(parts: SplitResult) -> Address:
    if parts.scheme == "unix":
        if not parts.path:
            raise ValueError(f"no path in the URL; {_FORM}")
        return Address(path=unquote(parts.path))
    try:
        port = parts.port or 6379
    except ValueError:
        raise ValueError(f"the port in the URL is not a port number; {_FORM}") from None
    return Address(parts.hostname or "127.0.0.1", port)


def _database(path: str) -> int:
    number = path.strip("/")
    if number and not number.isdecimal():
        raise ValueError(f"the database in the URL is not a number; {_FORM}")
    return int(number or 0)
