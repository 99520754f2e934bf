"""The embeddings dialect."""

import base64
import json
import struct
from collections.abc import Iterable
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.dialects import Peek
from jackfield.errors import InvalidRequest
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, Usage
from jackfield.testing import run_gateway
from jackfield_openai.embeddings import EmbeddingsDialect
from jackfield_openai.fitted import FittedEmbeddings
from jackfield_openai.presets import presets

EMBEDDINGS = EmbeddingsDialect()
VECTORS = ((0.5, -1.0), (2.0, 0.25))
RECORDED = exchanges("openai_embeddings")


def each(found: Iterable[Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "exchange", [pytest.param(exchange, id=exchange.id) for exchange in found]
    )


def embeddings_of(**fields: Any) -> EmbeddingsRequest:
    return EmbeddingsRequest("m", ("a", "b"), **fields)


def base64_of(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def rendered(request: EmbeddingsRequest, **fields: Any) -> dict[str, Any]:
    response = EmbeddingsResponse("m", VECTORS, **fields)
    wire: dict[str, Any] = json.loads(EMBEDDINGS.render_response(response, request).body)
    return wire


@pytest.mark.parametrize(
    ("value", "inputs"),
    [
        ("a", ("a",)),
        (["a"], ("a",)),
        (["a", "b"], ("a", "b")),
        ([1, 2], ((1, 2),)),
        ([[1, 2], [3]], ((1, 2), (3,))),
    ],
)
def test_inputs_come_back_as_they_were_written(value: Any, inputs: Any) -> None:
    tree = {"model": "m", "input": value, "dimensions": 4, "user": "u", "input_type": "query"}
    request = EMBEDDINGS.parse_request(tree, {})
    assert request.inputs == inputs
    assert json.loads(EMBEDDINGS.render_request(request).body) == tree


@pytest.mark.parametrize(
    ("value", "param"),
    [(None, "input"), ([], "input"), (5, "input"), (["a", 5], "input[1]"), ([[True]], "input[0]")],
)
def test_inputs_of_a_wrong_type_are_refused_by_their_path(value: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        EMBEDDINGS.parse_request({"model": "m", "input": value}, {})
    assert caught.value.param == param


def test_an_unknown_encoding_is_the_providers_to_judge() -> None:
    tree = {"model": "m", "input": "a", "encoding_format": "int8"}
    request = EMBEDDINGS.parse_request(tree, {})
    assert request.encoding_format is None
    assert json.loads(EMBEDDINGS.render_request(request).body) == tree


def test_vectors_are_numbers_or_base64_as_requested() -> None:
    usage = Usage(5)
    plain = rendered(embeddings_of(), usage=usage)
    assert [item["embedding"] for item in plain["data"]] == [[0.5, -1.0], [2.0, 0.25]]
    assert plain["usage"] == {"prompt_tokens": 5, "total_tokens": 5}
    packed = rendered(embeddings_of(encoding_format="base64"), usage=usage)
    assert [item["embedding"] for item in packed["data"]] == [
        base64_of(0.5, -1.0),
        base64_of(2.0, 0.25),
    ]
    CreateEmbeddingResponse.model_validate(plain)


def test_vectors_are_read_in_both_forms_and_in_the_order_of_their_inputs() -> None:
    data = [{"index": 1, "embedding": [2.0, 0.25]}, {"index": 0, "embedding": base64_of(0.5, -1)}]
    response = EMBEDDINGS.parse_response(json.dumps({"model": "m", "data": data}).encode())
    assert response.vectors == VECTORS


@pytest.mark.parametrize(
    "data", [None, [5], [{}], [{"embedding": "%"}], [{"embedding": "AAA="}], [{"embedding": ["a"]}]]
)
def test_what_is_no_embedding_is_a_value_error(data: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - that it is one is all that is promised
        EMBEDDINGS.parse_response(json.dumps({"data": data}).encode())


def test_peek_reads_the_model() -> None:
    assert EMBEDDINGS.peek({"model": "m", "input": 5}, {}) == Peek("m")
    with pytest.raises(InvalidRequest, match="model"):
        EMBEDDINGS.peek({"input": "a"}, {})


@needs_corpus
@each(RECORDED)
def test_a_recorded_request_survives_the_canonical_form(exchange: Exchange) -> None:
    tree = exchange.request_tree
    rendered = EMBEDDINGS.render_request(EMBEDDINGS.parse_request(tree, {}))
    assert json.loads(rendered.body) == tree


@needs_corpus
@each(exchange for exchange in RECORDED if exchange.status == 200)
def test_a_recorded_response_survives_the_canonical_form(exchange: Exchange) -> None:
    request = EMBEDDINGS.parse_request(exchange.request_tree, {})
    tree = json.loads(exchange.body)
    response = EMBEDDINGS.parse_response(exchange.body)
    assert response.usage is not None
    assert response.usage.input_tokens == tree["usage"]["total_tokens"]
    back = json.loads(EMBEDDINGS.render_response(response, request).body)
    if exchange.provider == "perplexity":  # base64 of int8, which no field of the answer says
        tree.pop("data")
        back.pop("data")
    assert back == tree


def test_voyages_words_are_understood_and_come_back() -> None:
    tree = {"model": "m", "input": ["a"], "input_type": "query", "output_dimension": 256}
    tree |= {"truncation": True, "output_dtype": "float"}
    request = EMBEDDINGS.parse_request(tree, {})
    assert (request.input_type, request.dimensions) == ("query", 256)
    assert json.loads(EMBEDDINGS.render_request(request).body) == tree


def test_what_openai_does_not_know_of_another_dialect_is_a_loss() -> None:
    request = embeddings_of(
        input_type="document", extensions={"cohere.embeddings": {"truncate": "END"}}
    )
    sent = EMBEDDINGS.render_request(request)
    assert json.loads(sent.body) == {"model": "m", "input": ["a", "b"]}
    lost = [loss.feature for loss in sent.losses]
    assert lost == ["cohere.embeddings.truncate", "input_type"]


def test_voyage_gets_the_input_type() -> None:
    voyage = FittedEmbeddings(presets()["voyage"])
    sent = voyage.render_request(embeddings_of(input_type="document", dimensions=256))
    assert sent.losses == ()
    assert json.loads(sent.body) == {
        "model": "m",
        "input": ["a", "b"],
        "output_dimension": 256,
        "input_type": "document",
    }


async def test_a_client_that_requests_base64_gets_it_from_any_vendor() -> None:
    question = {"model": "fake/m", "input": ["a", "b"], "encoding_format": "base64"}
    async with run_gateway() as gateway:
        answer = await (await gateway.post("/v1/embeddings", json=question)).json()
    assert [one["embedding"] for one in answer["data"]] == [base64_of(0.0, 0.0)] * 2
