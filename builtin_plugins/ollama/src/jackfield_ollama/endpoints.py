"""The endpoints of the Ollama API, `/api` and its OpenAI form `/v1`, both under `/ollama`."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from jackfield import Endpoint, Exchange, Response
from jackfield.catalogue import Catalogue, Listed
from jackfield.dialects import Dialect, installed

from .dialect import ChatDialect, GenerateDialect
from .embeddings import EmbeddingsDialect
from .moments import from_seconds
from .resource import ResourceDialect

CHAT: Final = ChatDialect()
GENERATE: Final = GenerateDialect()
EMBEDDINGS: Final = EmbeddingsDialect()
RESOURCE: Final = ResourceDialect()

NATIVE: Final = {
    CHAT.name: "/api/chat",
    GENERATE.name: "/api/generate",
    EMBEDDINGS.name: "/api/embed",
}
OPENAI: Final = {
    "openai.chat": "/chat/completions",
    "openai.responses": "/responses",
    "openai.completions": "/completions",
    "openai.embeddings": "/embeddings",
}
"""The paths of OpenAI's dialects below `V1`."""

ANTHROPIC: Final = "anthropic.messages"
"""Translated for Ollama: only its newer servers take it themselves."""

OPENAI_RESOURCE: Final = "openai.resource"
V1: Final = "/v1"
_BLOBS: Final = 128 << 20
_RESOURCES: Final = (
    # method, path, permission, largest body
    ("POST", "/api/show", "models", None),
    ("GET", "/api/ps", "models", None),
    ("GET", "/api/version", "models", None),
    ("*", "/api/blobs/{digest}", "resources", _BLOBS),
    ("*", "/api/{rest*}", "resources", None),
)


def endpoints() -> tuple[Endpoint, ...]:
    """All endpoints. `/api/tags` and `/v1/models` are the gateway's own list."""
    return (*_native(), *_compatible())


def _native() -> Iterator[Endpoint]:
    for dialect, path in ((d, NATIVE[d.name]) for d in (CHAT, GENERATE, EMBEDDINGS)):
        yield _inference(dialect, path)
    yield _inference(EMBEDDINGS, "/api/embeddings")
    yield Endpoint("GET", "/ollama/api/tags", RESOURCE, "models", "models", answer=list_tags)
    for method in ("GET", "HEAD"):
        yield Endpoint(method, "/ollama/", RESOURCE, "models", "models", answer=beat)
    for method, path, permission, largest in _RESOURCES:
        yield Endpoint(
            method, f"/ollama{path}", RESOURCE, "models", permission, path, max_body=largest
        )


def _compatible() -> Iterator[Endpoint]:
    for name, path in OPENAI.items():
        yield _inference(installed(name), path, V1)
    yield _inference(installed(ANTHROPIC), "/v1/messages")
    other, rest = installed(OPENAI_RESOURCE), "/{rest*}"
    yield Endpoint("*", f"/ollama{V1}{rest}", other, "resources", "resources", rest)
    models = f"/ollama{V1}/models"
    yield Endpoint("GET", models, other, "models", "models", answer=list_models)


def _inference(dialect: Dialect, path: str, below: str = "") -> Endpoint:
    public = f"/ollama{below}{path}"
    return Endpoint("POST", public, dialect, dialect.operation, "inference", path)


async def beat(exchange: Exchange, catalogue: Catalogue) -> Response:
    """The answer that Ollama's command line checks first."""
    return Response(200, b"Ollama is running", "text/plain; charset=utf-8")


async def list_tags(exchange: Exchange, catalogue: Catalogue) -> Response:
    """List aliases and the models of all providers, in the form of `ollama list`."""
    listed = await catalogue.models()
    return Response(200, msgspec.json.encode({"models": [_model(one) for one in listed]}))


async def list_models(exchange: Exchange, catalogue: Catalogue) -> Response:
    """The same in OpenAI's form."""
    data = [
        {
            "id": one.name,
            "object": "model",
            "created": one.info.created,
            "owned_by": one.info.owned_by or one.provider,
        }
        for one in await catalogue.models()
    ]
    return Response(200, msgspec.json.encode({"object": "list", "data": data}))


def _model(listed: Listed) -> dict[str, Any]:
    # An empty text is Ollama's own value for unknown.
    details = {"parent_model": "", "format": "", "family": listed.provider, "families": None}
    model = {
        "name": listed.name,
        "model": listed.name,
        "details": {**details, "parameter_size": "", "quantization_level": ""},
    }
    created = listed.info.created
    return {**model, "modified_at": from_seconds(created)} if created else model
