"""What can be found wrong with a provider's table before anything is sent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from jackfield.errors import ConfigError
from jackfield.secrets import TextOrSecret

from .headers import header_lines
from .tls import tls_context
from .url import read_base_url


class Table(Protocol):
    """The keys that say how a provider is reached."""

    @property
    def base_url(self) -> str:
        """The URL of its API."""

    @property
    def allow_http(self) -> bool:
        """Whether that may be plain HTTP to another machine."""

    @property
    def ca_file(self) -> Path | None:
        """The certificates to trust instead of the system's."""

    @property
    def headers(self) -> Mapping[str, TextOrSecret]:
        """What is sent with every request."""


def check_table(table: Table) -> None:
    """Raise ValueError, which begins with the first key, for all that the client cannot use."""
    problems = []
    for check in (_check_url, _check_authorities, _check_headers):
        try:
            check(table)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("; ".join(problems))


def _check_url(table: Table) -> None:
    read_base_url(table.base_url, allow_http=table.allow_http)


def _check_authorities(table: Table) -> None:
    try:
        if table.ca_file is not None:
            tls_context(table.ca_file)
    except ConfigError as error:
        raise ValueError(error.problems[0]) from None


def _check_headers(table: Table) -> None:
    # The values of secrets are read, and checked, when the provider starts.
    texts = ((name, text.value) for name, text in table.headers.items())
    try:
        header_lines((name, text if isinstance(text, str) else "") for name, text in texts)
    except ValueError as error:
        raise ValueError(f"headers: {error}") from None
