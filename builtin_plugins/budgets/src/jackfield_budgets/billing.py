"""What of a provider's API is billed, and by what."""

from typing import Final, Literal

from jackfield.estimates import settled_usage
from jackfield.exchange import Exchange
from jackfield.messages import Usage
from jackfield.response import Outcome

_MADE: Final = ("batches", "resources")
_FREE: Final = ("models", "files")

Billing = Literal["priced", "unpriced", "free"]


def billing_of(exchange: Exchange) -> Billing:
    """Whether what is asked has a price, costs something that cannot be told, or nothing."""
    endpoint = exchange.endpoint
    if endpoint.permission in _MADE:
        makes = exchange.request.method == "POST"
        return "unpriced" if makes and not exchange.request.path.endswith("/cancel") else "free"
    if endpoint.permission in _FREE or endpoint.operation == "count_tokens":
        return "free"
    return "priced"


def told_by_request(exchange: Exchange, outcome: Outcome) -> Usage | None:
    """What an answer is billed by where that stands in its request: letters, images."""
    if exchange.dialect.translates or outcome.kind != "answered" or outcome.usage is not None:
        return None
    usage, _ = settled_usage(exchange, outcome)
    return usage if usage.units else None
