"""The dialect `gemini.embeddings`: one content in, one vector out, or a batch of them."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import Canonical, CanonicalRequest, CanonicalResponse, Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, Usage

from .fields import UNREADABLE, Fields, body_fields
from .request import model_of
from .response import read_object
from .usage import read_usage, write_usage
from .whole_answer import WholeAnswerDialect

NAME: Final = "gemini.embeddings"
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


class _Answer(msgspec.Struct):
    embedding: msgspec.Raw = msgspec.Raw()
    embeddings: msgspec.Raw = msgspec.Raw()
    usage: Any = msgspec.field(default=None, name="usageMetadata")


_read_answer = msgspec.json.Decoder(_Answer).decode


class EmbeddingsDialect(WholeAnswerDialect):
    """`embedContent` and `batchEmbedContents`. Only texts are translated."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "embeddings"
    canonical: ClassVar[Canonical] = "embeddings"
    request_texts: ClassVar[tuple[str, ...]] = (
        "content/parts/*/text",
        "requests/*/content/parts/*/text",
    )

    def usage(self, body: bytes) -> Usage | None:
        try:
            answer = _read_answer(body)
        except UNREADABLE as error:
            raise ValueError("the answer is not a JSON object") from error
        if not bytes(answer.embedding) and not bytes(answer.embeddings):
            raise ValueError("the answer has no embeddings")
        return read_usage(answer.usage)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> EmbeddingsRequest:
        fields = body_fields(tree)
        batch = fields.items("requests")
        if batch is None:
            read = [_read_one(fields)]
        else:
            if not batch:
                raise fields.wrong("requests", "an array of requests")
            read = [_read_one(_fields(wire, f"requests[{i}]")) for i, wire in enumerate(batch)]
        first = read[0]
        if any(one[1:] != first[1:] for one in read):
            detail = "To be translated, 'requests' must not differ in what they ask for."
            raise InvalidRequest(detail, param="requests")
        form = "$single" if batch is None else "$batch"
        extensions = {NAME: {form: tree}}
        return EmbeddingsRequest(
            model=model_of(params),
            inputs=tuple(one[0] for one in read),
            dimensions=first[1],
            input_type=first[2],
            extensions=extensions,
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        if not isinstance(request, EmbeddingsRequest):
            raise TypeError("the request is not one for embeddings")
        losses: list[Loss] = []
        task = _write_task(request.input_type, losses)
        each = [_write_one(text, request, task) for text in request.inputs]
        kept = request.extensions.get(NAME, {})
        for form in ("$single", "$batch"):
            same = form in kept and self.parse_request(kept[form], {"model": request.model})
            if same == request:
                return Rendered(msgspec.json.encode(kept[form]))
        if request.user is not None:
            losses.append(Loss("user", "user", "dropped"))
        if "$single" in kept and len(each) == 1:
            return Rendered(msgspec.json.encode(each[0]), tuple(losses))
        return Rendered(msgspec.json.encode({"requests": each}), tuple(losses))

    def parse_response(self, body: bytes) -> EmbeddingsResponse:
        fields = Fields(read_object(body), strict=False)
        single = fields.table("embedding")
        listed = [single] if single is not None else fields.items("embeddings")
        if listed is None:
            raise ValueError("the response has no embeddings")
        usage = read_usage(fields.rest.pop("usageMetadata", None))
        vectors = tuple(_read_vector(item) for item in listed)
        return EmbeddingsResponse("", vectors, usage, {NAME: fields.rest})

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        if not isinstance(response, EmbeddingsResponse):
            raise TypeError("an embeddings client gets an EmbeddingsResponse")
        each = [{"values": vector} for vector in response.vectors]
        single = "$single" in request.extensions.get(NAME, {})
        wire: dict[str, Any] = {"embedding": each[0]} if single and each else {"embeddings": each}
        if response.usage is not None:
            wire["usageMetadata"] = _write_usage(response.usage)
        return Rendered(msgspec.json.encode(wire | dict(response.extensions.get(NAME, {}))))


def _write_usage(usage: Usage) -> Mapping[str, Any]:
    wire = write_usage(usage)
    return wire if usage.extensions else {"promptTokenCount": usage.input_tokens}


def _fields(wire: Any, path: str) -> Fields:
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    return Fields(wire, path)


def _read_one(fields: Fields) -> tuple[str, int | None, str | None, str | None]:
    """Text, dimensions, task type and title of one request."""
    content = fields.inner("content")
    if content is None:
        raise fields.wrong("content", "an object")
    texts = []
    for i, wire in enumerate(content.items("parts") or ()):
        part = _fields(wire, content.where(f"parts[{i}]"))
        text = part.text("text")
        if text is None:
            raise InvalidRequest(
                f"'{part.path}' must be text: nothing else can be translated.", param=part.path
            )
        texts.append(text)
    config = fields.inner("embedContentConfig") or fields
    task = config.text("taskType")
    words = {word: name for name, word in _TASKS.items()}
    task_type = words.get(task, task) if task else None
    return "\n".join(texts), config.integer("outputDimensionality"), task_type, config.text("title")


def _write_task(task_type: str | None, losses: list[Loss]) -> str | None:
    if task_type is None:
        return None
    word = _TASKS.get(task_type, task_type.upper())
    if word in _MORE_TASKS or word in _TASKS.values():
        return word
    losses.append(Loss("input_type", "input_type", "dropped", repr(task_type)))
    return None


def _write_one(text: Any, request: EmbeddingsRequest, task: str | None) -> dict[str, Any]:
    if not isinstance(text, str):
        raise InvalidRequest("Gemini embeds texts, not token ids.", param="input")
    wire: dict[str, Any] = {
        "model": f"models/{request.model}",
        "content": {"parts": [{"text": text}]},
    }
    if task is not None:
        wire["taskType"] = task
    if request.dimensions is not None:
        wire["outputDimensionality"] = request.dimensions
    return wire


def _read_vector(item: Any) -> tuple[float, ...]:
    values = item.get("values") if isinstance(item, dict) else None
    if not isinstance(values, list) or not all(type(n) in (int, float) for n in values):
        raise ValueError("an embedding has no 'values'")
    return tuple(values)
