"""Rankings in Cloudflare's words."""

import json
from typing import Any

import pytest

from jackfield import InvalidRequest
from jackfield.dialects import installed
from jackfield.messages import RerankRequest
from jackfield_cloudflare import RERANK

OPENAI = installed("openai.rerank")
MODEL = {"model": "@cf/baai/bge-reranker-base"}


def test_a_request_survives_the_canonical_form() -> None:
    tree = {"query": "q", "contexts": [{"text": "a"}], "top_k": 1, "odd": True}
    rendered = RERANK.render_request(RERANK.parse_request(tree, MODEL))
    assert json.loads(rendered.body) == tree
    assert rendered.losses == ()


def test_documents_with_fields_become_json_and_are_named() -> None:
    documents = [{"text": "a"}, {"title": "b", "text": "c"}]
    tree = {"model": "m", "query": "q", "documents": documents, "truncation": True}
    rendered = RERANK.render_request(OPENAI.parse_request(tree, {}))
    contexts = json.loads(rendered.body)["contexts"]
    assert contexts == [{"text": "a"}, {"text": '{"title":"b","text":"c"}'}]
    features = [loss.feature for loss in rendered.losses]
    assert features == ["openai.rerank.truncation", "documents.fields"]


@pytest.mark.parametrize("tree", [{}, {"query": "q", "contexts": ["a"]}, {"query": 1}, []])
def test_what_cannot_be_ranked_is_refused(tree: Any) -> None:
    with pytest.raises(InvalidRequest):
        RERANK.parse_request(tree, MODEL)


@pytest.mark.parametrize(
    "answer",
    [
        b"[]",
        b'{"success": true}',
        b'{"success": false, "result": {"response": []}}',
        b'{"success": true, "result": {"response": [{"id": "0"}]}}',
    ],
)
def test_what_is_no_ranking_is_not_read_as_one(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"result|response|score|object"):
        RERANK.parse_response(answer)


def test_contexts_of_nothing_are_none() -> None:
    request = RERANK.parse_request({"query": "q", "contexts": []}, MODEL)
    assert request == RerankRequest(MODEL["model"], "q", (), extensions=request.extensions)
