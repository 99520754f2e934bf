"""The endpoints of the Ollama API, `/api` and its OpenAI form `/v1`, both under `/ollama`."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from jackfield import Endpoint, Exchange, NotFound, Response
from jackfield.capabilities import Capabilities
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
    show = "/api/show"
    yield Endpoint("POST", f"/ollama{show}", RESOURCE, "models", "models", show, answer=show_model)
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


async def show_model(exchange: Exchange, catalogue: Catalogue) -> Response:
    """Show what is known about a model that no Ollama server has.

    Clients read its context and whether it can call tools; what is not known is left out.
    """
    if exchange.plan is None or not exchange.plan.targets:
        raise NotFound("The request names no model.", param="model")
    target = exchange.plan.targets[0]
    able, family = catalogue.facts.of(target.model, target.provider), target.provider
    facts: dict[str, Any] = {"general.architecture": family, "general.basename": target.model}
    if able.context_tokens is not None:
        facts[f"{family}.context_length"] = able.context_tokens
    shown = {
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": _details(family),
        "model_info": facts,
        "capabilities": [name for name, known in _abilities(able) if known],
    }
    return Response(200, msgspec.json.encode(shown))


def _abilities(able: Capabilities) -> Iterator[tuple[str, bool | None]]:
    """Ollama's words for what a model can do."""
    yield "embedding" if able.gives("embedding") else "completion", True
    yield "tools", able.tools
    yield "vision", able.takes("image")
    yield "thinking", able.reasoning not in (None, "none")


def _details(family: str) -> dict[str, Any]:
    # An empty text is Ollama's own value for unknown.
    details = {"parent_model": "", "format": "", "family": family, "families": None}
    return {**details, "parameter_size": "", "quantization_level": ""}


def _model(listed: Listed) -> dict[str, Any]:
    details = _details(listed.provider)
    model = {"name": listed.name, "model": listed.name, "details": details}
    created = listed.info.created
    return {**model, "modified_at": from_seconds(created)} if created else model
