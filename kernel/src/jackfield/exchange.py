"""One client request and everything that happens to it."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
from attrs import define, field, frozen
from msgspec.structs import replace

from jackfield import json_spans
from jackfield._metadata import read_metadata
from jackfield._tap import Tap
from jackfield.dialects import CanonicalRequest, Dialect, Loss
from jackfield.endpoints import Endpoint
from jackfield.errors import ClientGone, GatewayError, InvalidRequest, UndeclaredChange
from jackfield.globs import matches
from jackfield.messages import ChatRequest
from jackfield.response import Attempt, Response

if TYPE_CHECKING:
    from jackfield._hook_chain import Hook
    from jackfield.plan import Plan
    from jackfield.plugin import Plugin


@frozen
class Principal:
    """The caller. `permissions` are those that endpoints name; `tenant` scopes all stored state.

    `scopes` are what it belongs to, from the outermost in: `organization:acme`, `team:search`,
    `key:3f9…`. `models` and `providers` are patterns of those that it may use, with `*` for any
    text; None allows all. The kernel keeps to them in lists of models and in realtime sessions;
    other requests are refused by the plugin that sets them. `role` is its role in administration.
    """

    tenant: str = "local"
    key_id: str | None = None
    permissions: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(factory=dict)
    scopes: tuple[str, ...] = ()
    role: str | None = None
    models: tuple[str, ...] | None = None
    providers: tuple[str, ...] | None = None

    def may(self, permission: str) -> bool:
        """Whether the principal has the permission."""
        return permission in self.permissions or "*" in self.permissions

    def may_use(self, model: str | None = None, provider: str | None = None) -> bool:
        """Whether its patterns allow the model, and the provider, if given."""
        return _allowed(model, self.models) and _allowed(provider, self.providers)


def _allowed(name: str | None, patterns: tuple[str, ...] | None) -> bool:
    return name is None or patterns is None or any(matches(one, name) for one in patterns)


ASKING: 'ContextVar[tuple["Plugin", ...]]' = ContextVar("asking", default=())
"""The plugins that ask the gateway something themselves: their own hooks are not called for it."""

ANONYMOUS = Principal(tenant="anonymous")
"""The principal of a request that nobody has identified."""


class Request(msgspec.Struct, frozen=True):
    """The request as received, or as changed by a plugin. `params` are the path's parts."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    params: Mapping[str, str]
    client: str

    def __repr__(self) -> str:
        return f"<Request {self.method} {len(self.body)} bytes>"


class Change(msgspec.Struct, frozen=True):
    """One change to the request or the response: which plugin made it, and what it changed."""

    by: str
    what: str


@define(eq=False, repr=False)
class Exchange:
    """One client request and everything that happens to it.

    Plugins read its attributes and change it only through its methods, which record who changed
    what. `state` is for a plugin's own notes between its hooks, with the plugin itself as key. In a
    `dry_run` nothing is sent: a plugin decides as usual and must have no lasting effect. `problem`
    is what is wrong with the body, held back until the caller has been identified. With
    `usage_wanted`, providers that report a stream's usage only on request are asked to; a plugin
    whose class does not have `wants_usage` may set it in `pre_request`.
    """

    id: str
    endpoint: Endpoint
    dialect: Dialect
    request: Request
    model: str | None
    stream: bool
    max_tokens: int | None = None
    body_model: str | None = None
    tap: Tap | None = None
    principal: Principal = ANONYMOUS
    plan: "Plan | None" = None
    attempts: list[Attempt] = field(factory=list)
    losses: tuple[Loss, ...] = ()
    received: float = field(factory=time.monotonic)
    state: dict[Any, Any] = field(factory=dict)
    changes: list[Change] = field(factory=list)
    timings: list[float] = field(factory=list)
    provider_seconds: float = 0.0
    provider_headers: Mapping[str, str] = MappingProxyType({})
    response_headers: dict[str, str] = field(factory=dict)
    failures: list[str] = field(factory=list)
    dry_run: bool = False
    usage_wanted: bool = False
    problem: GatewayError | None = None
    entered: int = 0
    sent: bool = False
    ending: GatewayError | None = None
    task: "asyncio.Task[Any] | None" = None
    runner: "asyncio.Task[Any] | None" = None
    acting: "Hook | None" = None
    due: float = 0.0
    overdue: bool = False
    left: "tuple[Plugin, ...]" = field(factory=ASKING.get)
    waiting: tuple[Callable[[], None], ...] = ()
    answers: tuple[Response, ...] = ()
    _tree: Any = None
    _canonical: CanonicalRequest | None = None
    _metadata: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        # Without the request: printed objects end up in logs.
        return f"<Exchange {self.id} {self.endpoint.method} {self.endpoint.path}>"

    @property
    def operation(self) -> str:
        """What is requested: "chat", "embeddings", …"""
        return self.endpoint.operation

    @property
    def metadata(self) -> Mapping[str, str]:
        """The caller's own labels for the request; those of the principal take precedence.

        They come in the header `x-jackfield-metadata`, a JSON object of at most 16 short strings.
        Raises InvalidRequest if the header is anything else.
        """
        if self._metadata is None:
            own = read_metadata(self.request.headers)
            self._metadata = {**own, **self.principal.metadata} if own else {}
        return self._metadata or self.principal.metadata

    def json(self) -> Any:
        """The request's body as a fresh JSON value: changing it changes nothing else."""
        return msgspec.json.decode(self.request.body) if self.request.body else None

    @property
    def tree(self) -> Any:
        """The request's body as a shared JSON value: it must not be changed."""
        if self._tree is None and self.request.body:
            self._tree = msgspec.json.decode(self.request.body)
        return self._tree

    def canonical(self) -> CanonicalRequest:
        """The request in canonical form. Raises InvalidRequest if it has none."""
        if self._canonical is None:
            if not self.dialect.translates:
                raise InvalidRequest(f"{self.endpoint.path} is passed through, not translated.")
            request = self.dialect.parse_request(self.tree, self.request.params)
            if isinstance(request, ChatRequest) and request.stream is not self.stream:
                request = replace(request, stream=self.stream)
            self._canonical = request
        return self._canonical

    def texts(self, *, tools: bool = False) -> list[json_spans.TextSpan]:
        """The texts of the request with their JSON paths, in any dialect.

        With `tools` also the strings in arguments of tool calls, and in results that are JSON.
        """
        paths = self.dialect.request_texts + (self.dialect.request_tools if tools else ())
        return json_spans.texts(self.request.body, paths)

    def replace_texts(self, changed: Mapping[json_spans.Path, str]) -> None:
        """Put changed texts back in place; every other byte of the request is unchanged."""
        if changed:
            self.replace_body(json_spans.replace(self.request.body, changed), "texts")

    def replace_json(self, value: Any) -> None:
        """Replace the whole request body with a JSON value."""
        self.replace_body(msgspec.json.encode(value), "json")

    def replace_body(self, body: bytes, what: str = "body") -> None:
        """Replace the request's bytes. The model and the stream flag are read again."""
        self._record("request", what)
        tree = msgspec.json.decode(body)
        peek = self.dialect.peek(tree, self.request.params)
        self.request = msgspec.structs.replace(self.request, body=body)
        self.model, self.max_tokens = peek.model, peek.max_tokens
        self.stream = peek.stream if self.endpoint.stream is None else self.endpoint.stream
        self.body_model = peek.model
        self._tree, self._canonical = tree, None

    def replace_query(self, query: str) -> None:
        """Replace the query string; the text has no `?`."""
        self._record("request", "query")
        self.request = msgspec.structs.replace(self.request, query=query)

    def set_model(self, model: str) -> None:
        """Ask for another model; its name is spliced into the body when that is sent."""
        self._record("request", f"model {model}")
        self.model, self._canonical = model, None

    def limit_output(self, tokens: int) -> bool:
        """Add a limit on the answer if the request has none; whether that was possible.

        Every other byte of the request is unchanged.
        """
        tree = self.tree
        path = self.dialect.output_limit_in(tree) if type(tree) is dict else ()
        if not path or self.max_tokens is not None:
            return False
        self._record("request", f"output limit {tokens}")
        body = json_spans.put(self.request.body, path, tokens)
        self.request = msgspec.structs.replace(self.request, body=body)
        self.max_tokens = tokens
        self._tree = None
        if isinstance(self._canonical, ChatRequest):
            self._canonical = replace(self._canonical, max_tokens=tokens)
        return True

    def set_principal(self, principal: Principal) -> None:
        """Identify the caller."""
        self._record("principal", f"principal {principal.tenant}")
        self.principal = principal

    def set_provider_header(self, name: str, value: str) -> None:
        """Send a header with the request to the provider, from the next attempt on.

        It takes the place of a client's; what the provider's table or its key says stays. Raises
        ValueError for a key, and for what belongs to the body or to the connection.
        """
        from jackfield._client import check_addition  # noqa: PLC0415 - commands import this module

        check_addition(name, value)
        self._record("request", f"header {name.lower()}")
        self.provider_headers = MappingProxyType({**self.provider_headers, name.lower(): value})

    def set_response_header(self, name: str, value: str) -> None:
        """Add a header to the answer; its name begins with `x-` or is a standard one."""
        if not value.isprintable() and any(character in value for character in "\r\n\0"):
            raise ValueError(f"the value of {name} holds a line break")
        self.response_headers[name.lower()] = value

    def set_response_headers(self, headers: Mapping[str, str]) -> None:
        """Add several headers at once, whose values are known to contain no line break.

        The names are lower case. Nothing is checked, because checking is most of the cost of a
        header.
        """
        self.response_headers.update(headers)

    def leave(self, plugin: "Plugin") -> None:
        """Let a plugin opt out: none of its later hooks is called for this exchange."""
        self.left += (plugin,)

    def before_call(self, act: Callable[[], None]) -> None:
        """Have `act` run just before the next call of a provider, which it may refuse."""
        self.waiting += (act,)

    def call_begins(self) -> None:
        """Run what was registered by `before_call`. Raises what that raises."""
        while self.waiting:
            self.waiting[0]()  # one that raises refuses the next call as well
            self.waiting = self.waiting[1:]

    def abort(self) -> None:
        """The client is gone: cancel the exchange. It is still settled."""
        self.end(ClientGone("The client closed the connection."))

    def end(self, why: GatewayError) -> None:
        """Break the exchange off, unless it is already being settled."""
        if self.ending is None:
            self.ending = why
            if self.task is not None and self.task is not asyncio.current_task():
                self.task.cancel()

    def note(self, plugin: "Plugin", make: Callable[[], Any]) -> Any:
        """The plugin's own note on this exchange, created by `make` on first use."""
        if plugin not in self.state:
            self.state[plugin] = make()
        return self.state[plugin]

    def _record(self, kind: str, what: str) -> None:
        if self.acting is None:
            self.changes.append(Change("kernel", what))
            return
        plugin = self.acting.plugin
        if kind not in plugin.mutates:
            raise UndeclaredChange(plugin.name, kind)
        self.changes.append(Change(plugin.name, what))
