"""Batches, whose results are fetched through the gateway.

Anthropic returns the URL of a batch's results, and its SDK goes there with the client's key.
Clients must not bypass the gateway.
"""

import re
from typing import Final

_RESULTS: Final = "/v1/messages/batches/"
_AUTHORITY: Final = re.compile(r"[A-Za-z0-9._-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


def with_client_urls(body: bytes, base_url: str, client_url: str) -> bytes:
    """The JSON of batches with URLs below `base_url` moved below `client_url`."""
    pattern = re.escape((base_url.rstrip("/") + _RESULTS).encode())
    replacement = (client_url + _RESULTS).encode()
    return re.sub(rb'("results_url"\s*:\s*")' + pattern, lambda found: found[1] + replacement, body)


def client_base_url(scheme: str, host: str, path: str) -> str | None:
    """The base URL of a client that requested `path` below it; None if `host` is invalid."""
    if not _AUTHORITY.fullmatch(host):
        return None
    prefix, _, _ = path.partition("/v1/")
    return f"{scheme}://{host}{prefix}"
