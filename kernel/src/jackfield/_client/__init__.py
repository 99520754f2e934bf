"""The upstream client: pooled HTTP/1.1 to configured origins, with deadlines and limits."""

from .answer import Answer
from .client import Client
from .headers import ONCE, check_addition, header_lines, passed_on
from .origin import Origin
from .relay import Relay
from .table import check_table
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
    "check_table",
    "header_lines",
    "passed_on",
]
