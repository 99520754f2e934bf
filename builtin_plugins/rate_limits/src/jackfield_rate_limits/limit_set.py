"""The rate limits that apply to a request, on arrival and at each attempt."""

from collections.abc import Iterable
from typing import Final

from attrs import field, frozen

from jackfield.allowances import Limit
from jackfield.exchange import Exchange
from jackfield.plan import Target
from jackfield.scopes import Scope, Subject, Subjects

from .limit_headers import LimitHeaders
from .rate import TOKENS, Amounts, LimitAccount, Rate, account_of

_MOST_KEPT: Final = 4096


@frozen(eq=False)
class LimitSet:
    """The limits that apply at one stage: those of requests first, then those that are held.

    `known` has all limits that have applied by then; the caller sees them in headers, formatted by
    `headers`, one per dialect.
    """

    requests: tuple[LimitAccount, ...] = ()
    held: tuple[LimitAccount, ...] = ()
    known: tuple[LimitAccount, ...] = ()
    members: tuple[LimitAccount, ...] = field(init=False)
    limits: tuple[Limit, ...] = field(init=False)
    places: tuple[int, ...] = field(init=False)
    ones: tuple[int, ...] = field(init=False)
    counts_tokens: bool = field(init=False)
    headers: dict[str, LimitHeaders] = field(init=False, factory=dict)

    @members.default
    def _members(self) -> tuple[LimitAccount, ...]:
        return self.requests + self.held

    @limits.default
    def _limits(self) -> tuple[Limit, ...]:
        return tuple(member.limit for member in self.members)

    @places.default
    def _places(self) -> tuple[int, ...]:
        return tuple(member.at for member in self.members)

    @ones.default
    def _ones(self) -> tuple[int, ...]:
        return (1,) * len(self.limits)

    @counts_tokens.default
    def _counts_tokens(self) -> bool:
        return any(member.measure in TOKENS for member in self.held)

    def needs(self, amounts: Amounts) -> list[int]:
        """The amounts to reserve of each limit."""
        return [amounts[at] for at in self.places]

    def spent(self, amounts: Amounts) -> list[int]:
        """The amounts spent of what is held."""
        return [amounts[at] for at in self.places[len(self.requests) :]]


class LimitTable:
    """All rate limits; finds those that apply, cached for similar requests.

    Requests and concurrency are counted on arrival, unless the limit is that of a target;
    everything else is counted at each attempt.
    """

    def __init__(self, rates: Iterable[tuple[str, Rate]]) -> None:
        self._rates = [(name, rate, Scope.from_text(rate.scope)) for name, rate in rates]
        for name, _, _ in self._rates:
            if not name.isprintable():  # it is sent in headers
                raise ValueError(f"not a name of a limit: {name!r}; use printable characters")
        self._subjects = Subjects(scope for _, _, scope in self._rates)
        self._kept: dict[object, LimitSet] = {}
        self.has_target_limits = any(
            scope.about_target or not rate.amounts().keys().isdisjoint(TOKENS)
            for _, rate, scope in self._rates
        )

    def applying_to(self, exchange: Exchange, target: Target | None) -> LimitSet:
        """The limits that apply to a request, on arrival or at an attempt at a target."""
        key = self._subjects.key(exchange, target)
        try:
            return self._kept[key]
        except KeyError:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            rates = self._kept[key] = self._applying(self._subjects.subject(exchange, target))
            return rates

    def _applying(self, subject: Subject) -> LimitSet:
        members = [
            account_of(name, rate, scope, value, measure, subject.principal.tenant)
            for name, rate, scope in self._rates
            for value in scope.values(subject)
            for measure in rate.amounts()
        ]
        late = subject.target is not None
        here = [member for member in members if _is_late(member) is late]
        return LimitSet(
            tuple(member for member in here if member.measure == "requests"),
            tuple(member for member in here if member.measure != "requests"),
            tuple(member for member in members if late or not _is_late(member)),
        )


def _is_late(member: LimitAccount) -> bool:
    return member.about_target or member.measure in TOKENS
