"""The endpoints of the Gemini API, under `/gemini`, in each of its versions."""

from collections.abc import Iterator
from typing import Final

from jackfield import Endpoint

from .count_tokens import CountTokensDialect, VertexCountTokensDialect
from .embeddings import EmbeddingsDialect
from .generate_content import ArrayDialect, GenerateContentDialect
from .live import session_endpoints
from .model_list import list_models, show_model
from .resource import ResourceDialect, VertexResourceDialect
from .uploads import LARGEST, upload_endpoint

GENERATE: Final = GenerateContentDialect()
GENERATE_ARRAY: Final = ArrayDialect(GENERATE)
EMBEDDINGS: Final = EmbeddingsDialect()
COUNT_TOKENS: Final = CountTokensDialect()
RESOURCE: Final = ResourceDialect()
VERTEX_COUNT_TOKENS: Final = VertexCountTokensDialect()
VERTEX_RESOURCE: Final = VertexResourceDialect()

PREFIX: Final = "/gemini"
_VERSIONS: Final = ("v1", "v1beta", "v1alpha")
_MODELS: Final = "/models/{model*}"
_ALT: Final = ("alt",)

_RESOURCES: Final = (
    # path, operation, permission
    (_MODELS + ":batchGenerateContent", "batches", "batches"),
    (_MODELS + ":asyncBatchEmbedContent", "batches", "batches"),
    (_MODELS + ":{verb}", "prediction", "inference"),
    ("/interactions", "interactions", "inference"),
    ("/interactions/{rest*}", "interactions", "inference"),
    ("/openai/{rest*}", "openai", "inference"),
    ("/openai/files", "files", "files"),
    ("/openai/files/{rest*}", "files", "files"),
    ("/openai/batches", "batches", "batches"),
    ("/openai/batches/{rest*}", "batches", "batches"),
    ("/files", "files", "files"),
    ("/files/{rest*}", "files", "files"),
    ("/batches", "batches", "batches"),
    ("/batches/{rest*}", "batches", "batches"),
    ("/{rest*}", "resources", "resources"),
)


def endpoints() -> tuple[Endpoint, ...]:
    """All endpoints."""
    of_each = (endpoint for version in _VERSIONS for endpoint in _of(version))
    return (*of_each, *session_endpoints(PREFIX, _VERSIONS), upload_endpoint(PREFIX))


def _of(version: str) -> Iterator[Endpoint]:
    """The endpoints of one version; the path is the same at the provider."""
    yield from _inference(f"/{version}")
    prefix = f"{PREFIX}/{version}"
    yield Endpoint("GET", prefix + "/models", RESOURCE, "models", "models", answer=list_models)
    yield Endpoint("GET", prefix + _MODELS, RESOURCE, "models", "models", answer=show_model)
    above = f"/{version}/models/{{owner}}/operations/{{name}}"
    yield Endpoint("GET", PREFIX + above, RESOURCE, "prediction", "inference", above)
    # Google's own URL for it only redirects to the content.
    path, above = (
        f"/{version}/files/{{name}}:download",
        f"/download/{version}/files/{{name}}:download",
    )
    yield Endpoint("GET", PREFIX + path, RESOURCE, "files", "files", above)
    for path, operation, permission in _RESOURCES:
        above = f"/{version}{path}"
        yield Endpoint("*", PREFIX + above, RESOURCE, operation, permission, above)
    for path in ("/files", "/{rest*}"):
        above = f"/upload/{version}{path}"
        yield Endpoint("*", PREFIX + above, RESOURCE, "files", "files", above, max_body=LARGEST)


def _inference(version: str) -> Iterator[Endpoint]:
    dialects = {
        "generateContent": GENERATE,
        "countTokens": COUNT_TOKENS,
        "embedContent": EMBEDDINGS,
        "batchEmbedContents": EMBEDDINGS,
    }
    for method, dialect in dialects.items():
        path = f"{version}{_MODELS}:{method}"
        door = PREFIX + path
        yield Endpoint("POST", door, dialect, dialect.operation, "inference", path, stream=False)
    path = f"{version}{_MODELS}:streamGenerateContent"
    yield Endpoint(
        "POST",
        PREFIX + path,
        GENERATE_ARRAY,
        GENERATE.operation,
        "inference",
        path,
        stream=True,
        query=_ALT,
    )
