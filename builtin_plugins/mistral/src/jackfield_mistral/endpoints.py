"""The endpoints of the Mistral API, under `/mistral`."""

from typing import Any, Final

import msgspec

from jackfield import Endpoint, Exchange, NotFound, Response
from jackfield.capabilities import Capabilities
from jackfield.catalogue import Catalogue, Listed

from .chat import ChatDialect
from .embeddings import EmbeddingsDialect
from .resource import ResourceDialect

CHAT: Final = ChatDialect()
EMBEDDINGS: Final = EmbeddingsDialect()
RESOURCE: Final = ResourceDialect()

PATHS: Final = {CHAT.name: "/v1/chat/completions", EMBEDDINGS.name: "/v1/embeddings"}
"""The path of each dialect below the API's base URL."""

_UPLOADS: Final = 512 << 20
"""Maximum bytes of a file."""

_RESOURCES: Final = (
    # path, operation, permission, largest body
    ("/v1/fim/completions", "completions", "inference", None),
    ("/v1/agents/completions", "chat", "inference", None),
    ("/v1/ocr", "ocr", "inference", _UPLOADS),
    ("/v1/moderations", "moderation", "inference", None),
    ("/v1/chat/moderations", "moderation", "inference", None),
    ("/v1/classifications", "moderation", "inference", None),
    ("/v1/chat/classifications", "moderation", "inference", None),
    ("/v1/audio/agents", "audio", "resources", None),
    ("/v1/audio/agents/{rest*}", "audio", "resources", None),
    ("/v1/audio/{rest*}", "audio", "inference", _UPLOADS),
    ("/v1/conversations", "conversations", "inference", None),
    ("/v1/conversations/{rest*}", "conversations", "inference", None),
    ("/v1/responses", "responses", "inference", None),
    ("/v1/responses/{rest*}", "responses", "inference", None),
    ("/v1/files", "files", "files", _UPLOADS),
    ("/v1/files/{rest*}", "files", "files", _UPLOADS),
    ("/v1/batch/{rest*}", "batches", "batches", None),
    ("/v1/libraries/{rest*}", "resources", "resources", _UPLOADS),
    ("/v1/{rest*}", "resources", "resources", None),
    ("/v2/{rest*}", "resources", "resources", None),
)


def endpoints() -> tuple[Endpoint, ...]:
    """All endpoints. The list of models is the gateway's own, in Mistral's form."""
    models = "/mistral/v1/models"
    translated = (
        Endpoint("POST", "/mistral" + path, dialect, dialect.operation, "inference", path)
        for dialect, path in zip((CHAT, EMBEDDINGS), PATHS.values(), strict=True)
    )
    listed = (
        Endpoint("GET", models, RESOURCE, "models", "models", answer=list_models),
        Endpoint("GET", models + "/{model*}", RESOURCE, "models", "models", answer=show_model),
    )
    # Lists of everything in the account, not of one caller's, are not part of inference.
    shared = (
        Endpoint("GET", "/mistral" + path, RESOURCE, operation, "resources", path)
        for path, operation in (
            ("/v1/conversations", "conversations"),
            ("/v1/audio/voices", "audio"),
        )
    )
    passed = (
        Endpoint("*", "/mistral" + path, RESOURCE, operation, permission, path, max_body=largest)
        for path, operation, permission, largest in _RESOURCES
    )
    return (*translated, *listed, *shared, *passed)


async def list_models(exchange: Exchange, catalogue: Catalogue) -> Response:
    """List aliases and the models of all providers, in Mistral's form."""
    models = [_model(one) for one in await catalogue.models()]
    return Response(200, msgspec.json.encode({"object": "list", "data": models}))


async def show_model(exchange: Exchange, catalogue: Catalogue) -> Response:
    """Show one model of the list."""
    wanted = exchange.request.params["model"]
    for one in await catalogue.models():
        if wanted in (one.name, one.info.id):
            return Response(200, msgspec.json.encode(_model(one)))
    raise NotFound(f"There is no model {wanted!r}; see GET /mistral/v1/models.", param="model")


def _model(listed: Listed) -> dict[str, Any]:
    known = listed.capabilities
    facts = {
        "max_context_length": known.context_tokens,
        "deprecation": f"{known.retires}T00:00:00Z" if known.retires else None,
    }
    return {
        "id": listed.name,
        "object": "model",
        "created": listed.info.created,
        "owned_by": listed.info.owned_by or listed.provider,
        "capabilities": _capabilities(known),
        "type": "base",
        **{name: fact for name, fact in facts.items() if fact is not None},
    }


def _capabilities(known: Capabilities) -> dict[str, bool]:
    """What is known, by Mistral's names. A model is taken to chat unless it is known not to.

    The SDK reads what is left out as false.
    """
    facts = {
        "function_calling": known.tools,
        "reasoning": known.reasoning != "none" if known.reasoning else None,
        "vision": known.takes("image"),
        "audio": known.takes("audio"),
    }
    chats = {"completion_chat": known.gives("text") is not False}
    return chats | {name: fact for name, fact in facts.items() if fact is not None}
