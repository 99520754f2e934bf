"""What a provider says when it refuses, made fit to be shown: scrubbed, its advice kept."""

import re
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from jackfield._client import Answer
from jackfield.dialects import Dialect
from jackfield.errors import ProviderError

SHOWN: Final = frozenset({400, 404, 405, 408, 409, 413, 415, 422, 429})
"""Statuses whose message is about the request, so that the caller should see it."""

_PASSED: Final = frozenset({"retry-after", "retry-after-ms", "openai-processing-ms"})
_PASSED_PREFIXES: Final = ("x-ratelimit-", "anthropic-ratelimit-")
_LONGEST_WAIT: Final = 86_400.0
_URL: Final = re.compile(rb"https?://[^\s\"'<>\\]+")
_KEYLIKE: Final = re.compile(rb"\b(?:sk|gsk|xai|pplx|key|Bearer)[-_ ][A-Za-z0-9_*.\-]{6,}")
_UNKNOWN_PATH: Final = re.compile(
    r"unknown (request )?url|invalid url|no route|route not found|unrecognized request|path"
    r"|^not found\.?$|endpoint|cannot post|method not allowed|page not found|^$",
    re.IGNORECASE,
)


class UpstreamErrors:
    """Reads the error answers of one provider. Knows its keys and its host, to take them out."""

    def __init__(self, provider: str, base_url: str = "", keys: Sequence[str] = ()) -> None:
        self._provider = provider
        self._secrets = [key.encode() for key in keys]
        host = urlsplit(base_url).netloc if base_url else ""
        if host:
            self._secrets.append(host.encode())

    def read(self, answer: Answer, body: bytes, spoken: Dialect, shown: Dialect) -> ProviderError:
        """The error of an answer with a status of 400 or more.

        When the caller speaks the provider's dialect and nothing in the body had to be taken out,
        the error carries the body as it came.
        """
        status = answer.status
        said = spoken.parse_error(status, self.scrub(body))
        retry_after = parse_retry_after(answer.headers)
        if status not in SHOWN:
            return ProviderError(
                _GENERIC.get(status, "The provider failed."),
                provider=self._provider,
                upstream_status=_mapped(status),
                retry_after=retry_after,
            )
        error = ProviderError(
            said.message or f"The provider answered with status {status}.",
            provider=self._provider,
            upstream_status=status,
            param=said.param,
            retry_after=retry_after,
            error_type=said.type,
            error_code=said.code,
        )
        if spoken is shown and body[:1] == b"{" and self.scrub(body) == body:
            error.body = body
        return error

    def scrub(self, body: bytes) -> bytes:
        """The bytes without this provider's keys, its host, URLs, and what looks like a key."""
        for secret in self._secrets:
            body = body.replace(secret, b"***")
        return _KEYLIKE.sub(b"***", _URL.sub(self._keep_public, body))

    def _keep_public(self, match: re.Match[bytes]) -> bytes:
        # Links to a vendor's own help pages are what the caller needs.
        host = urlsplit(match[0].decode("latin-1")).hostname or ""
        private = "." not in host or host.replace(".", "").isdigit() or ":" in host
        return b"***" if private else match[0]

    def unknown_path(self, error: ProviderError) -> bool:
        """Whether the provider does not know the path at all, rather than what was asked for."""
        return error.upstream_status in (404, 405, 501) and (
            error.error_code is None and bool(_UNKNOWN_PATH.search(error.message))
        )

    def passed_headers(self, answer: Answer) -> dict[str, str]:
        """The provider's headers that the caller may see."""
        return {
            lower: value
            for name, value in answer.headers.items()
            if (lower := _passed_name(name)) is not None
        }


@lru_cache(maxsize=1024)
def _passed_name(name: str) -> str | None:
    lower = name.lower()
    return lower if lower in _PASSED or lower.startswith(_PASSED_PREFIXES) else None


_GENERIC: Final = {
    401: "The provider refused the gateway's credentials.",
    403: "The provider refused the gateway access.",
}


def _mapped(status: int) -> int:
    """The status for the caller: the gateway's own trouble with a provider is not the caller's."""
    return 502 if status in (401, 403) else status


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the provider advises: `retry-after-ms`, `retry-after` in either form."""
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        elif (value := headers.get("retry-after", "")).replace(".", "", 1).isdigit():
            seconds = float(value)
        elif value:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        else:
            return None
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)
