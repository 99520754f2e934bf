"""The law that a dialect recognizes its own errors."""

from typing import Final

import msgspec

from jackfield.errors import GatewayError, InvalidRequest, ProviderError, RateLimited

from .dialect_law import DialectLaw, Samples
from .law import LawBrokenError

_ERRORS: Final[tuple[GatewayError, ...]] = (
    InvalidRequest("The field is wrong.", param="field"),
    RateLimited("Slow down.", retry_after=2.0),
    ProviderError("It failed.", provider="acme", upstream_status=503),
)


def errors_come_back(samples: Samples) -> None:
    """A rendered error is recognized as an error, and has its message."""
    dialect = samples.dialect
    for error in _ERRORS:
        body = dialect.render_error(error, "req_1")
        parsed = dialect.parse_error(error.status, body)
        if parsed.message != error.message:
            raise LawBrokenError(f"of its error {body!r} it parses the message {parsed.message!r}")
        if not dialect.is_error(msgspec.json.decode(body)):
            raise LawBrokenError(f"its is_error does not recognize its error {body!r}")


ERRORS_COME_BACK: Final = DialectLaw(
    "errors-come-back",
    "An error that is rendered is recognized as one, and its message is read.",
    "requests",
    errors_come_back,
)
