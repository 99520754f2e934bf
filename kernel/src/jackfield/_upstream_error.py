"""Makes a provider's error fit to be shown: scrubbed, with its advice kept."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

import msgspec

from jackfield._client import Answer
from jackfield._scrubber import FRAGMENT, Scrubber
from jackfield.dialects import Dialect
from jackfield.errors import ProviderError

SHOWN: Final = frozenset({400, 404, 405, 408, 409, 413, 415, 422, 429})
"""Statuses whose message is about the request, so that the caller should see it."""

REQUEST_ID: Final = "x-jackfield-provider-request-id"
"""The header in which the caller gets the provider's own id of the request."""

_REQUEST_IDS: Final = frozenset(
    {"apim-request-id", "mistral-correlation-id", "request-id", "x-amzn-requestid", "x-request-id"}
)
_PASSED: Final = frozenset({"retry-after", "retry-after-ms", "openai-processing-ms"})
_PASSED_PREFIXES: Final = ("x-ratelimit-", "anthropic-ratelimit-")
_LONGEST_WAIT: Final = 86_400.0
_NUMBER: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{0,15})?")
_PATH: Final = re.compile(r"/(?!/)")
_PASSED_VALUE: Final = re.compile(r"[A-Za-z0-9 .:,;=+_-]{1,64}")
_UNKNOWN_PATH: Final = re.compile(
    r"(?!.*\bmodel\b)(.*(unknown (request )?url|invalid url|no route|route not found|path|endpoint"
    r"|unrecognized request|cannot post|method not allowed|page not found)|(not found\.?)?$)",
    re.IGNORECASE | re.DOTALL,
)


class UpstreamErrors:
    """Reads one provider's error answers; `scrubber` removes what must not be shown."""

    def __init__(
        self, provider: str, scrubber: Scrubber, passed: frozenset[str] = frozenset()
    ) -> None:
        self._provider = provider
        self.scrubber = scrubber
        self._passed = passed

    def read(self, answer: Answer, body: bytes, dialect: Dialect, client: Dialect) -> ProviderError:
        """The error for an answer with a status of 300 or more, or one that is an error anyway.

        If the caller speaks the provider's dialect and nothing in the body had to be removed, the
        error carries the body unchanged.
        """
        status, name = answer.status, self._provider
        wait = parse_retry_after(answer.headers)
        if status >= 300 and status not in SHOWN:
            error = ProviderError(
                _generic(status), provider=name, upstream_status=mapped(status), retry_after=wait
            )
            return self.identified(error, answer)
        scrubbed = self.scrubber.plain(body)
        parsed = dialect.failure_with(dialect.parse_error(status, scrubbed), answer.headers)
        error = ProviderError(
            parsed.message or f"The provider answered with status {status}.",
            provider=name,
            upstream_status=status if status >= 300 else mapped(parsed.status or 502),
            param=parsed.param,
            retry_after=parsed.retry_after if wait is None else wait,
            error_type=parsed.type,
            error_code=parsed.code,
        )
        if dialect is client and scrubbed == body and is_error(body, dialect):
            error.body = body
        return self.identified(error, answer)

    def identified(self, error: ProviderError, answer: Answer) -> ProviderError:
        """The same error, with the provider's own id of the request."""
        error.answered = answer.status if answer.status >= 300 else None
        error.headers = {n: v for n, v in self.passed_headers(answer).items() if n == REQUEST_ID}
        return error

    def unknown_path(self, error: ProviderError) -> bool:
        """Whether the provider does not know the path, rather than what was asked for."""
        other = error.upstream_status not in (404, 405, 501) or error.error_code or error.param
        return not other and _UNKNOWN_PATH.match(error.message[:1000]) is not None

    def passed_headers(self, answer: Answer) -> dict[str, str]:
        """The provider's headers that the caller may see."""
        passed = {}
        for name, value in answer.headers.items():
            if (shown := _shown_name(name, self._passed)) and self._may_pass(shown, value):
                passed[shown] = self.scrubber.masked(value) if shown in self._passed else value
        return passed

    def _may_pass(self, name: str, value: str) -> bool:
        if name in self._passed:
            # A location is shown as a path alone: a URL would name the provider's server.
            return name != "location" or _PATH.match(value) is not None
        if _PASSED_VALUE.fullmatch(value) is None:
            return False
        if name == REQUEST_ID:  # which may look like a key
            return self.scrubber.masked(value) == value
        return len(value) < FRAGMENT or self.scrubber.is_clean(value.encode())


def is_error(body: bytes, dialect: Dialect) -> bool:
    """Whether a body is an error in a form that clients of the dialect understand."""
    try:
        return dialect.is_error(msgspec.json.decode(body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


@lru_cache(maxsize=1024)
def _shown_name(name: str, more: frozenset[str]) -> str | None:
    lower = name.lower()
    is_limit = lower.startswith(_PASSED_PREFIXES) and lower.replace("-", "").isalpha()
    if is_limit or lower in more or lower in _PASSED:
        return lower
    return REQUEST_ID if lower in _REQUEST_IDS else None


_GENERIC: Final = {
    401: "The provider refused the gateway's credentials; check the provider's keys.",
    402: "The provider wants to be paid: the gateway's account there has no credit left.",
    403: "The provider refused the gateway access; check what the provider's keys may do.",
}


def _generic(status: int) -> str:
    if status < 400:
        return "The provider answered with a redirect, which is not followed; check its base_url."
    return _GENERIC.get(status, "The provider failed.")


def mapped(status: int) -> int | None:
    """The caller's status: the gateway's own trouble with a provider is not the caller's fault.

    None if asking the same provider again would not help, as after a rejected key.
    """
    return None if status < 400 or status in (401, 402, 403, 407) or status > 599 else status


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or either form of `retry-after`."""
    try:
        if _NUMBER.fullmatch(value := headers.get("retry-after-ms", "")):
            seconds = float(value) / 1000
        elif _NUMBER.fullmatch(value := headers.get("retry-after", "")):
            seconds = float(value)
        else:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None  # there is no such header, or it has neither form
    return min(max(seconds, 0.0), _LONGEST_WAIT)
