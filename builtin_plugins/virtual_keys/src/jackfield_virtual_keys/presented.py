"""Finds the key of a request, in the one place that each vendor's SDK puts it."""

import re
from collections.abc import Iterator
from typing import Final, cast
from urllib.parse import unquote, unquote_plus

from multidict import MultiMapping

from jackfield.admin import MANAGE
from jackfield.errors import InvalidRequest, Unauthenticated
from jackfield.exchange import Exchange

from .key_text import PREFIX, holds_key, is_key_like, read_key

_PLAIN: Final = ("x-api-key", "api-key", "x-goog-api-key")
_GOOGLE: Final = ("gemini.", "vertex.")
"""Prefixes of dialects whose clients may put their key into the query."""

_BEARER: Final = "bearer "
_CREDENTIAL: Final = re.compile(r"AWS4-HMAC-SHA256\b.*?\bCredential=([^/,\s]*)", re.IGNORECASE)
_IN_THE_URL: Final = (
    "A key must not be in a URL, which logs and browsers keep; send it in a header, as in"
    " `Authorization: Bearer jf-…`. Replace this key, which has been exposed."
)
_IN_PLACE_OF_ID: Final = (
    "A key is administered by its id, here {}: the part after `jf-`. The whole key must not be in a"
    " URL or on a command line; it has been exposed, so replace or revoke it."
)
_SEVERAL: Final = "The request has several different keys; send only one."
_IN_WORDS: Final = (
    "A key must not be in the name of a model or in metadata, which are recorded; send it in a"
    " header, as in `Authorization: Bearer jf-…`. Replace this key, which has been exposed."
)
_METADATA: Final = "x-jackfield-metadata"
_UNKNOWN_SCHEME: Final = (
    "The header `Authorization` has no readable key; send `Authorization: Bearer jf-…`."
)


def presented(exchange: Exchange) -> str | None:
    """The text that a request gives as its key, None if there is none.

    It is removed from the query if it is there. Raises Unauthenticated for several keys, and
    InvalidRequest for a key elsewhere in the URL.
    """
    request = exchange.request
    headers = cast("MultiMapping[str]", request.headers)
    given: str | None = None
    if "authorization" in headers:
        for line in headers.getall("authorization"):
            given = _one(given, _of_authorization(line))
    for name in _PLAIN:
        if name in headers:
            for line in headers.getall(name):
                given = _one(given, line.strip())
    if request.query:
        given = _one(given, _from_query(exchange))
    if PREFIX in request.path.lower() or "%" in request.path:
        _refuse_key_as_id(exchange)
        _refuse_key(unquote(request.path))
    _check_words(exchange.model or "", headers.get(_METADATA, ""))
    return given


def _one(known: str | None, found: str | None) -> str | None:
    if not found or found == known:
        return known
    if known is not None:
        raise Unauthenticated(_SEVERAL)
    return found


def _of_authorization(line: str) -> str | None:
    if line[:7].lower() == _BEARER:
        return line[7:].strip()
    signed = _CREDENTIAL.match(line)
    if signed is not None:
        return signed[1]
    if line.strip().lower() in ("", "bearer"):
        return None
    raise Unauthenticated(_UNKNOWN_SCHEME)


def _from_query(exchange: Exchange) -> str | None:
    """Remove the key from a query and return it."""
    query = exchange.request.query
    if not exchange.endpoint.dialect.name.startswith(_GOOGLE):
        _refuse_key(unquote_plus(query))
        return None
    members = query.split("&")
    keys = [unquote_plus(member.partition("=")[2]) for member in members if _is_key(member)]
    others = "&".join(_without_keys(members))
    if keys:
        exchange.replace_query(others)
    _refuse_key(unquote_plus(others))
    given: str | None = None
    for key in keys:
        given = _one(given, key.strip())
    return given


def _without_keys(members: list[str]) -> Iterator[str]:
    return (member for member in members if not _is_key(member))


def _is_key(member: str) -> bool:
    return unquote_plus(member.partition("=")[0]).lower() == "key"


def _check_words(*texts: str) -> None:
    for text in texts:
        if holds_key(text):
            raise InvalidRequest(_IN_WORDS)


def _refuse_key_as_id(exchange: Exchange) -> None:
    """Raise InvalidRequest for a key where its id belongs: the command `keys revoke KEY`."""
    key = read_key(exchange.request.params.get("id", ""))
    if key is not None and exchange.endpoint.permission == MANAGE:
        raise InvalidRequest(_IN_PLACE_OF_ID.format(key.id), param="id")


def _refuse_key(text: str) -> None:
    if is_key_like(text):
        raise InvalidRequest(_IN_THE_URL)
