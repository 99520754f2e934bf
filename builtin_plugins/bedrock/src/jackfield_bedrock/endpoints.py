"""The endpoints of Amazon Bedrock, under `/bedrock`, with the paths of AWS's SDKs."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from jackfield import Endpoint, Exchange, Response
from jackfield.catalogue import Catalogue, Listed
from jackfield.dialects import Dialect, installed

from .converse import ConverseDialect
from .count_tokens import CountTokensDialect
from .invoke import (
    COHERE_EMBEDDINGS,
    COMMAND,
    COMMAND_R,
    NOVA,
    NOVA_EMBEDDINGS,
    RERANK_MODEL,
    TITAN,
    TITAN_EMBEDDINGS,
    InvokeDialect,
    anthropic_messages,
)
from .rerank import RerankDialect
from .resource import ResourceDialect

CONVERSE: Final = ConverseDialect()
COUNT_TOKENS: Final = CountTokensDialect()
INVOKE: Final = InvokeDialect()
ANTHROPIC: Final = anthropic_messages()
RERANK: Final = RerankDialect()
RESOURCE: Final = ResourceDialect()
OPENAIS: Final = {
    "chat/completions": installed("openai.chat"),
    "responses": installed("openai.responses"),
}
"""OpenAI's operations that Bedrock serves too, and their dialects."""

_INVOKED: Final = "/model/{model}/invoke"
_MODALITIES: Final = frozenset({"TEXT", "IMAGE", "EMBEDDING"})

PATHS: Final = {
    CONVERSE.name: "/model/{model}/converse",
    COUNT_TOKENS.name: "/model/{model}/count-tokens",
    ANTHROPIC.name: _INVOKED,
    COHERE_EMBEDDINGS.name: _INVOKED,
    TITAN_EMBEDDINGS.name: _INVOKED,
    NOVA_EMBEDDINGS.name: _INVOKED,
    RERANK_MODEL.name: _INVOKED,
}
"""The path of each dialect that is a target of translations, without streaming."""

DIALECTS: Final[tuple[Dialect, ...]] = (
    CONVERSE,
    ANTHROPIC,
    NOVA,
    TITAN,
    COMMAND_R,
    COMMAND,
    COHERE_EMBEDDINGS,
    TITAN_EMBEDDINGS,
    NOVA_EMBEDDINGS,
    RERANK_MODEL,
    COUNT_TOKENS,
    INVOKE,
    RESOURCE,
)
"""Bedrock's dialects, in order of preference."""

_MODELS: Final = (
    # path, dialect, whether it streams
    ("converse", CONVERSE, False),
    ("converse-stream", CONVERSE, True),
    ("invoke", INVOKE, False),
    ("invoke-with-response-stream", INVOKE, True),
    ("count-tokens", COUNT_TOKENS, None),
)
_RESOURCES: Final = (
    # path, operation, permission
    ("/guardrail/{rest*}", "guardrail", "inference"),
    ("/guardrail-checks/{rest*}", "guardrail", "inference"),
    ("/async-invoke", "batches", "batches"),
    ("/async-invoke/{rest*}", "batches", "batches"),
    ("/{rest*}", "resources", "resources"),
)


def endpoints() -> tuple[Endpoint, ...]:
    """All endpoints. The list of models is the gateway's own, in AWS's form.

    Unknown paths are refused in the form of the first endpoint without a placeholder: AWS's.
    """
    return (
        *_models(),
        Endpoint("POST", "/bedrock/rerank", RERANK, "rerank", "inference"),
        Endpoint(
            "GET",
            "/bedrock/foundation-models",
            RESOURCE,
            "models",
            "models",
            answer=list_models,
        ),
        *_openais(),
        *_passed(),
    )


def _models() -> Iterator[Endpoint]:
    for action, dialect, stream in _MODELS:
        yield Endpoint(
            "POST",
            f"/bedrock/model/{{model*}}/{action}",
            dialect,
            dialect.operation,
            "inference",
            f"/model/{{model}}/{action}",
            stream=stream,
        )


def _openais() -> Iterator[Endpoint]:
    for operation, dialect in OPENAIS.items():
        path = f"/bedrock/openai/v1/{operation}"
        yield Endpoint("POST", path, dialect, dialect.operation, "inference")


def _passed() -> Iterator[Endpoint]:
    for path, operation, permission in _RESOURCES:
        yield Endpoint("*", f"/bedrock{path}", RESOURCE, operation, permission, path)


async def list_models(exchange: Exchange, catalogue: Catalogue) -> Response:
    """List aliases and the models of all providers, in the form of ListFoundationModels."""
    listed = await catalogue.models()
    body = {"modelSummaries": [_summary(one) for one in listed]}
    return Response(200, msgspec.json.encode(body))


def _summary(listed: Listed) -> dict[str, Any]:
    known = listed.capabilities
    return {
        "modelId": listed.name,
        "modelArn": f"arn:aws:bedrock:::foundation-model/{listed.name}",
        "modelName": listed.info.id,
        "providerName": listed.info.owned_by or listed.provider,
        "inputModalities": _modalities(known.input),
        "outputModalities": _modalities(known.output),
        "responseStreamingSupported": known.gives("text") is not False,
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "LEGACY" if known.retires else "ACTIVE"},
    }


def _modalities(known: Sequence[str] | None) -> list[str]:
    """Those that AWS's list has a name for; texts if none is known."""
    named = (one.upper() for one in known or ())
    return [one for one in named if one in _MODALITIES] or ["TEXT"]
