"""Errors of the admin API, besides those that every endpoint has."""

from jackfield.errors import GatewayError, Overloaded, RateLimited


class AlreadyExists(GatewayError):
    """An item with this id already exists."""

    status = 409
    code = "already_exists"


class InUse(GatewayError):
    """Something else depends on the item that is to be deleted or changed."""

    status = 409
    code = "in_use"


class Declared(GatewayError):
    """The item is declared in the configuration file and can only be changed there."""

    status = 409
    code = "declared_in_file"


class Stale(GatewayError):
    """The item no longer matches `If-Match`, or somebody else has just changed it."""

    status = 412
    code = "precondition_failed"


class OtherGateway(GatewayError):
    """The command is meant for another gateway than the one at this address."""

    status = 421
    code = "other_gateway"


class KeyReused(GatewayError):
    """The idempotency key was used with another request before."""

    status = 422
    code = "idempotency_key_reused"


class Busy(Overloaded):
    """Other changes are in progress and do not finish."""

    code = "administration_busy"


class AuditUnavailable(Overloaded):
    """The change could not be written to the audit log and was therefore not made."""

    code = "audit_unavailable"


class LockedOut(RateLimited):
    """Too many requests from this address had no valid key."""

    code = "locked_out"
