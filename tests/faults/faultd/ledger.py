"""The ledger of truth: what the faulty upstream really received and sent, request by request."""

import time

from attrs import define, field


@define(eq=False)
class Record:
    """One request as the upstream saw it; times are `time.monotonic()` seconds."""

    id: int
    connection: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    fault: str
    started: float = field(factory=time.monotonic)
    bytes_sent: int = 0
    events_sent: int = 0
    finished: float | None = None
    upstream_closed: bool = False
    client_closed: float | None = None


@define(eq=False)
class Ledger:
    """All records, and how many connections came and are still open."""

    records: list[Record] = field(factory=list)
    connections: int = 0
    open_connections: int = 0

    def last(self) -> Record:
        """The record of the newest request."""
        return self.records[-1]
