"""Refusals that a provider sends in good order."""

import time
from email.utils import formatdate

from .good import JSON_TYPE
from .wire import Wire

_REASONS = {429: b"Too Many Requests", 529: b"Overloaded"}
_ERROR = b'{"error":{"message":"Refused by the upstream","type":"server_error","code":null}}'


async def status(wire: Wire) -> None:
    """Status N (500) with an error in OpenAI's shape."""
    code = wire.number(500)
    await _refuse(wire, code)


async def retry_seconds(wire: Wire) -> None:
    """429 with Retry-After: N (2) seconds."""
    await _refuse(wire, 429, b"Retry-After: %d" % wire.number(2))


async def retry_date(wire: Wire) -> None:
    """429 with Retry-After as a date in N (2) seconds."""
    date = formatdate(time.time() + wire.number(2), usegmt=True)
    await _refuse(wire, 429, b"Retry-After: " + date.encode())


async def retry_ms(wire: Wire) -> None:
    """429 with retry-after-ms: N (1500)."""
    await _refuse(wire, 429, b"retry-after-ms: %d" % wire.number(1500))


async def retry_absurd(wire: Wire) -> None:
    """429 with Retry-After: a billion seconds."""
    await _refuse(wire, 429, b"Retry-After: 1000000000")


async def retry_nonsense(wire: Wire) -> None:
    """429 with a Retry-After that is neither a number nor a date."""
    await _refuse(wire, 429, b"Retry-After: soon")


async def retry_nan(wire: Wire) -> None:
    """429 with retry-after-ms: nan, which some languages read as a number."""
    await _refuse(wire, 429, b"retry-after-ms: nan")


async def redirect(wire: Wire) -> None:
    """307 to another host."""
    await wire.answer(b"", b"Location: http://169.254.169.254/latest/", status=b"307 Temporary")


async def _refuse(wire: Wire, code: int, *headers: bytes) -> None:
    reason = b"%d %b" % (code, _REASONS.get(code, b"Error"))
    await wire.answer(_ERROR, JSON_TYPE, *headers, status=reason)


FAULTS = {
    "status": status,
    "retry-seconds": retry_seconds,
    "retry-date": retry_date,
    "retry-ms": retry_ms,
    "retry-absurd": retry_absurd,
    "retry-nonsense": retry_nonsense,
    "retry-nan": retry_nan,
    "redirect": redirect,
}
