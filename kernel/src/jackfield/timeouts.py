"""How long a provider may take for each step of an answer, and how large that may be."""

from attrs import field, frozen
from attrs.validators import gt

LARGEST_ANSWER = 30 << 20
"""Bytes of a whole answer unless configured otherwise: 32 MiB of memory suffice for it."""


def _seconds(default: float, doc: str) -> float:
    made: float = field(default=default, validator=gt(0), metadata={"doc": doc})
    return made


@frozen(kw_only=True)
class Timeouts:
    """The four deadlines of one exchange with a provider, in seconds.

    `connect` covers the wait for a free connection, DNS, TCP and TLS; `first_byte` the status and
    headers, with a second more for each MiB of the request; `between_events` the wait for the next
    event of a stream, or the next bytes of a body; `total` everything.
    """

    connect: float = _seconds(5.0, "For a free connection, DNS, TCP and TLS.")
    first_byte: float = _seconds(60.0, "For the status and the headers of the answer.")
    between_events: float = _seconds(30.0, "For the next event of a stream, or the next bytes.")
    total: float = _seconds(600.0, "For the whole answer.")
