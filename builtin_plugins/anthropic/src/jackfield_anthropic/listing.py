"""The list of the gateway's models in the form of Anthropic's API."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from jackfield import Exchange, NotFound, Response
from jackfield.catalogue import Catalogue, Listed


async def list_models(exchange: Exchange, catalogue: Catalogue) -> Response:
    """List aliases and the models of all providers, on one page."""
    data = [_model(listed) for listed in await catalogue.models()]
    body = {
        "data": data,
        "has_more": False,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }
    return Response(200, msgspec.json.encode(body))


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
