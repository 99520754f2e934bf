"""Asks a provider to report the usage of a stream, on behalf of the gateway alone."""

from jackfield import json_spans
from jackfield.dialects import Dialect
from jackfield.exchange import Exchange

_REFUSALS = (400, 422)


class UsageQuestion:
    """Whether to ask one provider. One that answers without being asked is not asked again."""

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known = True

    def arises(self, exchange: Exchange, dialect: Dialect) -> bool:
        """Whether the provider must be asked although the client has not."""
        switch = dialect.usage_switch
        if not (switch and exchange.usage_wanted and exchange.stream and self.known):
            return False
        value = exchange.tree
        for key in switch:
            value = value.get(key) if type(value) is dict else None
        return value is not True

    def put(self, body: bytes, dialect: Dialect) -> bytes:
        """The body with the question added; every other byte is unchanged."""
        return json_spans.put(body, dialect.usage_switch, value=True)

    def is_refused(self, dialect: Dialect, status: int, said: bytes) -> bool:
        """Whether an error may mean that the question is not understood, or repeats the request."""
        return status in _REFUSALS and str(dialect.usage_switch[0]).encode() in said
