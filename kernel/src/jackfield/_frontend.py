"""One listener's side of the gateway: turns HTTP requests into exchanges or refusals."""

import asyncio
import re
import secrets as randomness
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from jackfield import strict_json
from jackfield._answer_head import UNSTORED, error_answer, head_of, own_answer
from jackfield._gateway_dialect import GATEWAY_DIALECT
from jackfield._mistakes import mistake
from jackfield._model_name import check_model
from jackfield._stream_body import StreamBody
from jackfield.address import Address
from jackfield.dialects import Dialect, Peek
from jackfield.endpoints import PUBLIC, EndpointTable
from jackfield.errors import (
    Forbidden,
    GatewayError,
    MethodNotAllowed,
    PayloadTooLarge,
    UnsupportedMedia,
)
from jackfield.exchange import ANONYMOUS, Exchange, Principal, Request
from jackfield.http import HttpRequest, HttpResponse
from jackfield.realtime import check_upgrade, method_of, session_of
from jackfield.response import Response

if TYPE_CHECKING:
    from jackfield._gateway import Gateway

LARGE_BODY: Final = 1 << 18
"""Bytes above which a body is read in a thread, so that the event loop goes on."""

_NO_BODY: Final = Peek(None)
_AUTHORITY: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]*)?", re.IGNORECASE)
_FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})
_MEDIA: Final = re.compile(r"[!-~\t ]*")
_UTF_8: Final = re.compile(r"(?!.*charset).*|.*charset\s*=\s*\"?utf-?8\"?\s*(;.*)?", re.IGNORECASE)
_ID_CHARACTERS: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
)


class Frontend:
    """Answers the requests of one listener, using that listener's endpoint table.

    `principal` is the caller until a plugin says otherwise. If it is not ANONYMOUS, nobody has to
    authenticate, so requests from web pages in a browser on this machine are refused: they are
    recognized by their Origin, or by a host name that an attacker made resolve to this machine.
    """

    def __init__(self, gateway: "Gateway", table: EndpointTable, principal: Principal) -> None:
        self._gateway = gateway
        self._table = table
        self._principal = principal
        self._guarded = principal is not ANONYMOUS and not gateway.host_authenticates
        self._ids = count(1)
        self._id_prefix = randomness.token_hex(6)
        # The last endpoint of a prefix is the one with the most general path.
        self._dialects = {_prefix(one.path): one.dialect for one in table}
        self._max_body = gateway.settings.server.max_body
        self._closing: set[asyncio.Task[None]] = set()

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer from a task that may be cancelled: the exchange runs in its own task."""
        running = asyncio.create_task(self.handle_owned(request))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            request.abort()
            closing = asyncio.create_task(_close(running))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            raise

    async def handle_owned(self, request: HttpRequest) -> HttpResponse:
        """Answer from a task that nobody cancels; `request.abort()` ends the exchange instead."""
        request_id = self._request_id(request.headers.get("x-request-id"))
        try:
            tree = problem = None
            if len(request.body) > LARGE_BODY:
                try:
                    tree = await self._read_aside(request)
                except GatewayError as error:
                    problem = error.without_traceback()
            exchange = self.open(request, request_id, tree, problem)
            request.on_abort(exchange.abort)
            if (own := exchange.endpoint.answer) and exchange.endpoint.permission == PUBLIC:
                answer = await own_answer(own, exchange, self._gateway.catalogue)
                whole = isinstance(answer.body, bytes)
                body = answer.body if whole else self._stream(exchange, answer)
                return HttpResponse(answer.status, head_of(exchange, answer, ()), body)
        except GatewayError as error:
            return self.refuse(error, request.path, request_id)
        except Exception as error:  # noqa: BLE001 - a plugin's dialect may raise anything
            return self.refuse(mistake(request_id, error), request.path, request_id)
        return await self._gateway.run(exchange)

    async def _read_aside(self, request: HttpRequest) -> Any:
        """The JSON of a large body; None for another. The gateway is not idle meanwhile."""
        endpoint, _ = self._table.find(method_of(request), request.path)
        if not (endpoint.dialect.reads_json and _is_json(request.headers.get("content-type", ""))):
            return None
        if len(request.body) > self._max_body:  # uploads may be larger
            raise PayloadTooLarge(f"JSON larger than {self._max_body} bytes is not accepted.")
        self._gateway.reading += 1
        try:
            return await asyncio.to_thread(strict_json.decode, request.body)
        finally:
            self._gateway.reading -= 1
            self._gateway._idle.set()

    def _stream(self, exchange: Exchange, answer: Response) -> StreamBody:
        """A stream to anybody: no hook sees it, but it is ended, checked and logged as all are."""
        exchange.left = self._gateway.chain.plugins
        self._gateway._live.add(exchange)
        return StreamBody(self._gateway._pipeline, exchange, answer)

    def open(
        self,
        request: HttpRequest,
        request_id: str,
        tree: Any = None,
        problem: GatewayError | None = None,
    ) -> Exchange:
        """The exchange for a request. Raises GatewayError for one that is malformed.

        Where callers must authenticate, a `problem` with the body is reported only to those who
        have.
        """
        if self._guarded:
            self._check_browser(request)
        endpoint, params = self._table.find(method_of(request), request.path)
        if endpoint.query:
            params = {**_members(request.query, endpoint.query), **params}
        dialect = endpoint.dialect.variant(params) if params else endpoint.dialect
        peek = _NO_BODY
        if problem is None:
            try:
                check_upgrade(request, endpoint)
                peek, tree = _peek(request, dialect, params, tree)
            except GatewayError as error:
                problem = error.without_traceback()
        if problem is not None and (self._guarded or endpoint.permission == PUBLIC):
            raise problem
        kept, model = _kept(request, params), peek.model
        stream = peek.stream if endpoint.stream is None else endpoint.stream
        exchange = Exchange(
            request_id, endpoint, dialect, kept, model, stream, peek.max_tokens, model
        )
        if request.websocket is not None:
            exchange = session_of(exchange, request.websocket)
        exchange.principal = self._principal
        exchange.received = request.received
        exchange.problem = problem or exchange.problem
        exchange._tree = tree
        return exchange

    def refuse(self, error: GatewayError, path: str, request_id: str | None = None) -> HttpResponse:
        """An error without an exchange, in the dialect of its path, or of similar paths."""
        request_id = self._request_id(request_id)
        try:
            dialect = self._table.find("POST", path)[0].dialect
        except GatewayError:
            dialect = self._dialects.get(_prefix(path), GATEWAY_DIALECT)
        answer = error_answer(dialect, error, request_id)
        head = [("content-type", "application/json"), ("x-request-id", request_id), *UNSTORED]
        if dialect.request_id_header:
            head.append((dialect.request_id_header, request_id))
        head += answer.headers.items()
        if isinstance(error, MethodNotAllowed):
            head.append(("allow", error.allowed))
        self._gateway.access_log.add_refusal(path, request_id, error)
        return HttpResponse(answer.status, head, answer.body)

    def body_limit(self, method: str, path: str) -> int:
        """The most bytes of body that the endpoint accepts; unknown ones get the server's limit."""
        try:
            endpoint, _ = self._table.find(method, path)
        except GatewayError:
            return self._max_body
        return endpoint.max_body or self._max_body

    def _request_id(self, given: str | None) -> str:
        """The caller's own id if it is a plain word, else a new one."""
        if given and len(given) <= 128 and _ID_CHARACTERS.issuperset(given):
            return given
        return f"req_{self._id_prefix}{next(self._ids):08x}"

    def _check_browser(self, request: HttpRequest) -> None:
        headers = request.headers
        if request.client != "unix" and not _is_loopback(headers.get("host", "")):
            raise Forbidden(
                "Without authentication only requests to a loopback address are served; this one"
                " has another host name. Use http://127.0.0.1 or http://localhost."
            )
        origin = headers.get("origin")
        foreign = headers.get("sec-fetch-site") in _FOREIGN_SITES
        if (origin and not _is_local_origin(origin)) or (foreign and not origin):
            raise Forbidden(
                "Without authentication pages of other web sites may not call the gateway."
            )


def _kept(http: HttpRequest, params: Mapping[str, str]) -> Request:
    """What an exchange keeps of an HTTP request."""
    return Request(http.method, http.path, http.query, http.headers, http.body, params, http.client)


@lru_cache(maxsize=64)
def _is_loopback(authority: str) -> bool:
    match = _AUTHORITY.fullmatch(authority)
    return match is not None and Address((match[1] or match[2]).lower()).is_loopback


def _is_local_origin(origin: str) -> bool:
    scheme, _, authority = origin.partition("://")
    return scheme in ("http", "https") and _is_loopback(authority)


async def _close(running: asyncio.Task[HttpResponse]) -> None:
    """Settle an answer that arrives although nobody will read it."""
    response = await running
    if hasattr(response.body, "aclose"):
        await response.body.aclose()


def _is_json(media: str) -> bool:
    if media == "application/json":
        return True
    media = media.partition(";")[0].strip().lower()
    return not media or media == "application/json" or media.endswith("+json")


def _peek(
    request: HttpRequest, dialect: Dialect, params: Mapping[str, str], tree: Any
) -> tuple[Peek, Any]:
    """What the kernel must know about the body, and the parsed JSON if it is JSON."""
    body = request.body
    if not body and request.websocket is None and not dialect.translates and dialect.reads_json:
        return _NO_BODY, None
    media = request.headers.get("content-type", "")
    if media != "application/json" and not _MEDIA.fullmatch(media):
        raise UnsupportedMedia("The content type contains a character that is not printable ASCII.")
    if request.websocket is not None:
        peek, tree = dialect.peek(None, params), None
    elif _is_json(media) and dialect.reads_json:
        if ";" in media and not _UTF_8.fullmatch(media):
            raise UnsupportedMedia("JSON must be UTF-8; omit `charset`, or set it to utf-8.")
        tree = strict_json.decode(body) if tree is None else tree
        peek = dialect.peek(tree, params)
    elif dialect.translates:
        raise UnsupportedMedia(
            f"The content type {media[:80]!r} is not accepted here; send application/json."
        )
    else:
        peek, tree = dialect.peek_form(body, media, params), None
    check_model(peek.model)
    return peek, tree


def _members(query: str, names: Sequence[str]) -> Mapping[str, str]:
    """The query parameters that the endpoint declares; the last value if one is repeated."""
    return {name: value for name, value in parse_qsl(query) if name in names}


def _prefix(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""
