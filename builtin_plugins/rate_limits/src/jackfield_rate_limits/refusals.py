"""The errors with which requests are refused."""

from math import ceil

from jackfield.errors import GatewayError, Overloaded, ProviderError, RateLimited

from .rate import LimitAccount


class RateLimitUnavailable(Overloaded):
    """The state of a limit is unknown, because the store does not answer."""

    code = "rate_limit_unavailable"


class TargetLimited(ProviderError):
    """The limit of a target is reached; another target may serve the request."""

    status = 429
    code = "rate_limited"


def reached(member: LimitAccount, need: int, wait: float) -> GatewayError:
    """The error for a limit that will have room again in some seconds."""
    limit = member.limit.amount
    if member.measure == "concurrent":
        what = f"{limit} concurrent requests"
    else:
        what = f"{limit} {member.measure.replace('_', ' ')} per {member.window}"
    message = f"The rate limit {member.label!r} of {what} is reached."
    seconds: float | None = float(max(1, ceil(wait)))
    if need <= limit:
        message = f"{message} Try again in {seconds:.0f} s."
    else:
        message = f"{message} This request may need {need}, more than the whole limit."
        seconds = None
    if member.about_target:
        return TargetLimited(message, retry_after=seconds)
    return RateLimited(message, retry_after=seconds)


def unavailable(member: LimitAccount) -> RateLimitUnavailable:
    """The error while the store is unavailable."""
    return RateLimitUnavailable(
        f"The state of the rate limit {member.label!r} is not available at the moment.",
        retry_after=1.0,
    )
