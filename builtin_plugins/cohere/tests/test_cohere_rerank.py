"""Rankings and counts of tokens."""

import json
from typing import Any

import pytest

from jackfield.dialects import installed
from jackfield.errors import InvalidRequest
from jackfield.messages import (
    ChatRequest,
    Message,
    RankedDocument,
    RerankRequest,
    RerankResponse,
    Text,
    TokenCount,
    ToolCall,
)
from jackfield_cohere.endpoints import COUNT_TOKENS, RERANK

REQUEST: Any = {"model": "m", "query": "q", "documents": ["a", {"text": "b", "n": 1}], "top_n": 1}
ANSWER: Any = {
    "id": "r",
    "results": [{"index": 1, "relevance_score": 0.5, "relevant_spans": [{"start": 0}]}],
    "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}},
}


def parsed(tree: Any, version: str = "v2") -> RerankRequest:
    request = RERANK.parse_request(tree, {"version": version})
    assert isinstance(request, RerankRequest)
    return request


def test_a_ranking_survives_the_canonical_form() -> None:
    tree = REQUEST | {"rank_fields": ["text"], "return_documents": True}
    assert json.loads(RERANK.render_request(parsed(tree, "v1")).body) == tree
    response = RERANK.parse_response(json.dumps(ANSWER).encode())
    assert json.loads(RERANK.render_response(response, parsed(REQUEST)).body) == ANSWER


def test_documents_with_fields_are_yaml_for_v2() -> None:
    rendered = RERANK.render_request(parsed(REQUEST))
    assert json.loads(rendered.body)["documents"] == ["a", "text: b\nn: 1"]
    assert [(loss.feature, loss.how) for loss in rendered.losses] == [
        ("documents.fields", "approximated")
    ]
    only_text = RerankRequest("m", "q", ({"text": "b"},))
    rendered = RERANK.render_request(only_text)
    assert json.loads(rendered.body)["documents"] == ["b"]
    assert rendered.losses == ()


def test_documents_come_back_when_they_are_requested() -> None:
    response = RerankResponse("m", (RankedDocument(0, 0.9), RankedDocument(1, 0.5)))
    request = parsed(REQUEST | {"return_documents": True}, "v1")
    results = json.loads(RERANK.render_response(response, request).body)["results"]
    assert [result["document"] for result in results] == [{"text": "a"}, {"text": "b", "n": 1}]
    results = json.loads(RERANK.render_response(response, parsed(REQUEST)).body)["results"]
    assert "document" not in results[0]


@pytest.mark.parametrize(
    ("members", "param"),
    [({"query": 1}, "query"), ({"documents": "a"}, "documents"), ({"documents": [1]}, None)],
)
def test_what_cannot_be_ranked_is_refused(members: Any, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parsed(REQUEST | members)
    assert refused.value.param == (param or "documents[0]")


@pytest.mark.parametrize(
    "body", [b"{}", b'{"message":"no"}', b'{"results":[{}]}', b'{"results":[{"index":0}]}']
)
def test_what_holds_no_results_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        RERANK.parse_response(body)


def test_a_conversation_is_counted_as_its_text_with_a_loss() -> None:
    message = Message("assistant", (Text("b"), ToolCall("1", "f", "{}")))
    request = ChatRequest("m", (Message("user", (Text("a"),)), message))
    rendered = COUNT_TOKENS.render_request(request)
    assert json.loads(rendered.body) == {"model": "m", "text": "a\nb\nf {}"}
    assert [(loss.feature, loss.breaks) for loss in rendered.losses] == [("count_tokens", False)]
    count = COUNT_TOKENS.parse_response(b'{"tokens":[5,6],"token_strings":["a","b"]}')
    assert isinstance(count, TokenCount)
    assert count.input_tokens == 2


@pytest.mark.parametrize("text", ["", "x" * 65_537])
def test_a_text_that_cohere_does_not_count_breaks_the_question(text: str) -> None:
    request = ChatRequest("m", (Message("user", (Text(text),)),))
    assert any(loss.breaks for loss in COUNT_TOKENS.render_request(request).losses)


def test_nobody_else_knows_coheres_tokens() -> None:
    request = COUNT_TOKENS.parse_request({"model": "m", "text": "a"}, {})
    with pytest.raises(InvalidRequest):
        COUNT_TOKENS.render_response(TokenCount(3), request)


def test_members_only_of_another_dialects_rankings_are_losses() -> None:
    tree = {"model": "m", "query": "q", "documents": [{"a": 1}], "truncation": True}
    request = installed("openai.rerank").parse_request(tree, {})
    features = [loss.feature for loss in RERANK.render_request(request).losses]
    assert features == ["openai.rerank.truncation", "documents.fields"]
