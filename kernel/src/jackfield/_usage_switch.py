"""Makes a provider report the usage of a stream, for the gateway alone."""

from jackfield import json_spans
from jackfield.dialects import Dialect
from jackfield.exchange import Exchange

_REJECTIONS = (400, 422)


class UsageSwitch:
    """Sets the member of a request that makes one provider report a stream's usage.

    `accepted` is whether the provider is known to take it: a provider that answers only without the
    member does not get it again.
    """

    __slots__ = ("accepted",)

    def __init__(self, accepted: bool) -> None:
        self.accepted = accepted

    def is_needed(self, exchange: Exchange, dialect: Dialect) -> bool:
        """Whether the gateway needs the usage, and the client does not request it."""
        switch = dialect.usage_switch
        if not (switch and exchange.usage_wanted and exchange.stream and self.accepted):
            return False
        value = exchange.tree
        for key in switch:
            value = value.get(key) if type(value) is dict else None
        return value is not True

    def turn_on(self, body: bytes, dialect: Dialect) -> bytes:
        """The body with the member set; every other byte is unchanged."""
        return json_spans.put(body, dialect.usage_switch, value=True)

    def is_rejected(self, dialect: Dialect, status: int, error: bytes) -> bool:
        """Whether an error may be about the member: it names it, or repeats the request."""
        return status in _REJECTIONS and str(dialect.usage_switch[0]).encode() in error
