"""The gateway's own endpoints: liveness, readiness, and information for operators."""

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from jackfield._explain import explain
from jackfield._gateway_dialect import GATEWAY_DIALECT
from jackfield._hook_chain import hooks_of
from jackfield.catalogue import Catalogue
from jackfield.endpoints import PUBLIC, Endpoint
from jackfield.exchange import ANONYMOUS, Exchange
from jackfield.response import Response

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
            _endpoint("GET", "/health", PUBLIC, self.health),
            _endpoint("GET", "/ready", PUBLIC, self.ready),
            _endpoint("HEAD", "/health", PUBLIC, self.health),
            _endpoint("HEAD", "/ready", PUBLIC, self.ready),
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
        results = await asyncio.gather(
            *(asyncio.wait_for(check(), HEALTH_SECONDS) for check in checks.values()),
            return_exceptions=True,
        )
        states = dict(self._gateway.loaded.degraded)
        for name, result in zip(checks, results, strict=True):
            if isinstance(result, TimeoutError):
                states[name] = f"no answer within {HEALTH_SECONDS:g} s"
            elif isinstance(result, BaseException):
                states[name] = f"its health check raised {type(result).__name__}"
            else:
                states[name] = result or "ok"
        return states

    async def explain(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """What would happen to a request; nothing is sent."""
        return _json(await explain(self._gateway, exchange.json()))

    async def plugins(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """The plugins in order, with hooks, policy, health and failures."""
        states = await self.states()
        failures = self._gateway.caller.failures
        listed = [
            {
                "name": member.plugin.name,
                "hooks": hooks_of(type(member.plugin)),
                "on_error": member.on_error,
                "deadline_ms": member.deadline_ms,
                "health": states.get(member.plugin.name, "ok"),
                "failures": {
                    hook: number
                    for (name, hook, _), number in failures.items()
                    if name == member.plugin.name
                },
            }
            for member in self._gateway.loaded.members
        ]
        return _json({"plugins": listed, "blocks": self._gateway.watchdog.blocks})

    async def endpoints(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """The endpoint table of the main listener."""
        listed = [
            {
                "method": endpoint.method,
                "path": endpoint.path,
                "dialect": endpoint.dialect.name,
                "operation": endpoint.operation,
                "permission": endpoint.permission,
            }
            for endpoint in self._gateway.table
        ]
        return _json({"endpoints": listed})


def _endpoint(method: str, path: str, permission: str, answer: Any) -> Endpoint:
    return Endpoint(method, path, GATEWAY_DIALECT, "operations", permission, answer=answer)


def _json(value: Any, status: int = 200) -> Response:
    return Response(status, msgspec.json.encode(value))
