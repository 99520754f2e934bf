"""Why a request is refused, in words for the caller."""

from datetime import UTC, datetime
from math import ceil, inf

from jackfield.allowances import LimitReached
from jackfield.errors import GatewayError, NotServed, Overloaded, ProviderError, RateLimited
from jackfield.plan import Target

from .book import Share

_DAY = 86_400


class BudgetExceeded(RateLimited):
    """A budget has no room for the request; another try will not help before it resets."""

    code = "budget_exceeded"


class TargetBudgetExceeded(ProviderError):
    """The budget of a target has no room for the request; another target may serve it."""

    status = 429
    code = "budget_exceeded"


class BudgetUnavailable(Overloaded):
    """What is left of a budget is not known, for the store does not answer."""

    code = "budget_unavailable"


class PriceMissing(NotServed):
    """The target has no price, so that it cannot be served under a budget in money."""

    code = "price_missing"


def exceeded(share: Share, reached: LimitReached, now: float) -> GatewayError:
    """The refusal by a budget."""
    budget, limit = share.budget, reached.limit
    message = (
        f"The budget {share.label!r} of {budget.show(limit.amount)}{_per(share)} has no room for"
        f" this request, which may need {budget.show(reached.need)}."
    )
    if reached.need > limit.amount:
        message += " That is more than the whole budget; ask for fewer output tokens."
        return _refusal(share, message, None)
    balance = reached.balance
    message += f" {budget.show(balance.spent)} are spent"
    message += f" and {budget.show(balance.held)} reserved." if balance.held else "."
    if reached.resets_at == inf:
        return _refusal(share, f"{message} It does not reset.", None)
    when = datetime.fromtimestamp(reached.resets_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    seconds = ceil(reached.resets_at - now)  # who comes a moment too soon is refused again
    wait = float(seconds) if seconds <= _DAY else None
    return _refusal(share, f"{message} It resets at {when}.", wait)


def unavailable(share: Share) -> BudgetUnavailable:
    """The refusal while the store is away."""
    return BudgetUnavailable(
        f"What is left of the budget {share.label!r} cannot be told at the moment.",
        retry_after=1.0,
    )


def price_missing(share: Share, target: Target) -> PriceMissing:
    """The refusal of what has no price."""
    return PriceMissing(
        f"The model {str(target)!r} has no price, and the budget {share.label!r} is in dollars."
        f' Set one in the configuration: [prices."{target}"] with input and output.',
        param="model",
    )


def unpriced(share: Share, operation: str) -> PriceMissing:
    """The refusal of what costs an amount that cannot be told before."""
    return PriceMissing(
        f"What {operation} cost cannot be told before, and the budget {share.label!r} is hard."
        ' Allow them with `unpriced = "allow"` in [plugins.budgets]; they are not charged then.'
    )


def _per(share: Share) -> str:
    window = share.limit.window
    return "" if str(window) == "none" else f" per {window}"


def _refusal(share: Share, message: str, wait: float | None) -> GatewayError:
    if share.about_target:
        return TargetBudgetExceeded(message, retry_after=wait)
    return BudgetExceeded(message, retry_after=wait)
