"""The rate limits that apply to a request, on arrival and at each attempt."""

from collections.abc import Iterable
from typing import Final

from attrs import field, frozen

from jackfield.allowances import Limit
from jackfield.exchange import Exchange
from jackfield.plan import Target
from jackfield.scopes import Scope, Sight, Sights

from .rate import TOKENS, Amounts, Rate, Share, share_of
from .told import Board

_MOST_KEPT: Final = 4096


@frozen(eq=False)
class Terms:
    """The limits that apply at one stage: those of requests first, then those that are held.

    `known` has all limits that have applied by then; the caller sees them in headers, formatted by
    `boards`, one per dialect.
    """

    requests: tuple[Share, ...] = ()
    held: tuple[Share, ...] = ()
    known: tuple[Share, ...] = ()
    shares: tuple[Share, ...] = field(init=False)
    limits: tuple[Limit, ...] = field(init=False)
    places: tuple[int, ...] = field(init=False)
    ones: tuple[int, ...] = field(init=False)
    counts_tokens: bool = field(init=False)
    boards: dict[str, Board] = field(init=False, factory=dict)

    @shares.default
    def _shares(self) -> tuple[Share, ...]:
        return self.requests + self.held

    @limits.default
    def _limits(self) -> tuple[Limit, ...]:
        return tuple(share.limit for share in self.shares)

    @places.default
    def _places(self) -> tuple[int, ...]:
        return tuple(share.at for share in self.shares)

    @ones.default
    def _ones(self) -> tuple[int, ...]:
        return (1,) * len(self.limits)

    @counts_tokens.default
    def _counts_tokens(self) -> bool:
        return any(share.measure in TOKENS for share in self.held)

    def needs(self, amounts: Amounts) -> list[int]:
        """The amounts to reserve of each limit."""
        return [amounts[at] for at in self.places]

    def spent(self, amounts: Amounts) -> list[int]:
        """The amounts spent of what is held."""
        return [amounts[at] for at in self.places[len(self.requests) :]]


class Rates:
    """All rate limits, and the terms that follow from them, cached for similar requests.

    Requests and concurrency are counted on arrival, unless the limit is that of a target;
    everything else is counted at each attempt.
    """

    def __init__(self, rates: Iterable[tuple[str, Rate]]) -> None:
        self._rates = [(name, rate, Scope.from_text(rate.scope)) for name, rate in rates]
        for name, _, _ in self._rates:
            if not name.isprintable():  # it is sent in headers
                raise ValueError(f"not a name of a limit: {name!r}; use printable characters")
        self._sights = Sights(scope for _, _, scope in self._rates)
        self._kept: dict[object, Terms] = {}
        self.has_target_terms = any(
            scope.about_target or not rate.amounts().keys().isdisjoint(TOKENS)
            for _, rate, scope in self._rates
        )

    def terms(self, exchange: Exchange, target: Target | None) -> Terms:
        """The limits that apply to a request, on arrival or at an attempt at a target."""
        key = self._sights.key(exchange, target)
        try:
            return self._kept[key]
        except KeyError:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            terms = self._kept[key] = self._terms(self._sights.sight(exchange, target))
            return terms

    def _terms(self, sight: Sight) -> Terms:
        shares = [
            share_of(name, rate, scope, value, measure, sight.principal.tenant)
            for name, rate, scope in self._rates
            for value in scope.values(sight)
            for measure in rate.amounts()
        ]
        late = sight.target is not None
        here = [share for share in shares if _is_late(share) is late]
        return Terms(
            tuple(share for share in here if share.measure == "requests"),
            tuple(share for share in here if share.measure != "requests"),
            tuple(share for share in shares if late or not _is_late(share)),
        )


def _is_late(share: Share) -> bool:
    return share.about_target or share.measure in TOKENS
