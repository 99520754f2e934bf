"""Fetches what a request refers to by URL, for providers that accept only bytes."""

import asyncio
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from urllib.parse import quote, urlsplit

from attrs import define, frozen

from jackfield._client import Origin
from jackfield.errors import InvalidRequest, JackfieldError
from jackfield.settings import Upstream

_KEPT = "/:@!$&'()*+,;=~%?"
_MOST_AT_ONCE = 20
_HEAD = b"Accept: */*\r\nUser-Agent: jackfield\r\n"
_UNSAID = ("", "application/octet-stream", "binary/octet-stream")
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"%PDF-", "application/pdf"),
)
MEDIA = {
    "image": ("image/",),
    "document": ("application/pdf", "text/", "application/json", "application/vnd.", "image/"),
}
"""Kinds of parts, and beginnings of the content types that are taken for them."""


@frozen
class Address:
    """Something to fetch: the `url` of a part of some `kind`, and where the request has it."""

    url: str
    kind: str
    path: str


@frozen
class Fetched:
    """The bytes that were fetched, and their media type."""

    data: bytes
    media_type: str


@define(eq=False)
class Fetcher:
    """Fetches within the limits of `[upstream]`; `open_origin` connects to a scheme and host.

    The URL is the caller's, so a refusal reveals nothing about what this machine can reach.
    """

    _limits: Upstream
    _open_origin: Callable[[str], Origin]

    @property
    def allowed(self) -> bool:
        """Whether the configuration allows fetching at all."""
        return self._limits.fetch_urls

    async def fetch(self, addresses: Sequence[Address]) -> list[Fetched]:
        """The content at the addresses, in their order.

        Raises InvalidRequest if one cannot be fetched; no provider has been called then.
        """
        if len(addresses) > _MOST_AT_ONCE:
            raise InvalidRequest(
                f"The request names {len(addresses)} URLs; the gateway fetches at most"
                f" {_MOST_AT_ONCE}. Send the others as base64 data.",
                param=addresses[_MOST_AT_ONCE].path,
            )
        budget = _Budget(self._limits.fetch_max)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._caught(one, budget)) for one in addresses]
        results = [task.result() for task in tasks]
        for result in results:
            if isinstance(result, InvalidRequest):
                raise result
        return [result for result in results if isinstance(result, Fetched)]

    async def _caught(self, address: Address, budget: "_Budget") -> Fetched | InvalidRequest:
        try:
            async with asyncio.timeout(self._limits.fetch_seconds):
                return await self._one(address, budget)
        except InvalidRequest as error:
            return error
        except TimeoutError:
            return _refused(address, f"it took over {self._limits.fetch_seconds:g} s")
        except JackfieldError:
            return _refused(address, "its host cannot be reached, or is not on the open internet")

    async def _one(self, address: Address, budget: "_Budget") -> Fetched:
        origin, path = self._place(address)
        answer = await self._open_origin(origin).send("GET", path, _HEAD)
        try:
            if 300 <= answer.status < 400:
                raise _refused(address, "it leads to another address; name that one")
            if answer.status != 200:
                raise _refused(address, f"its host answers with status {answer.status}")
            parts = []
            async for part in answer:
                budget.spend(len(part), address)
                parts.append(part)
        finally:
            await answer.close()
        data = b"".join(parts)
        return Fetched(data, _media_type(answer.headers.get("Content-Type", ""), data, address))

    def _place(self, address: Address) -> tuple[str, str]:
        """The origin and path of an address that may be fetched."""
        try:
            url = urlsplit(address.url)
            host, port = url.hostname or "", url.port
        except ValueError:
            raise _refused(address, "it is no URL") from None
        if not host or "@" in url.netloc:
            raise _refused(address, "it needs a host, and no user name or password")
        hosts = self._limits.fetch_hosts
        if hosts and not any(fnmatchcase(host, pattern.lower()) for pattern in hosts):
            raise _refused(address, "its host is not among those that this gateway fetches from")
        shown = f"[{host}]" if ":" in host else host
        origin = f"{url.scheme}://{shown}" + (f":{port}" if port else "")
        return origin, quote((url.path or "/") + (f"?{url.query}" if url.query else ""), safe=_KEPT)


@define
class _Budget:
    """How many more bytes may be fetched for one request."""

    left: int

    def spend(self, size: int, address: Address) -> None:
        self.left -= size
        if self.left < 0:
            raise _refused(address, "with it, the request holds more than this gateway fetches")


def _media_type(header: str, data: bytes, address: Address) -> str:
    media_type = header.partition(";")[0].strip().lower()
    if media_type in _UNSAID:
        media_type = next((kind for magic, kind in _MAGIC if data.startswith(magic)), media_type)
    if not media_type.startswith(MEDIA[address.kind]):
        raise _refused(address, f"what stands there is not of a type that an {address.kind} has")
    return media_type


def _refused(address: Address, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"The {address.kind} at {address.path} cannot be fetched: {why}."
        " Send it as base64 data instead.",
        param=address.path,
    )
