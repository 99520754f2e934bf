"""The endpoints of the Anthropic API, under `/anthropic/v1` and, for messages, under `/v1`."""

from collections.abc import Iterator
from typing import Final

from jackfield import Endpoint

from .count_tokens import CountTokensDialect, VertexCountTokensDialect
from .listing import list_models, show_model
from .messages import BedrockMessagesDialect, MessagesDialect, VertexMessagesDialect
from .resource import ResourceDialect

MESSAGES: Final = MessagesDialect()
VERTEX: Final = VertexMessagesDialect()
BEDROCK: Final = BedrockMessagesDialect()
COUNT_TOKENS: Final = CountTokensDialect()
VERTEX_COUNT_TOKENS: Final = VertexCountTokensDialect()
RESOURCE: Final = ResourceDialect()

PATHS: Final = {MESSAGES.name: "/v1/messages", COUNT_TOKENS.name: "/v1/messages/count_tokens"}
"""The path of each dialect below the API's base URL."""

_UPLOADS: Final = 512 << 20
_BATCH: Final = 256 << 20

_BATCHES: Final = (
    # path, operation, permission, largest body
    ("/messages/batches", "batches", "batches", _BATCH),
    ("/messages/batches/{rest*}", "batches", "batches", None),
)
_RESOURCES: Final = (
    ("/complete", "completions", "inference", None),
    ("/files", "files", "files", _UPLOADS),
    ("/files/{rest*}", "files", "files", None),
    ("/skills", "skills", "files", _UPLOADS),
    ("/skills/{rest*}", "skills", "files", _UPLOADS),
    ("/organizations/{rest*}", "administration", "admin", None),
    ("/{rest*}", "resources", "resources", None),
)


def endpoints() -> tuple[Endpoint, ...]:
    """All endpoints. The SDK uses those under `/v1` if its base URL is the gateway's root."""
    return (
        *_conversations("/anthropic/v1"),
        *_models("/anthropic/v1"),
        *_passed("/anthropic/v1", (*_BATCHES, *_RESOURCES)),
        *_conversations("/v1"),
        *_passed("/v1", _BATCHES),
    )


def _conversations(prefix: str) -> Iterator[Endpoint]:
    for dialect in (MESSAGES, COUNT_TOKENS):
        upstream = PATHS[dialect.name]
        path = prefix + upstream.removeprefix("/v1")
        yield Endpoint("POST", path, dialect, dialect.operation, "inference", upstream)


def _models(prefix: str) -> Iterator[Endpoint]:
    path = f"{prefix}/models"
    yield Endpoint("GET", path, RESOURCE, "models", "models", answer=list_models)
    yield Endpoint("GET", path + "/{model*}", RESOURCE, "models", "models", answer=show_model)


def _passed(prefix: str, table: tuple[tuple[str, str, str, int | None], ...]) -> Iterator[Endpoint]:
    for path, operation, permission, largest in table:
        upstream = f"/v1{path}"
        yield Endpoint(
            "*", prefix + path, RESOURCE, operation, permission, upstream, max_body=largest
        )
