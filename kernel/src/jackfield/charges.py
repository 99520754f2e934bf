"""What one call of a provider is charged, the same in records as in budgets."""

from operator import attrgetter
from typing import Final, Literal

import msgspec
from attrs import define
from msgspec.structs import replace

from jackfield._tap import Tap
from jackfield.bounds import Bound, is_billable
from jackfield.errors import (
    GatewayError,
    PluginFailure,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    ProviderUntrusted,
)
from jackfield.estimates import Basis, settled_usage
from jackfield.exchange import Exchange
from jackfield.messages import Usage
from jackfield.plan import Target
from jackfield.prices import Cost, PriceBook
from jackfield.response import Outcome

Unreported = Literal["bound", "estimate"]
"""What is charged where a provider has not said what was used: the most it can be, or a guess."""

Billing = Literal["priced", "unpriced", "free"]

_BYTES_A_TOKEN: Final = 4
_nano: Final = attrgetter("nano")
_OUTPUTS: Final = (
    "output_tokens",
    "reasoning_tokens",
    "audio_output_tokens",
    "image_output_tokens",
)
"""The classes of what comes out."""

_MADE: Final = ("batches", "resources")
_FREE: Final = ("models", "files")
_CANCELS: Final = ("/cancel", ":cancel")


class Charge(msgspec.Struct, frozen=True):
    """What is charged, in money and in tokens; `usage` is what was used as far as it is known."""

    usage: Usage
    cost: Cost
    input_tokens: int
    output_tokens: int
    basis: Basis


@define(eq=False)
class Call:
    """One call of a provider that may be billed. `at` is when it began, `size` that of its body.

    `tap` tells its usage, once the provider has answered.
    """

    target: Target
    bound: Bound
    size: int
    at: float
    tap: Tap | None = None

    def charge(
        self, prices: PriceBook, unreported: Unreported, told: Usage | None = None
    ) -> Charge:
        """What it is charged; `told` is what its request says of an answer that tells no usage."""
        usage = self.tap.usage() if self.tap is not None else None
        if usage is not None and not (usage.total_tokens or usage.units or usage.cost):
            usage = None  # no answer takes nothing: it is said in a way that nobody can read
        if usage is not None and self.tap is not None and self.tap.is_complete():
            return self._priced(prices, usage, usage, "reported")
        if usage is None and told is not None:
            return self._priced(prices, told, told, "estimated")
        guess = self._guess(usage)
        if unreported == "estimate":
            return self._priced(prices, guess, guess, "estimated")
        most = self.most(guess)
        if usage is None or not usage.input_tokens or usage.bills:
            return most
        # It is known what went in, and at which rates; what came out is as much as could, of what
        # is dearest.
        known, made = replace(usage, cost=None), self.bound.output_tokens
        longest = [replace(known, **{"output_tokens": made, kind: made}) for kind in _OUTPUTS]
        least = max(
            [self._priced(prices, each, guess, "estimated").cost for each in longest], key=_nano
        )
        given = min(usage.input_tokens, most.input_tokens)
        return replace(most, cost=min(least, most.cost, key=_nano), input_tokens=given)

    def most(self, usage: Usage, basis: Basis = "estimated") -> Charge:
        """All that it can be charged."""
        bound = self.bound
        cost = Cost(bound.nano or 0, missing=bound.nano is None)
        return Charge(usage, cost, bound.input_tokens, bound.output_tokens, basis)

    def presumed(self) -> Charge:
        """What it is charged if this process dies."""
        return self.most(Usage(self.bound.input_tokens, self.bound.output_tokens), "presumed")

    def _priced(self, prices: PriceBook, charged: Usage, usage: Usage, basis: Basis) -> Charge:
        cost = prices.cost(self.target, charged, at=self.at)
        if cost.missing:
            cost = replace(cost, nano=max(cost.nano, self.bound.nano or 0))
        return Charge(usage, cost, charged.input_tokens, charged.output_tokens, basis)

    def _guess(self, usage: Usage | None) -> Usage:
        """A token for each event of a stream, and one for some bytes of the request."""
        known = usage or Usage()
        events = self.tap.seen() if self.tap is not None else 0
        given = min(self.bound.input_tokens, self.size // _BYTES_A_TOKEN + 1)
        made = min(self.bound.output_tokens, events)
        return replace(
            known,
            input_tokens=known.input_tokens or given,
            output_tokens=max(known.output_tokens, made),
        )


def billing_of(exchange: Exchange) -> Billing:
    """Whether what is asked has a price, costs something that cannot be told, or nothing."""
    endpoint = exchange.endpoint
    cancels = exchange.request.path.endswith(_CANCELS)
    if endpoint.permission in _MADE and exchange.request.method == "POST" and not cancels:
        return "unpriced"
    free = endpoint.permission in _FREE or cancels or not is_billable(exchange)
    return "free" if free else "priced"


def told_by_request(exchange: Exchange, outcome: Outcome) -> Usage | None:
    """What an answer is billed by where that stands in its request: letters, images."""
    if exchange.dialect.translates or outcome.kind != "answered" or outcome.usage is not None:
        return None
    usage, _ = settled_usage(exchange, outcome)
    return usage if usage.units else None


def is_unbilled(error: GatewayError) -> bool:
    """Whether an attempt that ended so is certainly not billed.

    The provider answered with an error and nothing else, or was never reached.
    """
    if not isinstance(error, ProviderError):
        return not isinstance(error, PluginFailure)
    if isinstance(error, ProviderTimeout):
        return error.phase == "connect"
    if isinstance(error, ProviderUntrusted):
        return True
    if isinstance(error, ProviderUnavailable):
        cause = error.__cause__
        broken = ConnectionResetError | BrokenPipeError | ConnectionAbortedError
        return isinstance(cause, OSError) and not isinstance(cause, broken)
    return error.upstream_status is not None
