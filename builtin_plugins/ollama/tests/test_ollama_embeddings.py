"""Embeddings, in the form of today and in the older one of a single prompt."""

from typing import Any

import msgspec
import pytest
from ollama import EmbedResponse
from openai.types import CreateEmbeddingResponse

from jackfield.dialects import installed
from jackfield.errors import InvalidRequest
from jackfield.messages import EmbeddingsRequest, EmbeddingsResponse, Usage
from jackfield_ollama.embeddings import EmbeddingsDialect

EMBEDDINGS = EmbeddingsDialect()
REQUEST = EmbeddingsRequest("m", ("a",))


def parsed(**members: Any) -> EmbeddingsRequest:
    return EMBEDDINGS.parse_request({"model": "m", **members}, {})


@pytest.mark.parametrize(
    "members",
    [
        {"input": "a"},
        {"input": ["a", "b"], "truncate": False, "dimensions": 4, "keep_alive": "1m"},
        {"prompt": "a", "options": {"num_ctx": 10}, "keep_alive": None},
    ],
)
def test_a_request_comes_back_as_it_was(members: dict[str, Any]) -> None:
    rendered = EMBEDDINGS.render_request(parsed(**members))
    assert msgspec.json.decode(rendered.body) == {"model": "m", **members}
    assert rendered.losses == ()


@pytest.mark.parametrize("members", [{}, {"input": []}, {"input": [1]}, {"input": 1}])
def test_a_request_without_texts_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="input"):
        parsed(**members)


@pytest.mark.parametrize(
    "wire",
    [
        {
            "model": "m",
            "embeddings": [[0.5, 1], [2, 3]],
            "prompt_eval_count": 4,
            "load_duration": 1,
        },
        {"model": "m", "embeddings": [[0.5]]},
    ],
)
def test_an_answer_comes_back_as_it_was(wire: dict[str, Any]) -> None:
    response = EMBEDDINGS.parse_response(msgspec.json.encode(wire))
    assert msgspec.json.decode(EMBEDDINGS.render_response(response, REQUEST).body) == wire
    assert EMBEDDINGS.usage(msgspec.json.encode(wire)) == response.usage


def test_an_older_client_gets_the_older_answer() -> None:
    old = b'{"embedding":[0.5,1.5]}'
    response = EMBEDDINGS.parse_response(old)
    assert response.vectors == ((0.5, 1.5),)
    assert EMBEDDINGS.render_response(response, parsed(prompt="a")).body == old


def test_openais_clients_and_ollamas_understand_each_others_answers() -> None:
    openai = installed("openai.embeddings")
    response = EmbeddingsResponse("m", ((0.5, 1.5),), Usage(3))
    CreateEmbeddingResponse.model_validate_json(openai.render_response(response, REQUEST).body)
    wire = EMBEDDINGS.render_response(response, REQUEST).body
    read = EmbedResponse.model_validate_json(wire)
    assert (read.embeddings, read.prompt_eval_count) == ([[0.5, 1.5]], 3)
    assert b"eval_count" not in wire.replace(b"prompt_eval_count", b"")


def test_settings_that_only_others_have_are_named() -> None:
    request = EmbeddingsRequest("m", ("a", (1, 2)), user="u", input_type="query")
    losses = EMBEDDINGS.render_request(request).losses
    named = {(loss.feature, loss.breaks) for loss in losses}
    assert named == {("embeddings.token_ids", True), ("user", False), ("input_type", False)}


@pytest.mark.parametrize("body", [b"{}", b"[", b'{"error":"no"}', b'{"embeddings":[["a"]]}'])
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        EMBEDDINGS.parse_response(body)


def test_what_only_another_dialect_requests_of_vectors_is_named() -> None:
    request_body = {"model": "m", "input": ["a"], "output_dtype": "int8"}
    request = installed("openai.embeddings").parse_request(request_body, {})
    (loss,) = EMBEDDINGS.render_request(request).losses
    assert loss.feature == "openai.embeddings.output_dtype"


@pytest.mark.parametrize("cut", [True, False])
def test_what_becomes_of_too_long_a_text_is_no_loss_and_comes_back(cut: bool) -> None:
    tree = {"model": "m", "input": ["a"], "truncate": cut}
    request = EMBEDDINGS.parse_request(tree, {})
    assert installed("openai.embeddings").render_request(request).losses == ()
    assert msgspec.json.decode(EMBEDDINGS.render_request(request).body) == tree
