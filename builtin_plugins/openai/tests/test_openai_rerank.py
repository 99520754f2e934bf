"""The rerank dialect."""

import json
from typing import Any

import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.errors import InvalidRequest
from jackfield.messages import RankedDocument, RerankRequest, RerankResponse, Usage
from jackfield.testing import FakeUpstream, run_gateway
from jackfield_openai.endpoints import RERANK

REQUEST = {"model": "m", "query": "What is Ruby?", "documents": ["A city", {"text": "A language"}]}
RECORDED = exchanges("rerank")
RESULTS = (RankedDocument(1, 0.9), RankedDocument(0, 0.1))


def answered(tree: dict[str, Any], **fields: Any) -> dict[str, Any]:
    response = RerankResponse("m", RESULTS, **fields)
    rendered = RERANK.render_response(response, RERANK.parse_request(tree, {}))
    wire: dict[str, Any] = json.loads(rendered.body)
    return wire


@pytest.mark.parametrize("more", [{}, {"top_n": 1}, {"top_k": 1, "truncation": True}])
def test_a_request_comes_back_as_it_was_written(more: dict[str, Any]) -> None:
    request = RERANK.parse_request(REQUEST | more, {})
    assert request.top_n == (1 if more else None)
    rendered = RERANK.render_request(request)
    assert json.loads(rendered.body) == REQUEST | more
    assert rendered.losses == ()


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"query": None}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": "text"}, "documents"),
        ({"documents": ["a", 1]}, "documents[1]"),
        ({"model": ""}, "model"),
        ({"top_n": "2"}, "top_n"),
    ],
)
def test_what_has_no_meaning_is_named(more: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        RERANK.parse_request(REQUEST | more, {})
    assert caught.value.param == param


def test_an_answer_of_another_vendor_has_the_common_form() -> None:
    wire = answered(REQUEST, usage=Usage(7))
    assert wire["id"].startswith("rerank-")
    assert wire["model"] == "m"
    assert wire["results"] == [
        {"index": 1, "relevance_score": 0.9},
        {"index": 0, "relevance_score": 0.1},
    ]
    assert wire["usage"] == {"prompt_tokens": 7, "total_tokens": 7}


def test_a_client_of_voyage_gets_data() -> None:
    wire = answered(REQUEST | {"top_k": 2})
    assert (wire["object"], [one["index"] for one in wire["data"]]) == ("list", [1, 0])


def test_documents_are_returned_to_clients_that_request_them() -> None:
    wire = answered(REQUEST | {"return_documents": True})
    assert [one["document"]["text"] for one in wire["results"]] == ["A language", "A city"]


def test_the_best_come_first_whatever_the_order_of_the_answer() -> None:
    results = [{"index": 0, "relevance_score": 0.1}, {"index": 1, "relevance_score": 0.9}]
    response = RERANK.parse_response(json.dumps({"results": results}).encode())
    assert [one.index for one in response.results] == [1, 0]


def test_members_of_another_dialect_alone_are_a_loss() -> None:
    request = RerankRequest("m", "q", ("a",), extensions={"cohere.rerank": {"priority": 2}})
    losses = RERANK.render_request(request).losses
    assert [loss.feature for loss in losses] == ["cohere.rerank.priority"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"results":[{}]}', b'{"error":{}}'])
def test_what_is_no_answer_raises(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        RERANK.usage(body)


@needs_corpus
@pytest.mark.parametrize("exchange", RECORDED, ids=lambda exchange: exchange.id)
def test_recorded_traffic_survives_the_canonical_form(exchange: Exchange) -> None:
    tree = exchange.request_tree
    request = RERANK.parse_request(tree, {})
    assert json.loads(RERANK.render_request(request).body) == tree
    response = RERANK.parse_response(exchange.body)
    assert json.loads(RERANK.render_response(response, request).body) == json.loads(exchange.body)
    usage = json.loads(exchange.body)["usage"]
    assert response.usage is not None
    assert response.usage.input_tokens == usage["total_tokens"]


async def test_a_limit_reaches_voyage_in_its_own_word() -> None:
    body = json.dumps({"object": "list", "data": [], "model": "m"}).encode()
    async with FakeUpstream() as upstream:
        upstream.reply(body)
        toml = f'[providers.voyage]\nuse = "openai"\nbase_url = "{upstream.base_url}/v1"\n'
        async with run_gateway(toml) as gateway:
            question = REQUEST | {"model": "voyage/m", "top_n": 1}
            answer = await gateway.post("/v1/rerank", json=question)
            assert await answer.read() == body
    assert upstream.requests[0].path == "/v1/rerank"
    assert json.loads(upstream.requests[0].body) == REQUEST | {"top_k": 1}
