"""The receiving side of an open WebSocket, at either end of it."""

from collections.abc import Callable

from attrs import define, field

from jackfield._websocket.frames import PING, PONG
from jackfield._websocket.inbox import Inbox
from jackfield._websocket.reader import FrameReader


@define(eq=False)
class Link:
    """Turns what a peer sends into messages in its inbox, and answers pings.

    `control` sends a control frame, or drops it if the peer does not read.
    """

    inbox: Inbox
    _reader: FrameReader
    _control: Callable[[int, bytes], None]
    _received: bool = field(default=True, init=False)

    @property
    def ended(self) -> bool:
        """Whether the peer has closed its side, or can be treated as if it had."""
        return self._reader.closed

    def feed(self, data: bytes) -> int:
        """Handle what has been read; the number of messages in it. Raises BrokenProtocol.

        If several pings arrived together, only the last is answered.
        """
        self._received = True
        ping: bytes | None = None
        count = 0
        for message in self._reader.feed(data):
            if message.opcode == PING:
                ping = message.data
            elif message.opcode != PONG:
                self.inbox.put(message)
                count += 1
        if ping is not None:
            self._control(PONG, ping)
        return count

    def probe(self) -> bool:
        """Ping the peer; False if the last ping is still unanswered.

        A peer that is not being read cannot answer.
        """
        alive = self._received or self.inbox.held
        self._received = False
        if alive:
            self._control(PING, b"")
        return alive
