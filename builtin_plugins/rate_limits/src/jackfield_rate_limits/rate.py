"""A rate limit as it is written in the configuration, and what it limits."""

from collections.abc import Iterable
from typing import Final, Literal

from attrs import field, frozen

from jackfield.allowances import Limit
from jackfield.config import option
from jackfield.exchange import Exchange
from jackfield.plan import Target
from jackfield.scopes import Scope, Sight, Sights
from jackfield.store import Account
from jackfield.windows import Forever, Rolling, parse_window

Measure = Literal["requests", "concurrent", "tokens", "input_tokens", "output_tokens"]
TOKENS: Final = ("tokens", "input_tokens", "output_tokens")

_MOST_KEPT: Final = 4096
_MOST: Final = 10**15


def _check_scope(_: object, __: object, text: str) -> None:
    Scope.from_text(text)


def _check_window(_: object, __: object, text: str) -> None:
    if not isinstance(parse_window(text), Rolling):
        raise ValueError(f'the window {text!r} does not roll; write one such as "1m", "1h" or "1d"')


def _check_amount(_: object, __: object, amount: int | None) -> None:
    if amount is not None and not 0 <= amount <= _MOST:
        raise ValueError(f"{amount} is no limit; it must be between 0 and {_MOST}")


@frozen(kw_only=True)
class Rate:
    """`[plugins.rate_limits.limits.NAME]`."""

    scope: str = option(
        "gateway",
        "What it is for: `gateway`, `organization:ID`, `team:ID`, `user:ID`, `project:ID`,"
        " `key:ID`, `provider:NAME`, `model:PATTERN`, `tag:NAME=VALUE`, `session` or `ip:ADDRESS`;"
        " with `*` as its value each value has a limit of its own.",
        validator=_check_scope,
    )
    window: str = option("1m", "For how long what happens counts.", validator=_check_window)
    requests: int | None = option(None, "Requests in a window.", validator=_check_amount)
    tokens: int | None = option(None, "Tokens in a window.", validator=_check_amount)
    input_tokens: int | None = option(None, "Input tokens in a window.", validator=_check_amount)
    output_tokens: int | None = option(None, "Output tokens in a window.", validator=_check_amount)
    concurrent: int | None = option(None, "Requests at once.", validator=_check_amount)

    def __attrs_post_init__(self) -> None:
        if not self.amounts():
            raise ValueError("it limits nothing: give requests, tokens or concurrent")

    def amounts(self) -> dict[Measure, int]:
        """What is limited."""
        given: dict[Measure, int | None] = {
            "requests": self.requests,
            "concurrent": self.concurrent,
            "tokens": self.tokens,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }
        return {measure: amount for measure, amount in given.items() if amount is not None}


@frozen(eq=False)
class Share:
    """One measure of one rate limit, and the account of it that a request falls under."""

    name: str
    measure: Measure
    limit: Limit
    value: str
    window: str
    about_target: bool
    amount: str = field(init=False)

    @amount.default
    def _amount(self) -> str:
        return str(self.limit.amount)

    @property
    def label(self) -> str:
        """Its name, and whose it is."""
        return f"{self.name} ({self.value})" if self.value else self.name


@frozen(eq=False)
class Terms:
    """What a request falls under at one place of its path: first requests, then what is held."""

    requests: tuple[Share, ...] = ()
    held: tuple[Share, ...] = ()
    shares: tuple[Share, ...] = field(init=False)
    limits: tuple[Limit, ...] = field(init=False)
    counts_tokens: bool = field(init=False)

    @shares.default
    def _shares(self) -> tuple[Share, ...]:
        return self.requests + self.held

    @limits.default
    def _limits(self) -> tuple[Limit, ...]:
        return tuple(share.limit for share in self.shares)

    @counts_tokens.default
    def _counts_tokens(self) -> bool:
        return any(share.measure in TOKENS for share in self.held)


class Rates:
    """All rate limits, and the terms that follow from them, kept for requests that are alike.

    Requests and requests at once are counted when a request comes, unless the limit is one of a
    target; all else at each attempt.
    """

    def __init__(self, rates: Iterable[tuple[str, Rate]]) -> None:
        self._rates = [(name, rate, Scope.from_text(rate.scope)) for name, rate in rates]
        self._sights = Sights(scope for _, _, scope in self._rates)
        self._kept: dict[object, Terms] = {}
        self.has_target_terms = any(
            scope.about_target or not rate.amounts().keys().isdisjoint(TOKENS)
            for _, rate, scope in self._rates
        )

    def terms(self, exchange: Exchange, target: Target | None) -> Terms:
        """What a request falls under, on its arrival or at an attempt at a target."""
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
            _share(name, rate, scope, value, measure, sight.principal.tenant)
            for name, rate, scope in self._rates
            for value in scope.values(sight)
            for measure in rate.amounts()
        ]
        late = sight.target is not None
        here = [share for share in shares if _is_late(share) is late]
        return Terms(
            tuple(share for share in here if share.measure == "requests"),
            tuple(share for share in here if share.measure != "requests"),
        )


def _is_late(share: Share) -> bool:
    return share.about_target or share.measure in TOKENS


def _share(name: str, rate: Rate, scope: Scope, value: str, measure: Measure, tenant: str) -> Share:
    """Values are a tenant's own words: where each has an account, it is the tenant's."""
    account = Account("", f"rate:{name}:{measure}")
    if scope.each:
        shared = scope.kind in ("ip", "provider")
        account = Account("" if shared else tenant, f"rate:{name}:{measure}:{value}")
    amount = rate.amounts()[measure]
    if measure == "concurrent":
        limit = Limit(account, amount, Forever(), "drop")
    else:
        limit = Limit(account, amount, parse_window(rate.window), "charge")
    own = value if scope.each else ""
    return Share(name, measure, limit, own, rate.window, scope.about_target)
