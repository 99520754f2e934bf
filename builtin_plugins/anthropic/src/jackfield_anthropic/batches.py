"""Batches, whose results are fetched through the gateway.

Anthropic returns the URL of a batch's results, and its SDK goes there with the client's key.
Clients must not bypass the gateway.
"""

import re
from typing import Final

_RESULTS: Final = "/v1/messages/batches/"
_AUTHORITY: Final = re.compile(r"[A-Za-z0-9._-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


def at_home(body: bytes, base_url: str, door: str) -> bytes:
    """The JSON of batches with URLs below `base_url` moved below `door`."""
    away = re.escape((base_url.rstrip("/") + _RESULTS).encode())
    home = (door + _RESULTS).encode()
    return re.sub(rb'("results_url"\s*:\s*")' + away, lambda found: found[1] + home, body)


def door_of(scheme: str, host: str, path: str) -> str | None:
    """The base URL of a client that requested `path` below it; None if `host` is invalid."""
    if not _AUTHORITY.fullmatch(host):
        return None
    prefix, _, _ = path.partition("/v1/")
    return f"{scheme}://{host}{prefix}"
