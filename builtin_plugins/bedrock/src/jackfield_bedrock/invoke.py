"""The InvokeModel dialects, one per kind of body; the model's name selects one."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import Dialect, Peek, installed
from jackfield.framing import Framing
from jackfield.messages import Usage

from .command import CommandDialect, CommandRDialect
from .dialect import BedrockDialect
from .embeddings_cohere import CohereEmbeddingsDialect
from .embeddings_nova import NovaEmbeddingsDialect
from .embeddings_titan import TitanEmbeddingsDialect
from .event_stream_framing import CHUNKS
from .invoke_models import Body, body_of
from .invoke_usage import usage_of_any
from .nova import NovaDialect
from .passthrough import PassthroughDialect
from .rerank_model import RerankModelDialect
from .titan import TitanDialect

CHUNK_HINTS: Final = (b":event-type", b":exception-type", b":error-code")
"""Bytes found in every message, as its JSON is wrapped in base64."""


class InvokeDialect(PassthroughDialect):
    """InvokeModel, for models whose bodies are passed through unchanged."""

    name: ClassVar[str] = "bedrock.invoke"
    operation: ClassVar[str] = "invoke"
    framing: Framing = CHUNKS

    def variant(self, params: Mapping[str, str]) -> Dialect:
        """The dialect of the model's bodies, if there is one."""
        body = body_of(params.get("model", ""))
        if body == "anthropic":
            return anthropic_messages()
        return BODIES.get(body, self)

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(params.get("model"))

    def peek_form(self, body: bytes, media_type: str, params: Mapping[str, str]) -> Peek:
        return Peek(params.get("model"))

    def usage(self, body: bytes) -> Usage | None:
        try:
            return usage_of_any(msgspec.json.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


def encode_chunk(name: str, data: bytes) -> bytes:
    """One event of Anthropic's stream, whose JSON repeats its name."""
    return CHUNKS.with_data(b"", data)


@cache
def anthropic_messages() -> Dialect:
    """Anthropic's bodies in InvokeModel chunks, with AWS's errors."""
    kind: Any = type(installed("anthropic.messages@bedrock"))
    members = {"terminal_hints": CHUNK_HINTS, "stop_marker": b""}
    made: Dialect = type("InvokedMessages", (BedrockDialect, kind), members)(CHUNKS, encode_chunk)
    return made


NOVA: Final = NovaDialect()
TITAN: Final = TitanDialect()
COMMAND: Final = CommandDialect()
COMMAND_R: Final = CommandRDialect()
TITAN_EMBEDDINGS: Final = TitanEmbeddingsDialect()
NOVA_EMBEDDINGS: Final = NovaEmbeddingsDialect()
COHERE_EMBEDDINGS: Final = CohereEmbeddingsDialect()
RERANK_MODEL: Final = RerankModelDialect()

BODIES: Final[Mapping[Body, Dialect]] = {
    "nova": NOVA,
    "titan": TITAN,
    "command": COMMAND,
    "command_r": COMMAND_R,
    "titan_embeddings": TITAN_EMBEDDINGS,
    "nova_embeddings": NOVA_EMBEDDINGS,
    "cohere_embeddings": COHERE_EMBEDDINGS,
    "rerank": RERANK_MODEL,
}
"""This plugin's own dialects, by the kind of body that they parse."""
