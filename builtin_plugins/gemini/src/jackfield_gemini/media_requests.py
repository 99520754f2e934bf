"""Requests to Google for the speech, transcriptions and images of OpenAI's clients.

Each is one `generateContent`, or one `predict` of Imagen, and is counted and billed as such.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from attrs import evolve, frozen
from msgspec.structs import replace
from multidict import CIMultiDict, CIMultiDictProxy

from jackfield import Endpoint, Exchange, Response
from jackfield.dialects import Loss
from jackfield.errors import ProviderError, ProviderUnavailable

from .endpoints import GENERATE, PREFIX, RESOURCE
from .fields import object_in

Answer = tuple[bytes, str]
"""A body and its media type."""

_BLOCKED: Final = frozenset(
    {
        *("BLOCKLIST", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_SAFETY", "OTHER"),
        *("PROHIBITED_CONTENT", "RECITATION", "SAFETY", "SPII"),
    }
)
_BODY_HEADERS: Final = frozenset({"accept", "content-type"})
"""Headers that describe the body that the client sends or expects."""


class NoOutputError(Exception):
    """An answer contains no speech, text or image."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


@frozen
class MediaRequest:
    """A request to Google, its losses, and the function that reads its answer.

    `read` raises NoOutputError. `predicts` selects `predict` in place of `generateContent`.
    """

    tree: Mapping[str, Any]
    losses: tuple[Loss, ...]
    read: Callable[[Mapping[str, Any]], Answer]
    predicts: bool = False

    def exchange_for(self, exchange: Exchange) -> Exchange:
        """A copy of the client's exchange that sends this request."""
        request = exchange.request
        kept = [(n, v) for n, v in request.headers.items() if n.lower() not in _BODY_HEADERS]
        headers = CIMultiDictProxy(CIMultiDict(kept))
        request = replace(
            request, body=msgspec.json.encode(self.tree), headers=headers, query="", method="POST"
        )
        dialect = RESOURCE if self.predicts else GENERATE
        endpoint = _PREDICT if self.predicts else _GENERATE
        return evolve(
            exchange,
            endpoint=endpoint,
            dialect=dialect,
            request=request,
            stream=False,
            body_model=None,
            tap=None,
            tree=None,
            canonical=None,
        )

    def openai_response(self, response: Response, provider: str) -> Response:
        """The answer as OpenAI writes it. Raises ProviderError if it has no output."""
        tree = object_in(response.body) if isinstance(response.body, bytes) else {}
        try:
            body, media = self.read(tree)
        except NoOutputError as error:
            if error.reason in _BLOCKED:
                raise ProviderError(
                    f"The request or the answer was blocked: {error.reason}.",
                    provider=provider,
                    upstream_status=400,
                    error_type="invalid_request_error",
                    error_code="content_policy_violation",
                ) from None
            why = f"The provider made nothing of what was asked for: {error.reason or 'no reason'}."
            raise ProviderUnavailable(why, provider=provider) from None
        return replace(response, body=body, content_type=media, losses=self.losses)


def parts_in(tree: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The parts of the first candidate. Raises NoOutputError if there are none."""
    candidates = tree.get("candidates")
    first = candidates[0] if isinstance(candidates, list) and candidates else {}
    content = first.get("content") if isinstance(first, dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    found = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    if not found:
        raise NoOutputError(reason_in(tree))
    return found


def reason_in(tree: Mapping[str, Any]) -> str | None:
    """Why the model stopped, or why the prompt was blocked; None if it is not known."""
    candidates, feedback = tree.get("candidates"), tree.get("promptFeedback")
    first = candidates[0] if isinstance(candidates, list) and candidates else {}
    reason = first.get("finishReason") if isinstance(first, dict) else None
    if reason is None and isinstance(feedback, dict):
        reason = feedback.get("blockReason")
    return reason if isinstance(reason, str) else None


def media_in(part: Mapping[str, Any]) -> tuple[str, str] | None:
    """The base64 and the media type of a part with inline data; None for any other part."""
    inner = part.get("inlineData")
    data = inner.get("data") if isinstance(inner, dict) else None
    kind = inner.get("mimeType") if isinstance(inner, dict) else None
    return (data, kind if isinstance(kind, str) else "") if isinstance(data, str) else None


def _endpoint(verb: str, dialect: Any) -> Endpoint:
    path = f"/v1beta/models/{{model*}}:{verb}"
    return Endpoint("POST", PREFIX + path, dialect, dialect.operation, "inference", path)


_GENERATE: Final = _endpoint("generateContent", GENERATE)
_PREDICT: Final = _endpoint("predict", RESOURCE)
