"""The endpoints of Azure OpenAI and of Foundry's model inference API, below `/azure`."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from jackfield import Endpoint, Exchange, NotFound, Response
from jackfield.catalogue import Catalogue, Listed
from jackfield.dialects import Dialect, installed
from jackfield.http import WEBSOCKET
from jackfield.realtime import MAX_MESSAGE

from . import deployments

CHAT: Final = installed("openai.chat")
RESPONSES: Final = installed("openai.responses")
COMPLETIONS: Final = installed("openai.completions")
EMBEDDINGS: Final = installed("openai.embeddings")
RESOURCE: Final = installed("openai.resource")
REALTIME: Final = installed("openai.realtime")
RESPONSES_SOCKET: Final = installed("openai.responses_socket")

OPERATIONS: Final[Mapping[str, str]] = {
    CHAT.name: "/chat/completions",
    RESPONSES.name: "/responses",
    COMPLETIONS.name: "/completions",
    EMBEDDINGS.name: "/embeddings",
    REALTIME.name: "/realtime",
    RESPONSES_SOCKET.name: "/responses",
}
"""The paths of OpenAI's dialects in its own API."""

_UPLOADS: Final = 128 << 20
_FILES: Final = 512 << 20
_DEPLOYMENT: Final = "/azure/openai/deployments/{model*}"
_Resource = tuple[str, str, str, int | None]
_RESOURCES: Final[tuple[_Resource, ...]] = (
    # path, operation, permission, largest body
    ("/audio/{rest*}", "audio", "inference", _UPLOADS),
    ("/images/{rest*}", "images", "inference", _UPLOADS),
    # Custom voices belong to the account, and consents concern persons.
    ("/audio/voices", "audio", "resources", _UPLOADS),
    ("/audio/voice_consents", "audio", "resources", _UPLOADS),
    ("/audio/voice_consents/{rest*}", "audio", "resources", None),
    ("/responses/{rest*}", "responses", "inference", None),
    ("/files", "files", "files", _FILES),
    ("/files/{rest*}", "files", "files", _FILES),
    ("/uploads/{rest*}", "files", "files", _UPLOADS),
    ("/containers/{rest*}", "resources", "resources", _FILES),
    ("/videos", "resources", "resources", _UPLOADS),
    ("/videos/{rest*}", "resources", "resources", _UPLOADS),
    ("/batches", "batches", "batches", None),
    ("/batches/{rest*}", "batches", "batches", None),
    ("/{rest*}", "resources", "resources", None),
)


def endpoints() -> tuple[Endpoint, ...]:
    """All endpoints. Their `upstream` is the operation; the provider knows where that is served."""
    return (*_of_deployments(), *_of_v1(), *_of_foundry())


def _of_deployments() -> Iterator[Endpoint]:
    for dialect, operation in (
        (deployments.CHAT, "/chat/completions"),
        (deployments.COMPLETIONS, "/completions"),
        (deployments.EMBEDDINGS, "/embeddings"),
    ):
        yield _inference(_DEPLOYMENT, dialect, operation)
    for path, operation, permission, largest in _RESOURCES[:2]:
        yield _resource(_DEPLOYMENT, path, operation, permission, largest)
    yield _inference("/azure/openai", RESPONSES, "/responses")
    yield from _sessions("/azure/openai")
    yield from _models("/azure/openai/models")
    for path, operation, permission, largest in _RESOURCES:
        yield _resource("/azure/openai", path, operation, permission, largest)


def _of_v1() -> Iterator[Endpoint]:
    for dialect in (CHAT, RESPONSES, COMPLETIONS, EMBEDDINGS):
        yield _inference("/azure/openai/v1", dialect, OPERATIONS[dialect.name])
    yield from _sessions("/azure/openai/v1")
    yield from _models("/azure/openai/v1/models")
    for path, operation, permission, largest in _RESOURCES:
        yield _resource("/azure/openai/v1", path, operation, permission, largest)


def _of_foundry() -> Iterator[Endpoint]:
    yield _inference("/azure/models", CHAT, "/chat/completions")
    yield _inference("/azure/models", EMBEDDINGS, "/embeddings")
    yield _resource("/azure/models", "/images/embeddings", "embeddings", "inference", _UPLOADS)
    yield _resource("/azure/models", "/info", "models", "models", None)
    yield _resource("/azure/models", "/{rest*}", "resources", "resources", None)


def _sessions(prefix: str) -> Iterator[Endpoint]:
    yield Endpoint(
        WEBSOCKET,
        f"{prefix}/realtime",
        REALTIME,
        "realtime",
        "inference",
        "/realtime",
        max_body=MAX_MESSAGE,
        query=("model", "deployment"),
    )
    path = "/responses"
    yield Endpoint(WEBSOCKET, prefix + path, RESPONSES_SOCKET, "realtime", "inference", path)


def _models(path: str) -> Iterator[Endpoint]:
    yield Endpoint("GET", path, RESOURCE, "models", "models", answer=list_models)
    yield Endpoint("GET", path + "/{model*}", RESOURCE, "models", "models", answer=show_model)


def _inference(prefix: str, dialect: Dialect, operation: str) -> Endpoint:
    path = prefix + operation
    return Endpoint("POST", path, dialect, dialect.operation, "inference", operation)


def _resource(
    prefix: str, path: str, operation: str, permission: str, largest: int | None
) -> Endpoint:
    return Endpoint("*", prefix + path, RESOURCE, operation, permission, path, max_body=largest)


async def list_models(exchange: Exchange, catalogue: Catalogue) -> Response:
    """List aliases and the models of all providers, in Azure's form."""
    listed = await catalogue.models()
    return Response(200, msgspec.json.encode({"object": "list", "data": [*map(_model, listed)]}))


async def show_model(exchange: Exchange, catalogue: Catalogue) -> Response:
    """Show one model of the list."""
    wanted = exchange.request.params["model"]
    for one in await catalogue.models():
        if wanted in (one.name, one.info.id):
            return Response(200, msgspec.json.encode(_model(one)))
    raise NotFound(f"There is no model {wanted!r}; see GET /azure/openai/v1/models.", param="model")


def _model(listed: Listed) -> dict[str, Any]:
    return {
        "id": listed.name,
        "object": "model",
        "created_at": listed.info.created,
        "created": listed.info.created,
        "owned_by": listed.info.owned_by or listed.provider,
        "status": "succeeded",
    }
