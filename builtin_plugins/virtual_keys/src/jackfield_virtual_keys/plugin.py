"""The plugin: authenticates callers by their keys, and enforces what each key allows."""

import asyncio
import logging
from typing import Any, ClassVar, Final

from attrs import evolve, frozen
from attrs.validators import ge

from jackfield.admin import MANAGE, permissions_of
from jackfield.config import option
from jackfield.errors import Forbidden, Unauthenticated
from jackfield.exchange import ANONYMOUS, Exchange, Principal
from jackfield.http import WEBSOCKET
from jackfield.plan import Plan, Target
from jackfield.plugin import CallNext, Plugin, hookimpl
from jackfield.response import Response
from jackfield.secrets import SecretRef
from jackfield.setup import Setup
from jackfield.store import StoreUnavailable

from . import networks
from .client_address import client_address
from .declared import Declared
from .declared_keys import read_keys
from .grant import Names
from .hierarchy import Hierarchy, HolderCollection
from .holders import Place
from .keyring import Freshness, Keyring
from .pepper import Pepper, check_shared, read_pepper
from .presented import presented
from .sessions import Sessions
from .virtual_keys import VirtualKeyCollection

logger = logging.getLogger("jackfield.virtual_keys")

_NO_KEY: Final = (
    "A key of the gateway is required: send `Authorization: Bearer jf-…`, or use it as your SDK's"
    " API key."
)
_GATEWAYS_OWN: Final = "jackfield"
_RETRY_SECONDS: Final = 0.5


def _check_proxies(instance: object, attribute: object, proxies: tuple[str, ...]) -> None:
    for proxy in proxies:
        if problem := networks.problem_of(proxy):
            raise ValueError(f"the entry {proxy!r} {problem}")


class VirtualKeys(Plugin):
    """Requires a key from every caller, including those on this machine."""

    @frozen(kw_only=True)
    class Config(Declared):
        """`[plugins.virtual_keys]`."""

        pepper: SecretRef | None = option(
            None,
            "The key for digests of secrets, at least 32 characters, the same for all machines"
            " that share a store; by default a file in `server.state_dir`, created at first use.",
        )
        cache_seconds: float = option(
            5.0,
            "How long a key is used without asking the store, in case a change was missed.",
            validator=ge(0),
        )
        stale_seconds: float = option(
            300.0,
            "How long a known key remains valid while the store is unavailable.",
            validator=ge(0),
        )
        trusted_proxies: tuple[str, ...] = option(
            (),
            "Networks of proxies whose `X-Forwarded-For` is trusted.",
            validator=_check_proxies,
        )

    mutates: ClassVar[frozenset[str]] = frozenset({"principal", "request"})
    authenticates: ClassVar[bool] = True
    deadline_ms: ClassVar[int] = 1_000
    needs_store: ClassVar[bool] = True

    config: Config
    _sessions: Sessions

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        config.check()
        self._listening: list[asyncio.Task[None]] = []
        self._keyring: Keyring | None = None

    async def start(self, setup: Setup) -> None:
        """Read the pepper, add collections and declarations, and listen for changes."""
        pepper = await read_pepper(setup, self.config.pepper, self.name)
        hierarchy = Hierarchy(setup)
        keys = VirtualKeyCollection(setup, hierarchy, pepper)
        hierarchy.add(keys)
        for collection in hierarchy:
            setup.add_admin_collection(collection)
        table = ("plugins", self.name)
        for kind, things in self.config.in_order().items():
            setup.declare(hierarchy.of_kind[kind], things, *table, f"{kind}s")
        found = await read_keys(setup, self.config.keys, pepper, self.name)
        setup.declare(keys, found, *table, "keys")
        names = Names(frozenset(setup.settings.models), tuple(setup.settings.providers))
        freshness = Freshness(self.config.cache_seconds, self.config.stale_seconds)
        self._keyring = keyring = Keyring(keys, hierarchy, names, freshness)
        hierarchy.changed, hierarchy.recalled = keyring.forget, keyring.find
        await self._check_pepper(setup, pepper)
        self._listening = [
            asyncio.create_task(_listen(collection, keyring)) for collection in hierarchy
        ]
        self._sessions = sessions = Sessions(keyring, self.config.trusted_proxies)
        self._listening.append(asyncio.create_task(sessions.watch()))
        if setup.settings.server.behind_proxy and not self.config.trusted_proxies:
            logger.warning(
                "plugins.%s.trusted_proxies is empty: keys that are limited to addresses see the"
                " proxy's own",
                self.name,
            )

    async def stop(self) -> None:
        """Stop listening."""
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        if self._keyring is not None:
            await self._keyring.close()

    async def health(self) -> str | None:
        """Whether revocations are received."""
        if any(task.done() for task in self._listening):
            return "it does not hear of changes of keys, which take `cache_seconds` to be known"
        return None

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Authenticate the caller, and refuse what the key does not allow."""
        text = presented(exchange)
        if text is None:
            if exchange.principal is not ANONYMOUS:
                return  # the admin listener authenticates on its own
            raise Unauthenticated(_NO_KEY)
        keyring = self._keyring
        if keyring is None:
            raise Unauthenticated(_NO_KEY)
        grant = keyring.recall(text) or await keyring.look_up(text)
        if grant.ends is not None:
            grant.check_time(keyring.now())
        if grant.allowed.addresses is not None:
            grant.check_address(client_address(exchange.request, self.config.trusted_proxies))
        if exchange.endpoint.dialect.name == _GATEWAYS_OWN:
            exchange.set_principal(_administrator(grant.principal, exchange.endpoint.permission))
            return
        exchange.set_principal(grant.principal)
        if exchange.stream or exchange.endpoint.method == WEBSOCKET:
            self._sessions.add(exchange, text)
        if not grant.limited:
            exchange.leave(self)  # there is nothing else to check
            return
        grant.check_request(exchange)
        exchange.state[self] = (grant, exchange.model)

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Drop the targets that the key does not allow."""
        held = exchange.state.get(self)
        if held is None:
            return None
        grant, requested = held
        if all(grant.keeps(target, requested) for target in plan.targets):
            return None
        kept = plan.keep(lambda target: grant.keeps(target, requested), "the key does not allow it")
        if not kept.targets:
            raise _refused(plan.targets[0], requested)
        return kept

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Refuse targets that the key does not allow, whichever plugin added them."""
        held = exchange.state.get(self)
        if held is not None:
            grant, requested = held
            if not grant.keeps(target, requested):
                raise _refused(target, requested)
        return await call_next(target)

    async def _check_pepper(self, setup: Setup, pepper: Pepper) -> None:
        try:
            await check_shared(setup, pepper, self.name)
        except StoreUnavailable:
            # Keys that were made with another pepper are refused in any case.
            logger.warning("the store is unavailable: the pepper could not be compared with it")


def _administrator(principal: Principal, permission: str) -> Principal:
    """The principal where the gateway itself is asked: its role permits administration.

    No permission of its own does so, not even `*`: vendors have administrations too, which are
    at their own endpoints.
    """
    own = frozenset[str]() if permission in (MANAGE, "admin") else principal.permissions
    return evolve(principal, permissions=own | permissions_of(principal.role))


def _refused(target: Target, requested: str | None) -> Forbidden:
    what = f"the model {requested!r}" if requested else f"the provider {target.provider!r}"
    return Forbidden(f"The key may not use {what}.", param="model" if requested else None)


async def _listen(collection: HolderCollection[Any], keyring: Keyring) -> None:
    """Follow changes, and recheck everything when some may have been missed."""
    while True:
        try:
            async for id in collection.changes():
                keyring.forget(Place(collection.singular, id) if id is not None else None)
        except StoreUnavailable:
            keyring.forget(None)
        await asyncio.sleep(_RETRY_SECONDS)
