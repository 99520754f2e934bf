"""The endpoints of the OpenAI API, under `/v1` and under `/openai/v1`."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from jackfield import Endpoint, Exchange, NotFound, Response
from jackfield.catalogue import Catalogue, Listed
from jackfield.dialects import Dialect

from .chat import ChatDialect
from .completions import CompletionsDialect
from .count_tokens import CountTokensDialect
from .embeddings import EmbeddingsDialect
from .realtime import session_endpoint
from .rerank import RerankDialect
from .resource import ResourceDialect
from .responses import ResponsesDialect
from .responses_socket import socket_endpoint

CHAT: Final = ChatDialect()
RESPONSES: Final = ResponsesDialect()
COMPLETIONS: Final = CompletionsDialect()
EMBEDDINGS: Final = EmbeddingsDialect()
RERANK: Final = RerankDialect()
COUNT_TOKENS: Final = CountTokensDialect()
RESOURCE: Final = ResourceDialect()

PATHS: Final = {
    CHAT.name: "/chat/completions",
    RESPONSES.name: "/responses",
    COMPLETIONS.name: "/completions",
    EMBEDDINGS.name: "/embeddings",
    RERANK.name: "/rerank",
    COUNT_TOKENS.name: "/responses/input_tokens",
}
"""The path of each dialect below the API's base URL."""

_UPLOADS: Final = 128 << 20
_FILES: Final = 512 << 20
"""OpenAI's own maximum for a file."""

_RESOURCES: Final = (
    # path, operation, permission, largest body
    ("/moderations", "moderation", "inference", None),
    # Custom voices belong to the account, and consents concern persons.
    ("/audio/voices", "audio", "resources", _UPLOADS),
    ("/audio/voice_consents", "audio", "resources", _UPLOADS),
    ("/audio/voice_consents/{rest*}", "audio", "resources", None),
    ("/audio/{rest*}", "audio", "inference", _UPLOADS),
    ("/images", "images", "inference", _UPLOADS),
    ("/images/{rest*}", "images", "inference", _UPLOADS),
    ("/responses/{rest*}", "responses", "inference", None),
    ("/files", "files", "files", _FILES),
    ("/files/{rest*}", "files", "files", _FILES),
    ("/uploads/{rest*}", "files", "files", _UPLOADS),
    ("/containers/{rest*}", "resources", "resources", _FILES),
    ("/videos", "resources", "resources", _UPLOADS),
    ("/videos/{rest*}", "resources", "resources", _UPLOADS),
    ("/skills", "resources", "resources", _UPLOADS),
    ("/skills/{rest*}", "resources", "resources", _UPLOADS),
    ("/batches", "batches", "batches", None),
    ("/batches/{rest*}", "batches", "batches", None),
    ("/organization/{rest*}", "administration", "admin", None),
    ("/{rest*}", "resources", "resources", None),
)


def endpoints() -> tuple[Endpoint, ...]:
    """All endpoints."""
    return (*_below("/v1"), *_below("/openai/v1"))


def _below(prefix: str) -> Iterator[Endpoint]:
    yield from _own_models(prefix)
    yield session_endpoint(prefix)
    yield socket_endpoint(prefix)
    dialects: Sequence[Dialect] = (
        CHAT,
        RESPONSES,
        COMPLETIONS,
        EMBEDDINGS,
        RERANK,
        COUNT_TOKENS,
    )
    for dialect in dialects:
        path = PATHS[dialect.name]
        yield Endpoint("POST", prefix + path, dialect, dialect.operation, "inference", path)
    for path, operation, permission, largest in _RESOURCES:
        yield Endpoint("*", prefix + path, RESOURCE, operation, permission, path, max_body=largest)


def _own_models(prefix: str) -> Iterator[Endpoint]:
    path = f"{prefix}/models"
    yield Endpoint("GET", path, RESOURCE, "models", "models", answer=list_models)
    yield Endpoint("GET", path + "/{model*}", RESOURCE, "models", "models", answer=show_model)


async def list_models(exchange: Exchange, catalogue: Catalogue) -> Response:
    """List aliases and the models of all providers, in OpenAI's form."""
    listed = await catalogue.models()
    body = {"object": "list", "data": [_model(one) for one in listed]}
    return Response(200, msgspec.json.encode(body))


async def show_model(exchange: Exchange, catalogue: Catalogue) -> Response:
    """Show one model of the list."""
    name = exchange.request.params["model"]
    for one in await catalogue.models():
        if name in (one.name, one.info.id):
            return Response(200, msgspec.json.encode(_model(one)))
    raise NotFound(f"There is no model {name!r}; see GET /v1/models.", param="model")


def _model(listed: Listed) -> dict[str, Any]:
    known = listed.capabilities.known()
    return {
        "id": listed.name,
        "object": "model",
        "created": listed.info.created,
        "owned_by": listed.info.owned_by or listed.provider,
        **({"capabilities": known} if known else {}),
    }
