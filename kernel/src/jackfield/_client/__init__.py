"""The upstream client: pooled HTTP/1.1 to configured origins, with deadlines and limits."""

from .answer import Answer
from .client import Client
from .headers import ONCE, check_addition, header_lines, passed_on
from .origin import Origin
from .relay import Relay
from .url import read_base_url
from .websocket import SocketLimits, WebSocketConnection

__all__ = [
    "ONCE",
    "Answer",
    "Client",
    "Origin",
    "Relay",
    "SocketLimits",
    "WebSocketConnection",
    "check_addition",
    "header_lines",
    "passed_on",
    "read_base_url",
]
