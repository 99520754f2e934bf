"""The dialect `vertex.embeddings`: instances in, predictions out."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import (
    Canonical,
    CanonicalRequest,
    CanonicalResponse,
    Dialect,
    Loss,
    Peek,
    Rendered,
    Terminal,
    UpstreamFailure,
    UsageMeter,
    installed,
)
from jackfield.errors import GatewayError, InvalidRequest
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, Usage
from jackfield.strict_json import count_in

NAME: Final = "vertex.embeddings"
_TASKS: Final = {"query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT"}
_MORE_TASKS: Final = frozenset(
    (
        "SEMANTIC_SIMILARITY",
        "CLASSIFICATION",
        "CLUSTERING",
        "QUESTION_ANSWERING",
        "FACT_VERIFICATION",
        "CODE_RETRIEVAL_QUERY",
    )
)
_TREE: Final = "$tree"


class EmbeddingsDialect(Dialect):
    """`predict` with texts. Other models' predictions at this path pass through."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "embeddings"
    canonical: ClassVar[Canonical] = "embeddings"
    request_texts: ClassVar[tuple[str, ...]] = ("instances/*/content", "instances/*/prompt")

    def __init__(self) -> None:
        self._google = installed("gemini.embeddings")

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return self._google.peek(tree, params)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return body

    def terminal(self, event: bytes) -> Terminal | None:
        return None

    def usage(self, body: bytes) -> Usage | None:
        predictions = _predictions(body)
        counts = [_count(one) for one in predictions]
        return Usage(input_tokens=sum(counts)) if any(counts) else None

    def usage_meter(self) -> UsageMeter:
        return self._google.usage_meter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return self._google.render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return self._google.render_error_event(error, request_id)

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return self._google.parse_error(status, body)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> EmbeddingsRequest:
        model = self.peek(tree, params).model or ""
        instances = tree.get("instances")
        if not isinstance(instances, list) or not instances:
            raise InvalidRequest("'instances' must be an array.", param="instances")
        read = [_read_instance(one, f"instances[{i}]") for i, one in enumerate(instances)]
        if any(task != read[0][1] for _, task in read):
            problem = "To be translated, 'instances' must not differ in their 'task_type'."
            raise InvalidRequest(problem, param="instances")
        words = {word: name for name, word in _TASKS.items()}
        task = read[0][1]
        return EmbeddingsRequest(
            model=model,
            inputs=tuple(text for text, _ in read),
            dimensions=_dimensions(tree),
            input_type=words.get(task, task) if task else None,
            extensions={NAME: {_TREE: tree}},
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        if not isinstance(request, EmbeddingsRequest):
            raise TypeError("the request is not one for embeddings")
        tree = request.extensions.get(NAME, {}).get(_TREE)
        if tree is not None and self.parse_request(tree, {"model": request.model}) == request:
            return Rendered(msgspec.json.encode(tree))
        losses: list[Loss] = []
        task = _write_task(request.input_type, losses)
        wire: dict[str, Any] = {
            "instances": [_write_instance(text, task) for text in request.inputs]
        }
        if request.user is not None:
            losses.append(Loss("user", "user", "dropped"))
        if request.dimensions is not None:
            wire["parameters"] = {"outputDimensionality": request.dimensions}
        return Rendered(msgspec.json.encode(wire), tuple(losses))

    def parse_response(self, body: bytes) -> EmbeddingsResponse:
        predictions = _predictions(body)
        vectors = tuple(_read_vector(one) for one in predictions)
        rest = {k: v for k, v in msgspec.json.decode(body).items() if k != "predictions"}
        details = [_inner(one) for one in predictions]
        kept = [{k: v for k, v in one.items() if k != "values"} for one in details]
        usage = self.usage(body)
        return EmbeddingsResponse("", vectors, usage, {NAME: {**rest, "$details": kept}})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        if not isinstance(response, EmbeddingsResponse):
            raise TypeError("an embeddings client gets an EmbeddingsResponse")
        kept = dict(response.extensions.get(NAME, {}))
        details = kept.pop("$details", None)
        if details is None or len(details) != len(response.vectors):
            details = _statistics(response)
        pairs = zip(response.vectors, details, strict=True)
        predictions = [{"embeddings": {**more, "values": vector}} for vector, more in pairs]
        return Rendered(msgspec.json.encode({"predictions": predictions, **kept}))


def _predictions(body: bytes) -> list[Any]:
    try:
        tree = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("the answer is not JSON") from error
    predictions = tree.get("predictions") if isinstance(tree, dict) else None
    if predictions is None and isinstance(tree, dict) and "error" not in tree:
        return []  # a model that refuses all inputs omits them
    if not isinstance(predictions, list):
        raise ValueError("the answer has no predictions")
    return predictions


def _inner(prediction: Any) -> dict[str, Any]:
    inner = prediction.get("embeddings") if isinstance(prediction, dict) else None
    return inner if isinstance(inner, dict) else {}


def _count(prediction: Any) -> int:
    statistics = _inner(prediction).get("statistics")
    count = statistics.get("token_count") if isinstance(statistics, dict) else None
    return count_in(count)


def _read_vector(prediction: Any) -> tuple[float, ...]:
    values = _inner(prediction).get("values")
    if not isinstance(values, list) or not all(type(n) in (int, float) for n in values):
        raise ValueError("a prediction has no 'embeddings.values'")
    return tuple(values)


def _statistics(response: EmbeddingsResponse) -> list[dict[str, Any]]:
    """Google's statistics per text; other vendors' totals go to the first text."""
    tokens = response.usage.input_tokens if response.usage else 0
    counts = [tokens, *[0] * (len(response.vectors) - 1)][: len(response.vectors)]
    return [{"statistics": {"token_count": count, "truncated": False}} for count in counts]


def _read_instance(wire: Any, path: str) -> tuple[str, str | None]:
    text = wire.get("content") if isinstance(wire, dict) else None
    if not isinstance(text, str):
        raise InvalidRequest(f"'{path}.content' must be a string.", param=f"{path}.content")
    task = wire.get("task_type", wire.get("taskType"))
    if task is not None and not isinstance(task, str):
        raise InvalidRequest(f"'{path}.task_type' must be a string.", param=f"{path}.task_type")
    return text, task


def _dimensions(tree: Mapping[str, Any]) -> int | None:
    parameters = tree.get("parameters")
    if not isinstance(parameters, dict):
        return None
    size = parameters.get("outputDimensionality", parameters.get("output_dimensionality"))
    if size is not None and type(size) is not int:
        where = "parameters.outputDimensionality"
        raise InvalidRequest(f"'{where}' must be an integer.", param=where)
    return size


def _write_task(requested: str | None, losses: list[Loss]) -> str | None:
    if requested is None:
        return None
    word = _TASKS.get(requested, requested.upper())
    if word in _MORE_TASKS or word in _TASKS.values():
        return word
    losses.append(Loss("input_type", "input_type", "dropped", repr(requested)))
    return None


def _write_instance(text: Any, task: str | None) -> dict[str, Any]:
    if not isinstance(text, str):
        raise InvalidRequest("Vertex AI embeds texts, not token ids.", param="input")
    return {"content": text} | ({"task_type": task} if task else {})
