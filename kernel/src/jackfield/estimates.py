"""What an exchange has used, as far as it was reported, and else as near as can be told."""

from typing import Final, Literal

from msgspec.structs import replace

from jackfield._media_bounds import images_asked, read_body
from jackfield.bounds import is_billable
from jackfield.exchange import Exchange
from jackfield.messages import Usage
from jackfield.rates import CHARACTERS
from jackfield.response import Outcome

Basis = Literal["reported", "estimated", "presumed"]
"""Who says so: the provider, the gateway after a cut, or a promise of a process that died."""

_BYTES_A_TOKEN: Final = 4
_NOTHING: Final = Usage()


def settled_usage(exchange: Exchange, outcome: Outcome) -> tuple[Usage, Basis]:
    """What an exchange is billed for, once it is over.

    Of a stream that was cut a provider bills what it had made by then: its input, and a token for
    each event that had come. A request that failed before there was an answer is billed nothing.
    """
    usage = outcome.usage
    if not is_billable(exchange):
        return _NOTHING, "reported"
    if usage is not None and outcome.usage_complete:
        return usage, "reported"
    if exchange.tap is None and outcome.kind == "answered":  # no provider has answered
        return _NOTHING, "reported"
    if outcome.kind == "answered" and usage is None and not outcome.events:
        return _of_request(exchange), "estimated"
    was_begun = outcome.events or outcome.kind in ("truncated", "client_gone", "shutdown")
    if not was_begun or not exchange.attempts:
        return usage or _NOTHING, "estimated" if usage else "reported"
    known = usage or _NOTHING
    given = known.input_tokens or len(exchange.request.body) // _BYTES_A_TOKEN + 1
    made = max(known.output_tokens, outcome.events)
    return replace(known, input_tokens=given, output_tokens=made), "estimated"


def _of_request(exchange: Exchange) -> Usage:
    """What an answer is billed that does not tell: speech by its letters, images by their number.

    Anything else is taken to have the tokens of its text.
    """
    if not exchange.dialect.translates:
        _, members = read_body(exchange)
        text = members.get("input")
        if "voice" in members and isinstance(text, str):
            return Usage(units={CHARACTERS: len(text)})
        if exchange.operation == "images":
            return Usage(units={"image": images_asked(members)})
        return _NOTHING
    return Usage(len(exchange.request.body) // _BYTES_A_TOKEN + 1)
