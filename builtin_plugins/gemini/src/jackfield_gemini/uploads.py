"""Resumable uploads, whose URLs are rewritten to the gateway.

Google answers the request that starts an upload with a URL for the parts of the file. Clients must
not bypass the gateway, so they get a gateway URL that names the provider.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote

from jackfield import Endpoint
from jackfield.dialects import Peek

from .resource import ResourceDialect

REQUEST_HEADERS: Final = frozenset(
    {
        "x-goog-upload-command",
        "x-goog-upload-file-name",
        "x-goog-upload-header-content-length",
        "x-goog-upload-header-content-type",
        "x-goog-upload-offset",
        "x-goog-upload-protocol",
    }
)
_ADDRESSES: Final = frozenset({"x-goog-upload-url", "x-goog-upload-control-url"})
ANSWER_HEADERS: Final = _ADDRESSES | {
    "x-goog-upload-chunk-granularity",
    "x-goog-upload-size-received",
    "x-goog-upload-status",
}
LARGEST: Final = 128 << 20
"""Maximum bytes of a file, or of one part of it, per request."""

_ABOVE: Final = "/upload/"
_DOOR: Final = "/uploads/"
_AUTHORITY: Final = re.compile(r"[A-Za-z0-9._-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")
_SECRET: Final = frozenset({"key", "access_token"})


class UploadDialect(ResourceDialect):
    """Parts of a file, for the provider named in the path; they are not parsed."""

    name: ClassVar[str] = "gemini.upload"
    reads_json: ClassVar[bool] = False

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(params["provider"] + "/")

    def peek_form(self, body: bytes, media_type: str, params: Mapping[str, str]) -> Peek:
        return self.peek(None, params)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return body


UPLOAD: Final = UploadDialect()


def upload_endpoint(prefix: str) -> Endpoint:
    """The endpoint for parts of files, below a prefix."""
    path = f"{prefix}{_DOOR}{{provider}}/{{rest*}}"
    return Endpoint("*", path, UPLOAD, "files", "files", _ABOVE + "{rest*}", max_body=LARGEST)


def door_of(scheme: str, host: str, prefix: str, provider: str) -> str | None:
    """The gateway URL below which a provider's uploads continue; None if `host` is invalid."""
    if not _AUTHORITY.fullmatch(host):
        return None
    return f"{scheme}://{host}{prefix}{_DOOR}{quote(provider, safe='')}/"


def redirected(headers: Mapping[str, str], base_url: str, door: str | None) -> Mapping[str, str]:
    """The headers of an answer, with URLs below `base_url` moved below `door`.

    Any other URL is removed.
    """
    if not _ADDRESSES & headers.keys():
        return headers
    pairs = [
        (name, _redirected(value, base_url, door) if name in _ADDRESSES else value)
        for name, value in headers.items()
    ]
    return {name: value for name, value in pairs if value is not None}


def _redirected(address: str, base_url: str, door: str | None) -> str | None:
    start = base_url.rstrip("/") + _ABOVE
    if door is None or not address.lower().startswith(start.lower()):
        return None
    path, mark, query = address[len(start) :].partition("?")
    members = [part for part in query.split("&") if part.partition("=")[0] not in _SECRET]
    return door + path + mark + "&".join(members)
