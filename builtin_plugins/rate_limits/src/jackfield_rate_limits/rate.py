"""A rate limit of the configuration, and its measures."""

from typing import Final, Literal, get_args

from attrs import field, frozen

from jackfield.allowances import Limit
from jackfield.config import option
from jackfield.scopes import Scope
from jackfield.store import Account
from jackfield.windows import Forever, Rolling, parse_window

Measure = Literal["requests", "concurrent", "tokens", "input_tokens", "output_tokens"]
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
TOKENS: Final = ("tokens", "input_tokens", "output_tokens")

_MOST: Final = 10**15


def _check_scope(_: object, __: object, text: str) -> None:
    Scope.from_text(text)


def _check_window(_: object, __: object, text: str) -> None:
    if not isinstance(parse_window(text), Rolling):
        raise ValueError(f'the window {text!r} is not rolling; use one such as "1m", "1h" or "1d"')


def _check_amount(_: object, __: object, amount: int | None) -> None:
    if amount is not None and not 0 <= amount <= _MOST:
        raise ValueError(f"{amount} is not a limit; use 0 to {_MOST}")


@frozen(kw_only=True)
class Rate:
    """`[plugins.rate_limits.limits.NAME]`."""

    scope: str = option(
        "gateway",
        "What it applies to: `gateway`, `organization:ID`, `team:ID`, `user:ID`, `project:ID`,"
        " `key:ID`, `provider:NAME`, `model:PATTERN`, `tag:NAME=VALUE`, `session` or `ip:ADDRESS`;"
        " with `*` as its value each value has its own limit.",
        validator=_check_scope,
    )
    window: str = option("1m", "The length of the rolling window.", validator=_check_window)
    requests: int | None = option(None, "Requests in a window.", validator=_check_amount)
    tokens: int | None = option(None, "Tokens in a window.", validator=_check_amount)
    input_tokens: int | None = option(None, "Input tokens in a window.", validator=_check_amount)
    output_tokens: int | None = option(None, "Output tokens in a window.", validator=_check_amount)
    concurrent: int | None = option(None, "Concurrent requests.", validator=_check_amount)

    def __attrs_post_init__(self) -> None:
        if not self.amounts():
            raise ValueError("it limits nothing: set requests, tokens or concurrent")

    def amounts(self) -> dict[Measure, int]:
        """The limit of each measure."""
        given = {measure: getattr(self, measure) for measure in MEASURES}
        return {measure: amount for measure, amount in given.items() if amount is not None}


@frozen(eq=False)
class LimitAccount:
    """One measure of one rate limit that applies to a request, and its account.

    `at` is the index of the measure in `Amounts`.
    """

    name: str
    measure: Measure
    limit: Limit
    value: str
    window: str
    about_target: bool
    at: int = field(init=False)
    amount: str = field(init=False)

    @at.default
    def _at(self) -> int:
        return MEASURES.index(self.measure)

    @amount.default
    def _amount(self) -> str:
        return str(self.limit.amount)

    @property
    def label(self) -> str:
        """Its name, and its value if each value has its own account."""
        return f"{self.name} ({self.value})" if self.value else self.name


Amounts = tuple[int, int, int, int, int]
"""What is counted of one request, in the order of `MEASURES`."""


def needed(input_tokens: int, output_tokens: int) -> Amounts:
    """The amounts for a request that may use these tokens."""
    return 1, 1, input_tokens + output_tokens, input_tokens, output_tokens


def used(input_tokens: int, output_tokens: int) -> Amounts:
    """The amounts for a request that has ended: its concurrency slot is free again."""
    return 1, 0, input_tokens + output_tokens, input_tokens, output_tokens


def account_of(
    name: str, rate: Rate, scope: Scope, value: str, measure: Measure, tenant: str
) -> LimitAccount:
    """The account of a rate for one measure and one value of its scope."""
    # Values are chosen by a tenant, so an account per value belongs to the tenant.
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
    return LimitAccount(name, measure, limit, own, rate.window, scope.about_target)
