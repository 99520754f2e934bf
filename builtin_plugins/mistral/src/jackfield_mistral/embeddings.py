"""The dialect `mistral.embeddings`: Mistral's variant of OpenAI's Embeddings."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from jackfield.dialects import (
    Canonical,
    CanonicalRequest,
    CanonicalResponse,
    Loss,
    Peek,
    Rendered,
    Terminal,
    UsageMeter,
    installed,
)
from jackfield.errors import InvalidRequest
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, Usage

from .dialect import MistralDialect
from .names import EMBEDDINGS, OPENAI_EMBEDDINGS, exchanged, renamed_feature

_OPENAI: Final = installed("openai.embeddings")
_UNKNOWN: Final = ("user", "input_type")


class EmbeddingsDialect(MistralDialect):
    """Embeddings: dimensions have another name, and token ids are not accepted."""

    name: ClassVar[str] = EMBEDDINGS
    operation: ClassVar[str] = "embeddings"
    canonical: ClassVar[Canonical] = "embeddings"
    request_texts = _OPENAI.request_texts

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return _OPENAI.peek(tree, params)

    def terminal(self, event: bytes) -> Terminal | None:
        return None

    def usage(self, body: bytes) -> Usage | None:
        return _OPENAI.usage(body)

    def usage_meter(self) -> UsageMeter:
        return _OPENAI.usage_meter()

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> EmbeddingsRequest:
        if isinstance(tree, dict) and tree.get("output_dimension") is not None:
            dimensions = tree["output_dimension"]
            if type(dimensions) is not int:
                raise InvalidRequest(
                    "'output_dimension' must be an integer.", param="output_dimension"
                )
            rest = {key: value for key, value in tree.items() if key != "output_dimension"}
            tree = {**rest, "dimensions": dimensions}
        request = exchanged(_OPENAI.parse_request(tree, params))
        if not isinstance(request, EmbeddingsRequest):
            raise TypeError("the request is not one for embeddings")
        return request

    def render_request(self, request: CanonicalRequest) -> Rendered:
        if not isinstance(request, EmbeddingsRequest):
            raise TypeError("the request is not one for embeddings")
        openai_request = exchanged(request)
        shared = openai_request.extensions.get(OPENAI_EMBEDDINGS, {})
        openai_request = replace(openai_request, extensions={OPENAI_EMBEDDINGS: shared})
        tree = msgspec.json.decode(_OPENAI.render_request(openai_request).body)
        if "dimensions" in tree:
            tree["output_dimension"] = tree.pop("dimensions")
        for key in _UNKNOWN:
            tree.pop(key, None)
        return Rendered(msgspec.json.encode(tree), tuple(_losses(request)))

    def parse_response(self, body: bytes) -> EmbeddingsResponse:
        response = exchanged(_OPENAI.parse_response(body))
        if not isinstance(response, EmbeddingsResponse):
            raise TypeError("embeddings are answered with an EmbeddingsResponse")
        return response

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        rendered = _OPENAI.render_response(exchanged(response), exchanged(request))
        tree = msgspec.json.decode(rendered.body)
        tree.setdefault("id", uuid4().hex)
        losses = [replace(one, feature=renamed_feature(one.feature)) for one in rendered.losses]
        return Rendered(msgspec.json.encode(tree), tuple(losses))


def _losses(request: EmbeddingsRequest) -> list[Loss]:
    losses = []
    if any(not isinstance(item, str) for item in request.inputs):
        detail = "Mistral embeds texts, not token ids"
        losses.append(Loss("embeddings.token_ids", "inputs", "dropped", detail, breaks=True))
    if request.user is not None:
        losses.append(Loss("user", "user", "dropped"))
    if request.input_type is not None:
        losses.append(Loss("input_type", "input_type", "dropped"))
    for name, members in request.extensions.items():
        if name != EMBEDDINGS:
            losses += [
                Loss(f"{name}.{key}", f"extensions.{name}.{key}", "dropped")
                for key, value in members.items()
                if value and not key.startswith("$")
            ]
    return losses
