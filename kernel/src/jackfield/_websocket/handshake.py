"""The opening handshake of a WebSocket, from both ends."""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha1
from os import urandom
from typing import Final

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]==")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BODY: Final = ("content-length", "transfer-encoding")


def request_problem(method: str, headers: Mapping[str, str]) -> str | None:
    """Why a request with `Upgrade` cannot open a WebSocket, in words for its sender."""
    if headers.get("upgrade", "").lower() != "websocket":
        return "The connection cannot be upgraded: leave out `Upgrade`."
    if method != "GET" or any(name in headers for name in _BODY):
        return "A WebSocket is opened with GET and without a body."
    if "upgrade" not in _tokens(headers.get("connection", "").lower()):
        return "A WebSocket is opened with `Connection: Upgrade`."
    if headers.get("sec-websocket-version") != "13":
        return "The only version of WebSocket spoken here is 13."
    if not _KEY.fullmatch(headers.get("sec-websocket-key", "")):
        return "`Sec-WebSocket-Key` is not 16 bytes in base64."
    return None


def new_key() -> str:
    """A key for a request from here."""
    return b64encode(urandom(16)).decode()


def accept_of(key: str) -> str:
    """The proof that a server has understood the request with this key."""
    return b64encode(sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def request_lines(key: str, protocols: Iterable[str]) -> bytes:
    """The header lines of a request from here; no extension is offered."""
    lines = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\n"
    )
    offered = ", ".join(protocols)
    if offered:
        lines += f"Sec-WebSocket-Protocol: {offered}\r\n"
    return lines.encode("ascii")


def answer_lines(key: str) -> str:
    """The header lines of an answer from here, apart from the chosen protocol."""
    accept = accept_of(key)
    return f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n"


def is_accepted(headers: Mapping[str, str], key: str, protocols: Sequence[str]) -> bool:
    """Whether an answer with status 101 opens the WebSocket that was asked for."""
    chosen = headers.get("sec-websocket-protocol")
    return (
        headers.get("upgrade", "").lower() == "websocket"
        and "upgrade" in _tokens(headers.get("connection", "").lower())
        and headers.get("sec-websocket-accept") == accept_of(key)
        and "sec-websocket-extensions" not in headers
        and (chosen is None or chosen in protocols)
    )


def offered(headers: Mapping[str, str]) -> list[str]:
    """The protocols that a client offers, in its order; invalid tokens are left out."""
    named = _tokens(headers.get("sec-websocket-protocol", ""))
    return [name for name in named if _TOKEN.fullmatch(name)]


def _tokens(value: str) -> list[str]:
    return [word.strip() for word in value.split(",")]
