"""The principal and the limits of a valid key."""

from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec
from attrs import define, field, frozen

from jackfield.endpoints import Endpoint
from jackfield.errors import Forbidden, GatewayError, InvalidRequest, Unauthenticated
from jackfield.exchange import Exchange, Principal
from jackfield.globs import matches
from jackfield.http import WEBSOCKET
from jackfield.plan import Target

from . import networks
from .holders import Place
from .rights import Allowed

K = TypeVar("K")

_MOST_REMEMBERED: Final = 256
_HARMLESS: Final = frozenset({"models", "files"})
_BATCHES: Final = "batches"  # the contents of their files are not checked
_NAMES: Final = frozenset({"model", "agent", "agent_id", "reasoning_model", "answering_model"})
_LISTS: Final = frozenset({"models", "analysis_models"})
_ROUTES: Final = frozenset({"providerOptions", "extra_body", "plugins", "compound_custom"})
"""Members in which, at any depth, models are named to a router."""
_READING: Final = frozenset({"GET", "HEAD", "DELETE"})


@frozen
class Names:
    """The aliases and providers of the gateway, for interpreting names of models."""

    aliases: frozenset[str]
    providers: tuple[str, ...]

    def meanings(self, model: str) -> list[str]:
        """The names by which patterns may allow what a client calls `model`."""
        if model in self.aliases:
            return [model]
        provider, slash, rest = model.partition("/")
        if slash and provider in self.providers:
            return [model, rest]
        return [model, *(f"{provider}/{model}" for provider in self.providers)]


@define(eq=False)
class Grant:
    """The principal and limits of a valid key.

    `ends` is on the store's clock, in seconds since 1970.
    """

    principal: Principal
    allowed: Allowed
    places: frozenset[Place]
    names: Names
    ends: float | None = None
    limited: bool = field(init=False)
    _models: dict[str, bool] = field(factory=dict, init=False)
    _targets: dict[tuple[str, str, str | None], bool] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        principal, allowed = self.principal, self.allowed
        self.limited = bool(
            allowed.required_metadata
            or allowed.addresses is not None
            or allowed.operations is not None
            or principal.models is not None
            or principal.providers is not None
        )

    def check_time(self, now: float) -> None:
        """Raise Unauthenticated if the key has expired."""
        if self.ends is not None and now >= self.ends:
            raise Unauthenticated("The key has expired; ask for a new one.")

    def check_address(self, address: str) -> None:
        """Raise Forbidden if the key may not be used from this address."""
        allowed = self.allowed.addresses
        if allowed is not None and not networks.is_in(address, allowed):
            raise Forbidden("The key may not be used from this address.")

    def check_request(self, exchange: Exchange) -> None:
        """Raise Forbidden or InvalidRequest if the key does not allow the request.

        A body that cannot be parsed is left to the kernel to refuse.
        """
        allowed = self.allowed
        if allowed.operations is not None and not any(
            matches(pattern, exchange.operation) for pattern in allowed.operations
        ):
            raise Forbidden(f"The key may not be used for {exchange.operation!r}.")
        if exchange.problem is not None:
            return
        if self.principal.models is not None:
            self._check_model(exchange)
        if allowed.required_metadata:
            _check_metadata(exchange, allowed.required_metadata)

    def keeps(self, target: Target, requested: str | None) -> bool:
        """Whether a target may be called for a client that asked for `asked`.

        An allowed alias allows all of its targets, at allowed providers.
        """
        call = (target.provider, target.model, requested)
        known = self._targets.get(call)
        if known is None:
            known = self._may_call(*call)
            _remember(self._targets, call, known)
        return known

    def _may_call(self, provider: str, model: str, requested: str | None) -> bool:
        may_use = self.principal.may_use
        if not may_use(provider=provider):
            return False
        if not model or (requested in self.names.aliases and may_use(requested)):
            return True
        return may_use(f"{provider}/{model}") or may_use(model)

    def _check_model(self, exchange: Exchange) -> None:
        model = exchange.model
        if model is None or exchange.endpoint.permission == _BATCHES:
            if _may_run_a_model(exchange.endpoint, exchange.request.method):
                raise Forbidden(
                    "The key is limited to some models, and this request does not say which it"
                    " would use."
                )
            return
        if not self._may_ask_for(model):
            raise Forbidden(f"The key may not use the model {model!r}.", param="model")
        provider, slash, _ = model.partition("/")
        beside = provider + slash if provider in self.names.providers else ""
        for other in _other_models(exchange):
            if not (self._may_ask_for(other) or self._may_ask_for(beside + other)):
                raise Forbidden(f"The key may not use the model {other!r}, which is also named.")

    def _may_ask_for(self, model: str) -> bool:
        known = self._models.get(model)
        if known is None:
            known = any(self.principal.may_use(name) for name in self.names.meanings(model))
            _remember(self._models, model, known)
        return known


@frozen
class Refusal:
    """Why a key is refused; a change of `places` may change that."""

    error: type[GatewayError]
    message: str
    places: frozenset[Place] = frozenset()


def _remember(known: dict[K, bool], key: K, value: bool) -> None:
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    known[key] = value


def _may_run_a_model(endpoint: Endpoint, method: str) -> bool:
    """Whether an endpoint without a model name may use a model, such as a batch or a session."""
    if endpoint.answer is not None or endpoint.permission in _HARMLESS:
        return False
    return endpoint.method == WEBSOCKET or method not in _READING


def _other_models(exchange: Exchange) -> Iterator[str]:
    """Further models that a body names: a router's fallbacks, the models of tools.

    Bodies that are passed through unread may name models anywhere, as sessions and agents do.
    """
    try:
        tree = exchange.tree
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return  # a form, which names only one model
    if isinstance(tree, dict):
        others = {
            n: value for n, value in tree.items() if (n, value) != ("model", exchange.body_model)
        }
        yield from _models_in(others, deep=not exchange.dialect.translates)


def _models_in(value: Any, *, deep: bool) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _models_in(one, deep=deep)
    for name, inner in value.items() if isinstance(value, dict) else ():
        if name in _NAMES and isinstance(inner, str):
            yield inner.removeprefix("models/")
        elif name == "tools" and isinstance(inner, list):  # but not the names in their schemas
            for tool in inner:
                if isinstance(tool, dict):
                    own = {part: tool[part] for part in ("model", "tools") if part in tool}
                    yield from _models_in([own, tool.get("parameters")], deep=False)
        elif (name in _LISTS or "fallback" in name) and not isinstance(inner, dict):
            yield from _words_in(inner)
        elif deep or name in _ROUTES:
            yield from _models_in(inner, deep=True)


def _words_in(value: Any) -> Iterator[str]:
    """The names in a list of models, given as strings, as `model`, or as keys."""
    if isinstance(value, str):
        yield value.removeprefix("models/")
    elif isinstance(value, dict):
        yield from _words_in(value.get("model", list(value.values())))
    elif isinstance(value, list):
        for one in value:
            yield from _words_in(one)


def _check_metadata(exchange: Exchange, required: tuple[str, ...]) -> None:
    given = exchange.metadata
    missing = [name for name in required if not given.get(name)]
    if missing:
        example = ", ".join(f'"{name}": "…"' for name in missing)
        raise InvalidRequest(
            f"The key requires every request to have metadata, {', '.join(missing)}, in the header"
            f" x-jackfield-metadata: {{{example}}}.",
            param="x-jackfield-metadata",
        )
