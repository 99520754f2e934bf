"""The gateway's own endpoints: liveness, readiness, and information for operators."""

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from jackfield._explain import explain
from jackfield._gateway_dialect import GATEWAY_DIALECT
from jackfield._hook_chain import hooks_of
from jackfield._mistakes import WrongResultError, fault_of, is_being_cancelled, logger
from jackfield.catalogue import Catalogue
from jackfield.endpoints import PUBLIC, Endpoint
from jackfield.exchange import ANONYMOUS, Exchange
from jackfield.response import Response
from jackfield.setup import HealthCheck

if TYPE_CHECKING:
    from jackfield._gateway import Gateway

HEALTH_SECONDS = 2.0


class Operations:
    """Answers about one gateway."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway

    def public(self) -> list[Endpoint]:
        """What the main listener offers: to everybody, and to those who may explain."""
        return [
            *(_endpoint(method, "/health", PUBLIC, self.health) for method in ("GET", "HEAD")),
            *(_endpoint(method, "/ready", PUBLIC, self.ready) for method in ("GET", "HEAD")),
            _endpoint("POST", "/jackfield/explain", "explain", self.explain),
        ]

    def admin(self) -> list[Endpoint]:
        """What only the admin listener offers."""
        return [
            *self.public(),
            _endpoint("GET", "/jackfield/plugins", "admin", self.plugins),
            _endpoint("GET", "/jackfield/endpoints", "admin", self.endpoints),
        ]

    async def health(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """Alive: the event loop runs. Ignores dependencies, so that none can cause a restart."""
        return _json({"status": "ok"})

    async def ready(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """Ready for traffic: not draining, every plugin well. 503 otherwise.

        Strangers are told which plugin is unwell but not why; the admin listener has the details. A
        reload that waits for a plugin to start does not affect readiness.
        """
        states = await self.states()
        draining = self._gateway.draining
        well = not draining and all(state == "ok" for state in states.values())
        status = "draining" if draining else "ready" if well else "not ready"
        if exchange.principal is ANONYMOUS:
            states = {name: "ok" if state == "ok" else "not ok" for name, state in states.items()}
        answer: dict[str, Any] = {"status": status, "dependencies": states}
        if (successor := self._gateway.successor) is not None and successor.starting:
            answer["reload"] = f"waits for the plugin {successor.starting} to start"
        return _json(answer, 200 if well else 503)

    async def states(self) -> dict[str, str]:
        """Each plugin, provider and registered check: "ok", or what is wrong with it."""
        checks = self._gateway.health_checks()
        found = await asyncio.gather(*(_state(name, check) for name, check in checks.items()))
        return {**self._gateway.loaded.degraded, **dict(zip(checks, found, strict=True))}

    async def explain(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """What would happen to a request; nothing is sent."""
        return _json(await explain(self._gateway, exchange.json()))

    async def plugins(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """The plugins in order, with hooks, policy, health and failures."""
        states = await self.states()
        failures = self._gateway.caller.failures
        listed = [
            {
                "name": name,
                "hooks": hooks_of(type(member.plugin)),
                "on_error": member.on_error,
                "deadline_ms": member.deadline_ms,
                "health": states.get(name, "ok"),
                "failures": {hook: n for (who, hook, _), n in failures.items() if who == name},
            }
            for name, member in ((one.plugin.name, one) for one in self._gateway.loaded.members)
        ]
        return _json({"plugins": listed, "blocks": self._gateway.watchdog.blocks})

    async def endpoints(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """The endpoint table of the main listener."""
        plain = ("method", "path", "operation", "permission")
        listed = [
            {"dialect": endpoint.dialect.name, **{name: getattr(endpoint, name) for name in plain}}
            for endpoint in self._gateway.table
        ]
        return _json({"endpoints": listed})


async def _state(name: str, check: HealthCheck) -> str:
    try:
        async with asyncio.timeout(HEALTH_SECONDS):
            message: object = await check()
        if message is None or isinstance(message, str):
            return message or "ok"
        raise WrongResultError(f"returned {type(message).__name__}")
    except (Exception, SystemExit, asyncio.CancelledError) as error:
        if is_being_cancelled():
            raise
        fault = fault_of(error, getattr(check, "__module__", ""))
        logger.warning("plugin %s failed in health: %s", name, fault)
        if isinstance(error, TimeoutError):
            return f"no answer within {HEALTH_SECONDS:g} s"
        return f"its health check failed: {fault.partition(' at ')[0]}"


def _endpoint(method: str, path: str, permission: str, answer: Any) -> Endpoint:
    return Endpoint(method, path, GATEWAY_DIALECT, "operations", permission, answer=answer)


def _json(value: Any, status: int = 200) -> Response:
    return Response(status, msgspec.json.encode(value))
