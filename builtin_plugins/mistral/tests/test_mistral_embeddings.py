"""Vectors: Mistral's words for what OpenAI has, and what it does not take."""

import json
from typing import Any

import pytest

from jackfield.dialects import installed
from jackfield.errors import InvalidRequest
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, Usage
from jackfield_mistral.endpoints import EMBEDDINGS

OPENAI = installed("openai.embeddings")
REQUEST: Any = {
    "model": "mistral-embed",
    "input": ["a", "b"],
    "output_dimension": 256,
    "output_dtype": "int8",
    "encoding_format": "float",
    "metadata": {"a": "b"},
}


def test_a_request_survives_the_canonical_form() -> None:
    request = EMBEDDINGS.parse_request(REQUEST, {})
    assert request.dimensions == 256
    assert json.loads(EMBEDDINGS.render_request(request).body) == REQUEST
    single = {"model": "m", "input": "a"}
    assert (
        json.loads(EMBEDDINGS.render_request(EMBEDDINGS.parse_request(single, {})).body) == single
    )


def test_a_request_of_openai_is_one_of_mistral() -> None:
    request = OPENAI.parse_request({"model": "m", "input": "a", "dimensions": 2, "user": "u"}, {})
    rendered = EMBEDDINGS.render_request(request)
    body = json.loads(rendered.body)
    assert (body["model"], body["output_dimension"]) == ("m", 2)
    assert "user" not in body
    assert [one.feature for one in rendered.losses] == ["user"]


def test_what_mistral_does_not_take_is_named() -> None:
    rendered = EMBEDDINGS.render_request(EmbeddingsRequest("m", ((1, 2),)))
    assert [(one.feature, one.breaks) for one in rendered.losses] == [
        ("embeddings.token_ids", True)
    ]
    foreign = {"cohere.embeddings": {"truncate": "END", "$v1": True}}
    request = EmbeddingsRequest("m", ("a",), input_type="query", extensions=foreign)
    rendered = EMBEDDINGS.render_request(request)
    assert json.loads(rendered.body)["input"] == ["a"]
    assert "input_type" not in json.loads(rendered.body)
    assert [one.feature for one in rendered.losses] == ["input_type", "cohere.embeddings.truncate"]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"output_dimension": "x"}, "output_dimension"),
        ({"input": 3}, "input"),
        ({"model": 1}, "model"),
    ],
)
def test_what_has_no_meaning_is_refused(members: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        EMBEDDINGS.parse_request(REQUEST | members, {})
    assert refused.value.param == param


def test_vectors_of_others_are_those_of_mistral() -> None:
    vectors = EmbeddingsResponse("m", ((0.5,),), Usage(3))
    rendered = EMBEDDINGS.render_response(vectors, EMBEDDINGS.parse_request(REQUEST, {}))
    body = json.loads(rendered.body)
    assert body["data"] == [{"object": "embedding", "index": 0, "embedding": [0.5]}]
    assert body["usage"]["prompt_tokens"] == 3
    assert body["id"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"detail":"x"}', b'{"data":[{}]}'])
def test_what_holds_no_vectors_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        EMBEDDINGS.parse_response(body)
