"""The upstream client: pooled HTTP/1.1 to configured origins, with deadlines and limits."""

from .answer import Answer
from .client import Client
from .headers import header_lines
from .origin import Origin
from .relay import Relay
from .url import read_base_url
from .websocket import SocketLimits, WebSocketConnection

__all__ = [
    "Answer",
    "Client",
    "Origin",
    "Relay",
    "SocketLimits",
    "WebSocketConnection",
    "header_lines",
    "read_base_url",
]
