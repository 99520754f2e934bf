"""Request headers as bytes, built once and sent many times."""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

_NAME = re.compile(r"[!#$%&'*+\-.^`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# The client writes these itself, or never sends them.
_RESERVED = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)

ONCE = "idempotency-key"
"""With the same value a provider does something once, and then gives the same answer."""

_PROVIDERS_OWN = re.compile(
    r"^(?:accept-encoding|content-.*|sec-.*|user-agent|x-amz-.*)$"
    r"|auth|cookie|(?<!^idempotency-)key|secret|token",
    re.IGNORECASE,
)
"""The names of headers for credentials, and for what the provider makes itself."""


def header_lines(pairs: Iterable[tuple[str, str]]) -> bytes:
    """The lines of `pairs` as they go on the wire, values in Latin-1.

    Raises ValueError, which names the header but never its value, if a name is not a token,
    contains "_" or is reserved for the client, or if a value contains CR, LF or NUL.
    """
    lines = []
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            raise ValueError(f"the header name {name!r} may only contain letters, digits and '-'")
        if name.lower() in _RESERVED:
            raise ValueError(f"the header {name!r} is set by the client itself")
        if not _VALUE.fullmatch(value) or value != value.strip(" \t"):
            raise ValueError(f"the value of the header {name!r} contains an invalid character")
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines).encode("latin-1")


def passed_on(pairs: Sequence[tuple[str, str]], tenant: str | None) -> bytes:
    """The lines of a client's headers, which have lower-case names. Raises ValueError as above.

    `tenant` is whose `idempotency-key` it is, if there is one. Tenants share the provider's
    account, so each one's is made into another, always the same: nobody gets another's answer.
    """
    lines = header_lines(pairs)
    if tenant is None:
        return lines
    return header_lines((n, _of_tenant(v, tenant) if n == ONCE else v) for n, v in pairs)


def _of_tenant(value: str, tenant: str) -> str:
    return sha256(f"{len(tenant)} {tenant} {value}".encode()).hexdigest()


def check_addition(name: str, value: str) -> None:
    """Raise ValueError unless a plugin may add the header to what a provider is sent."""
    if _PROVIDERS_OWN.search(name):
        raise ValueError(f"the header {name!r} is the provider's own, or the place of a key")
    header_lines([(name, value)])
