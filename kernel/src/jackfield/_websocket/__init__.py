"""WebSockets without their sockets: the protocol of RFC 6455, for the server and the client."""

from .frames import Message
from .inbox import Inbox
from .link import Link
from .reader import BrokenProtocol, FrameReader

__all__ = ["BrokenProtocol", "FrameReader", "Inbox", "Link", "Message"]
