"""The charge for one call of a provider, the same in usage records as in budgets."""

from operator import attrgetter
from typing import Final, Literal

import msgspec
from attrs import define
from msgspec.structs import replace

from jackfield._tap import Tap
from jackfield.bounds import MOST, Bound, is_billable
from jackfield.errors import (
    GatewayError,
    PluginFailure,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    ProviderUntrusted,
)
from jackfield.estimates import UNUSED, Basis, settled_usage
from jackfield.exchange import Exchange
from jackfield.messages import Usage
from jackfield.plan import Target
from jackfield.prices import Cost, PriceBook
from jackfield.response import Outcome

Unreported = Literal["bound", "estimate"]
"""What is charged if a provider did not report usage: the upper bound, or an estimate."""

Billing = Literal["priced", "unpriced", "free"]

_BYTES_A_TOKEN: Final = 4
_nano: Final = attrgetter("nano")
_OUTPUTS: Final = (
    "output_tokens",
    "reasoning_tokens",
    "audio_output_tokens",
    "image_output_tokens",
)
"""The classes of output tokens."""

_MADE: Final = ("batches", "resources")
_FREE: Final = ("models", "files")
_CANCELS: Final = ("/cancel", ":cancel")


class Charge(msgspec.Struct, frozen=True):
    """The charge in money and tokens; `usage` is the actual usage as far as it is known."""

    usage: Usage
    cost: Cost
    input_tokens: int
    output_tokens: int
    basis: Basis


@define(eq=False)
class Call:
    """One call of a provider that may be billed.

    `at` is when it began, in seconds since 1970; `size` is the size of the request body in bytes.
    `tap` has its usage once the provider has answered.
    """

    target: Target
    bound: Bound
    size: int
    at: float
    tap: Tap | None = None

    def charge(
        self, prices: PriceBook, unreported: Unreported, implied: Usage | None = None
    ) -> Charge:
        """The charge for the call.

        `implied` is the usage that follows from the request, for answers that do not report any.
        """
        usage = self.tap.usage() if self.tap is not None else None
        counts = usage and (usage.total_tokens or usage.units or usage.cost)
        if not counts and usage is not UNUSED:
            usage = None  # no answer uses nothing: the provider reports it in an unknown form
        if usage is not None and self.tap is not None and self.tap.is_complete():
            charge = self._priced(prices, usage, usage, "reported")
            if charge.cost.nano <= MOST:
                return charge
            usage = None  # no answer costs as much
        if usage is None and implied is not None:
            return self._priced(prices, implied, implied, "estimated")
        guess = self._guess(usage)
        least = self._priced(prices, guess, guess, "estimated")
        if unreported == "estimate":
            return least
        most, made = self.most(guess), self.bound.output_tokens
        cost, given = most.cost, most.input_tokens
        if usage is not None and usage.input_tokens and not usage.bills:
            # The input and its rates are known; the output is taken to be as long as possible, and
            # of the most expensive class.
            known = replace(usage, cost=None)
            longest = [replace(known, **{"output_tokens": made, kind: made}) for kind in _OUTPUTS]
            costs = [self._priced(prices, each, guess, "estimated").cost for each in longest]
            cost = min(max(costs, key=_nano), cost, key=_nano)
            given = min(usage.input_tokens, given)
        if least.cost.nano <= MOST:  # a session has many answers, and the bound is that of one
            cost = max(cost, least.cost, key=_nano)
            given, made = max(given, least.input_tokens), max(made, least.output_tokens)
        return replace(most, cost=cost, input_tokens=given, output_tokens=made)

    def most(self, usage: Usage, basis: Basis = "estimated") -> Charge:
        """The upper bound of the charge."""
        bound = self.bound
        cost = Cost(bound.nano or 0, missing=bound.nano is None)
        return Charge(usage, cost, bound.input_tokens, bound.output_tokens, basis)

    def presumed(self) -> Charge:
        """The charge if this process dies during the call."""
        return self.most(Usage(self.bound.input_tokens, self.bound.output_tokens), "presumed")

    def _priced(self, prices: PriceBook, charged: Usage, usage: Usage, basis: Basis) -> Charge:
        cost = prices.cost(self.target, charged, at=self.at)
        if cost.missing:
            cost = replace(cost, nano=max(cost.nano, self.bound.nano or 0))
        return Charge(usage, cost, charged.input_tokens, charged.output_tokens, basis)

    def _guess(self, usage: Usage | None) -> Usage:
        """An estimate: one token per event of a stream, and one per few bytes of the request."""
        known = usage or Usage()
        events = self.tap.seen() if self.tap is not None else 0
        given = min(self.bound.input_tokens, self.size // _BYTES_A_TOKEN + 1)
        made = max(known.output_tokens, min(self.bound.output_tokens, events))
        return replace(known, input_tokens=known.input_tokens or given, output_tokens=made)


def billing_of(exchange: Exchange) -> Billing:
    """Whether the request has a price, has a cost that cannot be known in advance, or is free."""
    endpoint = exchange.endpoint
    cancels = exchange.request.path.endswith(_CANCELS)
    if endpoint.permission in _MADE and exchange.request.method == "POST" and not cancels:
        return "unpriced"
    free = endpoint.permission in _FREE or cancels or not is_billable(exchange)
    return "free" if free else "priced"


def implied_usage(exchange: Exchange, outcome: Outcome) -> Usage | None:
    """The usage that follows from the request, for answers that do not report any."""
    if exchange.dialect.translates or outcome.kind != "answered" or outcome.usage is not None:
        return None
    usage, _ = settled_usage(exchange, outcome)
    return usage if usage.units else None


def is_unbilled(error: GatewayError) -> bool:
    """Whether an attempt that failed with this error is certainly not billed.

    This is so if the provider answered with an error and nothing else, or was never reached.
    """
    if not isinstance(error, ProviderError):
        return not isinstance(error, PluginFailure)
    if error.answered or isinstance(error, ProviderUntrusted):
        return True
    if isinstance(error, ProviderTimeout):
        return error.phase == "connect"
    if isinstance(error, ProviderUnavailable):
        cause = error.__cause__
        broken = ConnectionResetError | BrokenPipeError | ConnectionAbortedError
        return isinstance(cause, OSError) and not isinstance(cause, broken)
    return error.upstream_status is not None
