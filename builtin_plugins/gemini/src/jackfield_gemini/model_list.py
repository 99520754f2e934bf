"""The gateway's models in the form of Google's model list."""

from typing import Any

import msgspec

from jackfield import Exchange, NotFound, Response
from jackfield.catalogue import Catalogue, Listed

_METHODS = ("generateContent", "streamGenerateContent", "countTokens", "embedContent")


async def list_models(exchange: Exchange, catalogue: Catalogue) -> Response:
    """List aliases and the models of all providers, on one page."""
    listed = await catalogue.models()
    return Response(200, msgspec.json.encode({"models": [_model(one) for one in listed]}))


async def show_model(exchange: Exchange, catalogue: Catalogue) -> Response:
    """Show one model of the list."""
    name = exchange.request.params["model"]
    for one in await catalogue.models():
        if name in (one.name, one.info.id):
            return Response(200, msgspec.json.encode(_model(one)))
    raise NotFound(f"There is no model {name!r}; see the list of models.", param="model")


def _model(listed: Listed) -> dict[str, Any]:
    known = listed.capabilities
    facts = {
        "inputTokenLimit": known.context_tokens,
        "outputTokenLimit": known.max_output_tokens,
        "thinking": known.reasoning and known.reasoning != "none",
    }
    return {
        "name": f"models/{listed.name}",
        "version": "1",
        "displayName": listed.name,
        "supportedGenerationMethods": _METHODS,
        **{name: fact for name, fact in facts.items() if fact is not None},
    }
