"""Removes from a provider's messages what no caller may see: keys, addresses, stack traces."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

FRAGMENT: Final = 8
"""Length in characters of a part of a key that is hidden wherever it occurs."""

_HALF: Final = FRAGMENT // 2

MOST_READ: Final = 64 * 1024
"""Bytes of a provider's message that are inspected; a longer one is cut there."""

_HIDDEN: Final = b"***"
# None looks far ahead from many places: callers may craft a text that a provider repeats.
_URL: Final = re.compile(rb"(?<![a-z0-9+.-])[a-z0-9+.-]+://[^\s\"'<>\\]+", re.IGNORECASE)
_HELP_PAGE: Final = re.compile(
    rb"https://(?:platform|docs?|help|console|support|www)\.[a-z0-9-]+(?:\.[a-z]+)+/[\w/.#-]*",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(rb"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?![\w.]{0,15}\d)")
_KEY_LIKE: Final = re.compile(
    rb"\b(?:(?:sk|pk|rk|gsk|xai|pplx|key|hf|ghp|gho|nvapi|bearer|basic)[-_ ]"
    rb"(?=[A-Za-z_.\-]{0,63}[0-9*])[A-Za-z0-9_*.+/=\-]{6,}"
    rb"|AIza[\w-]{10,}|AKIA[0-9A-Z]{12,}|eyJ[\w-]{10,}(?:\.[\w-]+)*)",
    re.IGNORECASE,
)
_TRACE: Final = re.compile(
    rb"Traceback \(most recent call last\)|File \\?\"[^\"\n]+\", line \d+"
    rb"|\bat [\w.$<>]+ ?\([^()\s]+:\d+(?::\d+)?\)"
)
_ESCAPED_ASCII: Final = re.compile(rb"\\(?:u00[0-7]|/)")


class Scrubber:
    """Knows the secrets and the address of one provider, in the forms in which they are echoed."""

    def __init__(self, base_url: str = "", secrets: Iterable[str] = ()) -> None:
        parts = urlsplit(base_url)
        hosts = (parts.netloc, parts.hostname or "")
        short = [secret for secret in secrets if 0 < len(secret) < FRAGMENT]
        words = sorted({word for word in (*hosts, *short) if word}, key=len, reverse=True)
        self._words = re.compile("|".join(map(re.escape, words)).encode() or b"(?!)", re.IGNORECASE)
        self._fragments_by_name: dict[str, frozenset[bytes]] = {}
        self.hide("", *secrets)

    def hide(self, name: str, *secrets: str) -> None:
        """Hide more secrets, in place of the previous ones with this name."""
        forms = [form.lower() for secret in secrets for form in _forms(secret)]
        self._fragments_by_name[name] = frozenset(
            form[at : at + FRAGMENT] for form in forms for at in range(len(form) - FRAGMENT + 1)
        )
        self._fragments = frozenset[bytes]().union(*self._fragments_by_name.values())
        self._halves = frozenset(
            fragment[at : at + _HALF] for fragment in self._fragments for at in range(_HALF + 1)
        )

    def scrub(self, data: bytes) -> bytes:
        """The bytes with everything confidential masked; empty if they hold a stack trace."""
        data = data[:MOST_READ]
        if _TRACE.search(data):
            return b""
        data = _URL.sub(_only_help_pages, self._without_fragments(data))
        data = self._words.sub(_HIDDEN, data)
        return _KEY_LIKE.sub(_HIDDEN, _ADDRESS.sub(_HIDDEN, data))

    def masked(self, value: str) -> str:
        """A header's value with the secrets masked, whatever else it contains."""
        data = value.encode("utf-8", "surrogateescape")
        return self._without_fragments(data).decode("utf-8", "surrogateescape")

    def is_clean(self, data: bytes) -> bool:
        """Whether the bytes may be passed on as they are."""
        return not _ESCAPED_ASCII.search(data) and self.scrub(data) == data

    def plain(self, data: bytes) -> bytes:
        """JSON without needless escapes, which could conceal a word, scrubbed."""
        if _ESCAPED_ASCII.search(data) and len(data) <= MOST_READ:
            try:
                data = msgspec.json.encode(msgspec.json.decode(data))
            except msgspec.MsgspecError:
                return b""
        return self.scrub(data)

    def _without_fragments(self, data: bytes) -> bytes:
        """The bytes with any parts of secrets masked, ignoring case."""
        lower, fragments = data.lower(), self._fragments
        # Any fragment of 8 characters contains all 4 that begin at some multiple of 5.
        parts = [lower[at : at + _HALF] for at in range(0, len(data), _HALF + 1)]
        if self._halves.isdisjoint(parts):
            return data
        starts = range(len(data) - FRAGMENT + 1)
        kept: list[bytes] = []
        end = 0
        for start in [at for at in starts if lower[at : at + FRAGMENT] in fragments]:
            if start > end or not kept:
                kept += [data[end:start], _HIDDEN]
            end = start + FRAGMENT
        return b"".join([*kept, data[end:]])


def _forms(secret: str) -> Iterator[bytes]:
    raw = secret.encode()
    if len(raw) < FRAGMENT:
        return
    yield raw
    yield quote(secret, safe="").encode()
    yield raw.hex().encode()
    for shift in range(3):
        # In a longer text in base64 a secret has one of three forms, depending on where it begins.
        encoded = b64encode(b"\0" * shift + raw).rstrip(b"=")
        yield encoded[2 * shift : -1] if shift else encoded[:-1]


def _only_help_pages(match: re.Match[bytes]) -> bytes:
    """Keep links to a vendor's help pages, which callers need; mask any other URL."""
    return match[0] if _HELP_PAGE.fullmatch(match[0]) else _HIDDEN
