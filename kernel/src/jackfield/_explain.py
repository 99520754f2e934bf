"""A dry run: what would happen to a request, and why. Nothing is sent."""

from typing import TYPE_CHECKING, Any

from msgspec.json import encode

from jackfield._hook_chain import hooks_of
from jackfield._models import losses_of
from jackfield.errors import GatewayError, InvalidRequest
from jackfield.exchange import Exchange
from jackfield.http import HttpRequest
from jackfield.plan import Plan
from jackfield.response import Outcome

if TYPE_CHECKING:
    from jackfield._gateway import Gateway

_GUESSES = (
    ("messages", "/v1/chat/completions"),
    ("prompt", "/v1/completions"),
    ("encoding_format", "/v1/embeddings"),
    ("dimensions", "/v1/embeddings"),
    ("input", "/v1/responses"),
    ("instructions", "/v1/responses"),
)

_FORM = 'Say which request is meant: {"path": "/v1/…", "body": {…}}.'


async def explain(gateway: "Gateway", description: Any) -> dict[str, Any]:
    """Run a described request through the hooks and the plan.

    `description` is `{"path": …, "body": …}` with optional `method` and `headers`, only the path if
    the request has no body, or only the body if its keys tell which path is meant. Raises
    InvalidRequest otherwise.
    """
    request = described(description)
    outcomes: list[Outcome] = []
    try:
        exchange = gateway.frontend.open(request, "explain")
        exchange.dry_run = True
        await gateway.dry_run(exchange, outcomes.append)
    except GatewayError as error:
        return {"endpoint": request.path, "refused": _error(error)}
    outcome = outcomes[-1]
    explanation: dict[str, Any] = {
        "endpoint": f"{exchange.endpoint.method} {exchange.endpoint.path}",
        "dialect": exchange.dialect.name,
        "operation": exchange.operation,
        "model": exchange.model,
        "stream": exchange.stream,
        "tenant": exchange.principal.tenant,
        "plugins": _plugins(gateway, exchange),
    }
    if outcome.error is not None:
        explanation["refused"] = _error(outcome.error.without_traceback())
    if exchange.plan is not None:
        explanation["plan"] = _plan(gateway, exchange, exchange.plan)
    elif outcome.error is None:
        explanation["answered"] = "by a plugin or by the gateway itself"
    return explanation


def described(description: Any) -> HttpRequest:
    """The request that a description stands for."""
    if not isinstance(description, dict):
        raise InvalidRequest(_FORM)
    wrapped = description if {"path", "body"} & description.keys() else {"body": description}
    body = wrapped.get("body")
    given = wrapped.get("headers", {})
    if not isinstance(given, dict) or not all(type(text) is str for text in given.values()):
        raise InvalidRequest("`headers` must be an object of strings.", param="headers")
    path = wrapped.get("path")
    if path is None and isinstance(body, dict):
        path = next((path for key, path in _GUESSES if key in body), None)
    if not isinstance(path, str):
        raise InvalidRequest(_FORM, param="path")
    method = wrapped.get("method", "GET" if body is None else "POST")
    if not isinstance(method, str):
        raise InvalidRequest("`method` must be a string.", param="method")
    return HttpRequest.local(method.upper(), path, encode(body) if body is not None else b"", given)


def _plugins(gateway: "Gateway", exchange: Exchange) -> list[dict[str, Any]]:
    decisions = exchange.plan.decisions if exchange.plan else ()
    return [
        {
            "name": plugin.name,
            "hooks": hooks_of(type(plugin)),
            "reached": at < exchange.entered,
            "ms": round(exchange.timings[at] * 1000, 3),
            "changes": [change.what for change in exchange.changes if change.by == plugin.name],
            "decisions": [f"{d.what}: {d.because}" for d in decisions if d.by == plugin.name],
            "failures": [f for f in exchange.failures if f.startswith(f"{plugin.name}.")],
        }
        for at, plugin in enumerate(gateway.chain.plugins)
    ]


def _plan(gateway: "Gateway", exchange: Exchange, plan: Plan) -> dict[str, Any]:
    return {
        "decisions": [{"by": d.by, "what": d.what, "because": d.because} for d in plan.decisions],
        "targets": [
            {"target": str(one), "losses": [*map(str, losses_of(gateway.providers, exchange, one))]}
            for one in plan.targets
        ],
    }


def _error(error: GatewayError) -> dict[str, Any]:
    return {"status": error.http_status, "code": error.code, "message": error.message}
