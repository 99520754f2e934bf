"""Embeddings in the testing kit: a request that is no chat, although it has texts and a model.

A request is `{"model", "input": [text]}`, an answer is `{"vectors": [[number]]}`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Peek, Rendered
from jackfield.endpoints import Endpoint
from jackfield.fields import json_object, object_fields
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, Usage

from .dialect import ChatDialect

EMBEDDINGS_PATH: Final = "/testing/embeddings"


class EmbeddingsDialect(ChatDialect):
    """Texts in, vectors out."""

    name: ClassVar[str] = "testing.embeddings"
    operation: ClassVar[str] = "embeddings"
    canonical: ClassVar[Canonical] = "embeddings"
    request_texts: ClassVar[tuple[str, ...]] = ("input/*",)
    response_texts: ClassVar[tuple[str, ...]] = ()

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        """Read the model."""
        return Peek(object_fields(tree).needed_text("model"))

    def usage(self, body: bytes) -> Usage | None:
        """Answers report none."""
        return None

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> CanonicalRequest:  # type: ignore[override] # another canonical form than that of chats
        """Make a canonical request of it."""
        fields = object_fields(tree)
        texts = tuple(str(text) for text in fields.items("input"))
        return EmbeddingsRequest(fields.needed_text("model"), texts)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        """Write the texts."""
        if not isinstance(request, EmbeddingsRequest):
            raise TypeError("it is no request for embeddings")
        return Rendered(msgspec.json.encode({"model": request.model, "input": request.inputs}))

    def parse_response(self, body: bytes) -> CanonicalResponse:  # type: ignore[override] # the same
        """Make a canonical response of it."""
        vectors = json_object(body).get("vectors")
        if not isinstance(vectors, list):
            raise ValueError("it has no vectors")
        return EmbeddingsResponse("", tuple(map(tuple, vectors)))

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        """Write the vectors."""
        if not isinstance(response, EmbeddingsResponse):
            raise TypeError("they are no embeddings")
        return Rendered(msgspec.json.encode({"vectors": response.vectors}))


EMBEDDINGS_ENDPOINT: Final = Endpoint(
    "POST", EMBEDDINGS_PATH, EmbeddingsDialect(), "embeddings", "inference"
)
