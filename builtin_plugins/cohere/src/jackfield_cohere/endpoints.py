"""The endpoints of the Cohere API, under `/cohere`."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield import Endpoint, Exchange, NotFound, Response
from jackfield.capabilities import Modality
from jackfield.catalogue import Catalogue, Listed

from .chat import ChatDialect
from .count_tokens import CountTokensDialect
from .embeddings import EmbeddingsDialect
from .rerank import RerankDialect
from .resource import ResourceDialect

CHAT: Final = ChatDialect()
EMBEDDINGS: Final = EmbeddingsDialect()
RERANK: Final = RerankDialect()
COUNT_TOKENS: Final = CountTokensDialect()
RESOURCE: Final = ResourceDialect()

PATHS: Final = {
    CHAT.name: "/v2/chat",
    EMBEDDINGS.name: "/v2/embed",
    RERANK.name: "/v2/rerank",
    COUNT_TOKENS.name: "/v1/tokenize",
}
"""The path of each dialect below the API's base URL."""

_GIVES: Final[Mapping[str, Modality]] = {"chat": "text", "embed": "embedding"}
"""What the models of an endpoint answer with."""

_UPLOADS: Final = 128 << 20

_RESOURCES: Final = (
    # path, operation, permission, largest body
    ("/v1/chat", "chat", "inference", None),
    ("/v1/generate", "completions", "inference", None),
    ("/v1/summarize", "completions", "inference", None),
    ("/v1/classify", "moderation", "inference", None),
    ("/v1/tokenize", "count_tokens", "inference", None),
    ("/v1/detokenize", "count_tokens", "inference", None),
    ("/v2/parse", "ocr", "inference", _UPLOADS),
    ("/v2/audio/{rest*}", "audio", "inference", _UPLOADS),
    ("/v2/batches", "batches", "batches", None),
    ("/v2/batches/{rest*}", "batches", "batches", None),
    ("/v1/embed-jobs", "batches", "batches", None),
    ("/v1/embed-jobs/{rest*}", "batches", "batches", None),
    ("/v1/datasets", "files", "files", _UPLOADS),
    ("/v1/datasets/{rest*}", "files", "files", _UPLOADS),
    ("/v1/{rest*}", "resources", "resources", None),
    ("/v2/{rest*}", "resources", "resources", None),
)


def endpoints() -> tuple[Endpoint, ...]:
    """All endpoints. The list of models is the gateway's own, in Cohere's form."""
    translated = (
        Endpoint("POST", "/cohere/v2/chat", CHAT, "chat", "inference", "/v2/chat"),
        _of_both("embed", EMBEDDINGS),
        _of_both("rerank", RERANK),
    )
    models = "/cohere/v1/models"
    listed = (
        Endpoint("GET", models, RESOURCE, "models", "models", answer=list_models),
        Endpoint("GET", models + "/{model*}", RESOURCE, "models", "models", answer=show_model),
    )
    passed = (
        Endpoint("*", "/cohere" + path, RESOURCE, operation, permission, path, max_body=largest)
        for path, operation, permission, largest in _RESOURCES
    )
    return (*translated, *listed, *passed)


def _of_both(name: str, dialect: EmbeddingsDialect | RerankDialect) -> Endpoint:
    path = "/{version}/" + name
    return Endpoint("POST", f"/cohere{path}", dialect, dialect.operation, "inference", path)


async def list_models(exchange: Exchange, catalogue: Catalogue) -> Response:
    """List aliases and the models of all providers, in Cohere's form."""
    models = [_model(one) for one in await catalogue.models()]
    return Response(200, msgspec.json.encode({"models": models}))


async def show_model(exchange: Exchange, catalogue: Catalogue) -> Response:
    """Show one model of the list."""
    wanted = exchange.request.params["model"]
    for one in await catalogue.models():
        if wanted in (one.name, one.info.id):
            return Response(200, msgspec.json.encode(_model(one)))
    raise NotFound(f"There is no model {wanted!r}; see GET /cohere/v1/models.", param="model")


def _model(listed: Listed) -> dict[str, Any]:
    known = listed.capabilities
    context = {"context_length": known.context_tokens} if known.context_tokens else {}
    return {
        "name": listed.name,
        "is_deprecated": known.retires is not None,
        "endpoints": [name for name, output in _GIVES.items() if known.gives(output)],
        "finetuned": False,
        **context,
    }
