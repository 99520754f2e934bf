"""What the admin API refuses with, besides the errors that every endpoint has."""

from jackfield.errors import GatewayError, Overloaded, RateLimited


class AlreadyExists(GatewayError):
    """There is one with this id already."""

    status = 409
    code = "already_exists"


class InUse(GatewayError):
    """Something else depends on what is to be deleted or changed."""

    status = 409
    code = "in_use"


class Declared(GatewayError):
    """It is declared in the configuration file and can be changed there alone."""

    status = 409
    code = "declared_in_file"


class Stale(GatewayError):
    """It is not any more what `If-Match` says, or somebody else has just changed it."""

    status = 412
    code = "precondition_failed"


class OtherGateway(GatewayError):
    """The command is meant for another gateway than the one that answers at this address."""

    status = 421
    code = "other_gateway"


class KeyReused(GatewayError):
    """The idempotency key has come with another request before."""

    status = 422
    code = "idempotency_key_reused"


class Busy(Overloaded):
    """Other changes are being made and do not come to an end."""

    code = "administration_busy"


class AuditUnavailable(Overloaded):
    """The change could not be written to the audit log and was therefore not made."""

    code = "audit_unavailable"


class LockedOut(RateLimited):
    """Too many requests from this address had no valid key."""

    code = "locked_out"
