"""The list of the gateway's models in the form of Anthropic's API."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from jackfield import Exchange, InvalidRequest, NotFound, Response
from jackfield.catalogue import Catalogue, Listed

_LIMIT: Final = re.compile(r"[0-9]{1,6}")
_MOST: Final = 1000


async def list_models(exchange: Exchange, catalogue: Catalogue) -> Response:
    """List aliases and the models of all providers: the page that is wanted, or all."""
    every = await catalogue.models()
    page, more = _page([listed.name for listed in every], dict(parse_qsl(exchange.request.query)))
    data = [_model(every[at]) for at in page]
    body = {
        "data": data,
        "has_more": more,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }
    return Response(200, msgspec.json.encode(body))


def _page(names: Sequence[str], query: Mapping[str, str]) -> tuple[range, bool]:
    """The places of the models on the page, and whether there are others beyond its end.

    Raises InvalidRequest for a limit that is none, and for a model that is not in the list.
    """
    limit, after, before = (query.get(key) for key in ("limit", "after_id", "before_id"))
    if limit is not None and (_LIMIT.fullmatch(limit) is None or not 0 < int(limit) <= _MOST):
        raise InvalidRequest(f"'limit' must be a number from 1 to {_MOST}.", param="limit")
    first = 0 if after is None else _place(names, after, "after_id") + 1
    last = len(names) if before is None else _place(names, before, "before_id")
    most = _MOST if limit is None else int(limit)
    if before is not None and after is None:
        return range(max(last - most, 0), last), last > most
    return range(first, min(first + most, last)), first + most < last


def _place(names: Sequence[str], name: str, key: str) -> int:
    if name not in names:
        raise InvalidRequest(f"{key!r} is not the id of a model in the list.", param=key)
    return names.index(name)


async def show_model(exchange: Exchange, catalogue: Catalogue) -> Response:
    """Show one model of the list."""
    wanted = exchange.request.params["model"]
    for listed in await catalogue.models():
        if wanted in (listed.name, listed.info.id):
            return Response(200, msgspec.json.encode(_model(listed)))
    raise NotFound(f"There is no model {wanted!r}; see GET /anthropic/v1/models.", param="model")


def _model(listed: Listed) -> dict[str, Any]:
    created = datetime.fromtimestamp(listed.info.created, UTC)
    known = listed.capabilities
    return {
        "type": "model",
        "id": listed.name,
        "display_name": listed.info.id,
        "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "deprecated" if known.retires else "active",
        "retires_at": f"{known.retires}T00:00:00Z" if known.retires else None,
        "max_input_tokens": known.context_tokens,
        "max_tokens": known.max_output_tokens,
    }
