"""The endpoints of Vertex AI, under `/vertex`, with and without a project in the path."""

from collections.abc import Iterator
from typing import Final

import msgspec

from jackfield import Endpoint, Exchange, Response
from jackfield.catalogue import Catalogue
from jackfield.dialects import Dialect, installed

from .address import ANTHROPIC, COUNT_TOKENS, OPEN_MODELS, OWN_PROJECT
from .embeddings import EmbeddingsDialect

GENERATE: Final = installed("gemini.generate_content")
GENERATE_ARRAY: Final = installed("gemini.generate_content_array")
GOOGLE_COUNT: Final = installed("gemini.count_tokens@vertex")
GOOGLE_EMBEDDINGS: Final = installed("gemini.embeddings")
RESOURCE: Final = installed("gemini.resource@vertex")
CLAUDE: Final = installed("anthropic.messages@vertex")
CLAUDE_COUNT: Final = installed("anthropic.count_tokens")
CHAT: Final = installed("openai.chat")
EMBEDDINGS: Final = EmbeddingsDialect()

PREFIX: Final = "/vertex"
_VERSIONS: Final = ("v1", "v1beta1")
_MODELS: Final = "publishers/google/models"

_METHODS: Final[tuple[tuple[str, Dialect], ...]] = (
    ("generateContent", GENERATE),
    ("countTokens", GOOGLE_COUNT),
    ("embedContent", GOOGLE_EMBEDDINGS),
    ("batchEmbedContents", GOOGLE_EMBEDDINGS),
    ("predict", EMBEDDINGS),
)


def endpoints() -> tuple[Endpoint, ...]:
    """All endpoints. A publisher in the path other than Google may be a provider."""
    return tuple(endpoint for version in _VERSIONS for endpoint in _of(version))


def _of(version: str) -> Iterator[Endpoint]:
    for scope in (f"/{version}/{OWN_PROJECT}", f"/{version}/"):
        for publisher in ("google", "{publisher}"):
            yield from _google(f"{scope}publishers/{publisher}/models/{{model*}}")
        yield from _anthropic(scope)
    chat_path = f"{PREFIX}/{version}/{OWN_PROJECT}{OPEN_MODELS}"
    yield Endpoint("POST", chat_path, CHAT, CHAT.operation, "inference")
    path = f"{PREFIX}/{version}/{_MODELS}"
    yield Endpoint("GET", path, RESOURCE, "models", "models", answer=list_models)
    for path in (f"/{version}/{OWN_PROJECT}{{rest*}}", f"/{version}/{{rest*}}"):
        yield Endpoint("*", PREFIX + path, RESOURCE, "resources", "resources", path)


def _google(model: str) -> Iterator[Endpoint]:
    for method, dialect in _METHODS:
        path = f"{model}:{method}"
        door = PREFIX + path
        yield Endpoint("POST", door, dialect, dialect.operation, "inference", path, stream=False)
    path = f"{model}:streamGenerateContent"
    yield Endpoint(
        "POST",
        PREFIX + path,
        GENERATE_ARRAY,
        GENERATE.operation,
        "inference",
        path,
        stream=True,
        query=("alt",),
    )
    path = f"{model}:{{verb}}"
    yield Endpoint("*", PREFIX + path, RESOURCE, "prediction", "inference", path)


def _anthropic(scope: str) -> Iterator[Endpoint]:
    path = scope + COUNT_TOKENS
    yield Endpoint("POST", PREFIX + path, CLAUDE_COUNT, CLAUDE_COUNT.operation, "inference", path)
    for method, stream in (("rawPredict", False), ("streamRawPredict", True)):
        path = f"{scope}{ANTHROPIC}:{method}"
        yield Endpoint(
            "POST", PREFIX + path, CLAUDE, CLAUDE.operation, "inference", path, stream=stream
        )


async def list_models(exchange: Exchange, catalogue: Catalogue) -> Response:
    """List aliases and the models of all providers, in Google's form."""
    listed = [{"name": f"{_MODELS}/{one.name}"} for one in await catalogue.models()]
    return Response(200, msgspec.json.encode({"publisherModels": listed}))
