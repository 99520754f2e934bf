"""Images and documents that a request refers to by URL, turned into bytes where necessary."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from jackfield._fetching import Address, Fetched, Fetcher
from jackfield._shortfalls import parts_of
from jackfield.dialects import Dialect, Loss
from jackfield.exchange import Exchange
from jackfield.messages import ChatRequest, Document, Image, Part, ToolResult

_FETCHED: Final = "jackfield.fetched"
_SHOWN: Final = (Image, Document)
_REMEDY = "takes bytes alone: send base64 data, or allow `upstream.fetch_urls`"
_UNSEEN = {"image": Fetched(b"\0", "image/png"), "document": Fetched(b"\0", "application/pdf")}
"""Stands for what would be fetched while nothing is sent."""


class Media:
    """Gives dialects that accept no URLs the bytes behind them."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    async def fetch(self, exchange: Exchange, dialect: Dialect) -> None:
        """Fetch what the dialect will need, once per exchange. Raises InvalidRequest."""
        if not self._fetcher.allowed or _takes_addresses(dialect):
            return
        request = exchange.canonical()
        if not isinstance(request, ChatRequest):
            return
        found = exchange.state.setdefault(_FETCHED, {})
        if missing := [one for one in addresses(request, dialect) if one.url not in found]:
            fetched = await self._fetcher.fetch(missing)
            found.update(zip((one.url for one in missing), fetched, strict=True))

    def embed(
        self, exchange: Exchange, request: ChatRequest, dialect: Dialect
    ) -> tuple[ChatRequest, tuple[Loss, ...]]:
        """The request without URLs that the dialect cannot take, and those that remain."""
        parts = () if _takes_addresses(dialect) else parts_of(*request.messages)
        if not any(isinstance(part, _SHOWN) for part in parts):  # as in most requests
            return request, ()
        request = _replaced(request, _decoded)
        wanted = addresses(request, dialect)
        if wanted and not self._fetcher.allowed:
            why = f"{dialect.name} {_REMEDY}"
            refused = (Loss(f"{a.kind}s.url", a.path, "dropped", why, breaks=True) for a in wanted)
            return request, tuple(refused)
        found = exchange.state.get(_FETCHED, {})
        known = {one.url: found.get(one.url, _UNSEEN[one.kind]) for one in wanted}
        return _replaced(request, lambda part: _embedded(part, known)) if known else request, ()


def _takes_addresses(dialect: Dialect) -> bool:
    return dialect.image_urls and dialect.document_urls


def addresses(request: ChatRequest, dialect: Dialect) -> list[Address]:
    """What the request gives by URL and the dialect needs as bytes, each URL once."""
    takes = {Image: dialect.image_urls, Document: dialect.document_urls}
    found: dict[str, Address] = {}
    for at, message in enumerate(request.messages):
        for part in parts_of(message):
            url = part.url if isinstance(part, _SHOWN) and not takes[type(part)] else None
            if url is not None and url.lower().startswith(("http://", "https://")):
                kind = type(part).__name__.lower()
                found.setdefault(url, Address(url, kind, f"messages[{at}]"))
    return list(found.values())


def _replaced(request: ChatRequest, change: Callable[[Part], Part]) -> ChatRequest:
    def changed(part: Part) -> Part:
        if isinstance(part, ToolResult):
            return replace(part, parts=tuple(map(change, part.parts)))
        return change(part)

    messages = (replace(one, parts=tuple(map(changed, one.parts))) for one in request.messages)
    return replace(request, messages=tuple(messages))


def _embedded(part: Part, known: Mapping[str, Fetched]) -> Part:
    if isinstance(part, _SHOWN) and (it := known.get(part.url or "")):
        data = b64encode(it.data).decode()
        return replace(part, url=None, data=data, media_type=it.media_type)
    return part


def _decoded(part: Part) -> Part:
    if isinstance(part, _SHOWN) and (part.url or "").startswith("data:"):
        head, marker, data = (part.url or "")[5:].partition(";base64,")
        if marker:
            return replace(part, url=None, data=data, media_type=head or part.media_type)
    return part
