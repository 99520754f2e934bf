"""The errors with which requests are refused."""

from datetime import UTC, datetime
from math import ceil, inf

from jackfield.allowances import LimitReached
from jackfield.errors import GatewayError, NotServed, Overloaded, ProviderError, RateLimited
from jackfield.plan import Target

from .budget_set import BudgetAccount

_DAY = 86_400


class BudgetExceeded(RateLimited):
    """A budget has no room for the request; a retry will not help before it resets."""

    code = "budget_exceeded"


class TargetBudgetExceeded(ProviderError):
    """The budget of a target has no room for the request; another target may serve it."""

    status = 429
    code = "budget_exceeded"


class BudgetUnavailable(Overloaded):
    """The balance of a budget is unknown, because the store does not answer."""

    code = "budget_unavailable"


class PriceMissing(NotServed):
    """The target has no price, so it cannot be used under a budget in money."""

    code = "price_missing"


def exceeded(member: BudgetAccount, reached: LimitReached, now: float) -> GatewayError:
    """The error for a budget without room."""
    budget, limit = member.budget, reached.limit
    message = (
        f"The budget {member.label!r} of {budget.show(limit.amount)}{_per(member)} has no room for"
        f" this request, which may need {budget.show(reached.need)}."
    )
    if reached.need > limit.amount:
        message += " That is more than the whole budget; ask for fewer output tokens."
        return _refusal(member, message, None)
    balance = reached.balance
    message += f" {budget.show(balance.spent)} are spent"
    message += f" and {budget.show(balance.held)} reserved." if balance.held else "."
    if reached.resets_at == inf:
        return _refusal(member, f"{message} It does not reset.", None)
    when = datetime.fromtimestamp(reached.resets_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    seconds = ceil(reached.resets_at - now)  # a retry just before it would be refused
    wait = float(seconds) if seconds <= _DAY else None
    return _refusal(member, f"{message} It resets at {when}.", wait)


def unavailable(member: BudgetAccount) -> BudgetUnavailable:
    """The error while the store is unavailable."""
    return BudgetUnavailable(
        f"The balance of the budget {member.label!r} is not available at the moment.",
        retry_after=1.0,
    )


def price_missing(member: BudgetAccount, target: Target) -> PriceMissing:
    """The error for a model without a price."""
    return PriceMissing(
        f"The model {str(target)!r} has no price, and the budget {member.label!r} is in dollars."
        f' If the name is right, set one in the configuration: [prices."{target}"], with input and'
        " output.",
        param="model",
    )


def unpriced(member: BudgetAccount, operation: str) -> PriceMissing:
    """The error for a request whose cost is not known in advance."""
    return PriceMissing(
        f"The cost of {operation} is not known in advance, and the budget {member.label!r} is hard."
        ' To allow it uncharged, set `unpriced = "allow"` in [plugins.budgets].'
    )


def _per(member: BudgetAccount) -> str:
    window = member.limit.window
    return "" if str(window) == "none" else f" per {window}"


def _refusal(member: BudgetAccount, message: str, wait: float | None) -> GatewayError:
    if member.about_target:
        return TargetBudgetExceeded(message, retry_after=wait)
    return BudgetExceeded(message, retry_after=wait)
