"""The headers of an answer, and answers that come from no provider."""

import time
from collections.abc import Sequence
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING
from urllib.parse import quote

from jackfield._gateway_dialect import GATEWAY_DIALECT
from jackfield._hook_call import fault_in
from jackfield._mistakes import WrongResultError, mistake
from jackfield.catalogue import Catalogue
from jackfield.dialects import Dialect
from jackfield.errors import GatewayError
from jackfield.exchange import Exchange
from jackfield.plugin import Plugin
from jackfield.response import Response

if TYPE_CHECKING:
    from jackfield.endpoints import Answering

SHOWN_SECONDS = 10e-6
"""A plugin that took less is not in Server-Timing."""
_LONGEST = 4096
"""Characters that name what was lost: members have names of the caller's own, of any length."""

_UNHELD = (("cache-control", "no-cache"), ("x-accel-buffering", "no"))
"""So that no cache keeps a stream, and nginx and its like hand it on as it comes."""

UNSTORED = (("cache-control", "no-store"),)
"""So that no cache on the way gives one caller what another was told: few know `x-api-key`."""


def head_of(
    exchange: Exchange, response: Response, plugins: Sequence[Plugin]
) -> list[tuple[str, str]]:
    """The headers for the client, in the order in which they are sent."""
    head = [("content-type", response.content_type), ("x-request-id", exchange.id)]
    if exchange.dialect.request_id_header:
        head.append((exchange.dialect.request_id_header, exchange.id))
    head += response.headers.items()
    head += exchange.response_headers.items()
    if response.losses:
        features = dict.fromkeys(loss.feature for loss in response.losses)
        named = printable(", ".join(features)[: _LONGEST + 1])
        named = named if len(named) <= _LONGEST else f"{named[:_LONGEST]}..."
        head.append(("x-jackfield-loss", named))
    if exchange.attempts:
        head.append(("x-jackfield-target", printable(str(exchange.attempts[-1].target))))
    head.append(("server-timing", server_timing(exchange, plugins)))
    if response.streaming:
        head += _UNHELD
    elif exchange.request.method != "POST":  # whose answers no cache keeps unasked
        head += UNSTORED
    return head


@lru_cache(maxsize=1024)
def printable(value: str) -> str:
    """The value with everything but printable ASCII percent-encoded."""
    if value.isascii() and value.isprintable():
        return value
    return quote(value, safe=" !\"#$&'()*+,/:;<=>?@[\\]^`{|}~")


def server_timing(exchange: Exchange, plugins: Sequence[Plugin]) -> str:
    """Total and upstream time in ms, and each plugin's if any (W3C Server Timing)."""
    text = f"total;dur={(time.monotonic() - exchange.received) * 1000:.3f}"
    if exchange.attempts:
        text += f", provider;dur={exchange.provider_seconds * 1000:.3f}"
    for at, spent in enumerate(exchange.timings):
        if spent >= SHOWN_SECONDS:
            text += f", {plugins[at].name};dur={spent * 1000:.3f}"
    return text


async def own_answer(answer: "Answering", exchange: Exchange, catalogue: Catalogue) -> Response:
    """What an endpoint answers by itself. Raises GatewayError, also where its code fails."""
    try:
        response = await answer(exchange, catalogue)
        if fault := fault_in(response, Response):
            raise WrongResultError(fault)
    except GatewayError:
        raise
    except (Exception, SystemExit) as error:
        owner = getattr(answer, "__self__", None)
        who = f"plugin {owner.name}" if isinstance(owner, Plugin) else exchange.endpoint.path
        module, method = [getattr(answer, name, "") for name in ("__module__", "__name__")]
        raise mistake(exchange.id, error, module, f"{who} failed in {method}: ") from error
    return response


def error_answer(dialect: Dialect, error: GatewayError, request_id: str) -> Response:
    """An error in a dialect, or in the gateway's own if that dialect fails."""
    headers = dict(getattr(error, "headers", None) or {})
    try:
        if error.retry_after is not None:
            headers["retry-after"] = str(max(1, ceil(error.retry_after)))
        body = getattr(error, "body", None) or dialect.render_error(error, request_id)
        headers = {**dialect.error_headers(error), **headers}
    except Exception as fault:  # noqa: BLE001 - a plugin's error or dialect may raise anything
        mistake(request_id, fault, type(dialect).__module__)
        body = GATEWAY_DIALECT.render_error(error, request_id)
    return Response(error.http_status, body, headers=headers)
