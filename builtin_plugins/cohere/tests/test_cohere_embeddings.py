"""Vectors: v1 and v2 of the API, and what becomes of them elsewhere."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.dialects import installed
from jackfield.errors import InvalidRequest
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, Usage
from jackfield_cohere.endpoints import EMBEDDINGS

REQUEST: Any = {"model": "m", "texts": ["a", "b"], "input_type": "search_query", "truncate": "END"}
VECTORS = EmbeddingsResponse("", ((0.5, -1.0), (0.25, 2.0)), Usage(7))


def parsed(tree: Any, version: str = "v2") -> EmbeddingsRequest:
    request = EMBEDDINGS.parse_request(tree, {"version": version})
    assert isinstance(request, EmbeddingsRequest)
    return request


def answered(tree: Any, version: str = "v2") -> tuple[Any, list[str]]:
    rendered = EMBEDDINGS.render_response(VECTORS, parsed(tree, version))
    return msgspec.json.decode(rendered.body), [loss.feature for loss in rendered.losses]


def test_a_purpose_has_the_same_meaning_everywhere() -> None:
    assert parsed(REQUEST).input_type == "query"
    assert parsed(REQUEST | {"input_type": "clustering"}).input_type == "clustering"
    rendered = EMBEDDINGS.render_request(EmbeddingsRequest("m", ("a",), input_type="document"))
    assert json.loads(rendered.body)["input_type"] == "search_document"


def test_a_request_survives_the_canonical_form() -> None:
    tree = REQUEST | {"embedding_types": ["int8"], "output_dimension": 256, "max_tokens": 9}
    assert json.loads(EMBEDDINGS.render_request(parsed(tree)).body) == tree
    contents = [{"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    tree = {"model": "m", "inputs": contents}
    assert parsed(tree).inputs == ("ab",)
    assert json.loads(EMBEDDINGS.render_request(parsed(tree)).body) == tree


def test_a_request_of_openai_gets_the_members_that_cohere_requires() -> None:
    openai = installed("openai.embeddings").parse_request(
        {"model": "m", "input": "a", "dimensions": 256, "encoding_format": "base64"}, {}
    )
    assert json.loads(EMBEDDINGS.render_request(openai).body) == {
        "model": "m",
        "texts": ["a"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "output_dimension": 256,
    }


def test_token_ids_break_the_question() -> None:
    rendered = EMBEDDINGS.render_request(EmbeddingsRequest("m", ((1, 2),)))
    assert [(loss.feature, loss.breaks) for loss in rendered.losses] == [
        ("embeddings.token_ids", True)
    ]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"texts": "a"}, "texts"),
        ({"texts": None}, "texts"),
        ({"images": ["data:image/png;base64,AA=="]}, "images"),
        ({"texts": None, "inputs": [{"content": [{"type": "image_url"}]}]}, "inputs[0]"),
        ({"texts": None, "inputs": [3]}, "inputs[0]"),
        ({"model": None}, "model"),
        ({"output_dimension": "wide"}, "output_dimension"),
    ],
)
def test_what_cannot_be_embedded_is_refused(members: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parsed(REQUEST | members)
    assert refused.value.param == param


def test_vectors_have_the_requested_types() -> None:
    body, losses = answered(REQUEST | {"embedding_types": ["float", "base64", "int8"]})
    assert body["embeddings"]["float"] == [[0.5, -1.0], [0.25, 2.0]]
    assert body["embeddings"]["base64"] == ["AAAAPwAAgL8=", "AACAPgAAAEA="]
    assert (body["texts"], body["response_type"]) == (["a", "b"], "embeddings_by_type")
    assert body["meta"]["billed_units"] == {"input_tokens": 7}
    assert losses == ["embeddings.types"]


def test_v1_answers_with_bare_vectors_unless_types_are_requested() -> None:
    body, _ = answered(REQUEST, "v1")
    assert body["embeddings"] == [[0.5, -1.0], [0.25, 2.0]]
    assert body["response_type"] == "embeddings_floats"
    body, _ = answered(REQUEST | {"embedding_types": ["float"]}, "v1")
    assert body["embeddings"] == {"float": [[0.5, -1.0], [0.25, 2.0]]}


@pytest.mark.parametrize(
    "embeddings",
    [[[0.5, -1.0]], {"base64": ["AAAAPwAAgL8="]}, {"float": [[0.5, -1.0]], "int8": [[63, -128]]}],
)
def test_vectors_of_every_kind_are_read_and_written_again(embeddings: Any) -> None:
    tree = {"id": "e", "embeddings": embeddings, "texts": ["a"], "response_type": "x", "meta": {}}
    response = EMBEDDINGS.parse_response(json.dumps(tree).encode())
    assert isinstance(response, EmbeddingsResponse)
    assert response.vectors == ((0.5, -1.0),)
    assert json.loads(EMBEDDINGS.render_response(response, parsed(REQUEST)).body) == tree


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_base64_loses_no_bit(numbers: list[float]) -> None:
    vectors = EmbeddingsResponse("", (tuple(numbers),))
    request = parsed(REQUEST | {"embedding_types": ["base64"]})
    again = EMBEDDINGS.parse_response(EMBEDDINGS.render_response(vectors, request).body)
    assert isinstance(again, EmbeddingsResponse)
    assert again.vectors == vectors.vectors


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b'{"message":"no"}', b'{"embeddings":{}}', b'{"embeddings":{"float":["!"]}}'],
)
def test_what_holds_no_vectors_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        EMBEDDINGS.parse_response(body)


def test_members_only_of_another_dialects_embeddings_are_losses() -> None:
    tree = {"model": "m", "input": ["a"], "output_dtype": "int8"}
    request = installed("openai.embeddings").parse_request(tree, {})
    (loss,) = EMBEDDINGS.render_request(request).losses
    assert loss.feature == "openai.embeddings.output_dtype"


def test_what_is_so_anyway_is_no_loss_elsewhere_and_comes_back() -> None:
    usual = {"embedding_types": ["float"], "truncate": "END"}
    tree = {"model": "m", "texts": ["a"], **usual}
    request = EMBEDDINGS.parse_request(tree, {})
    assert installed("openai.embeddings").render_request(request).losses == ()
    assert json.loads(EMBEDDINGS.render_request(request).body) == tree
