"""Members of vectors, rankings and documents that only one dialect has are carried or named."""

import json
from typing import Any

import pytest

from jackfield.dialects import Dialect, installed
from jackfield_bedrock.endpoints import CONVERSE, RERANK
from jackfield_bedrock.invoke import (
    COHERE_EMBEDDINGS,
    NOVA_EMBEDDINGS,
    RERANK_MODEL,
    TITAN_EMBEDDINGS,
)

M = {"model": "m"}
CHAT, MESSAGES = installed("openai.chat"), installed("anthropic.messages")
VECTORS, RANKINGS = installed("openai.embeddings"), installed("openai.rerank")
EMBEDDINGS_REQUEST = {"model": "m", "input": ["a"], "output_dtype": "int8"}
SOURCE = {"type": "TEXT", "textDocument": {"text": "a"}}

USUAL: list[tuple[Dialect, Any]] = [
    (TITAN_EMBEDDINGS, {"inputText": "a", "normalize": True, "embeddingTypes": ["float"]}),
    (COHERE_EMBEDDINGS, {"texts": ["a"], "embedding_types": ["float"], "truncate": "NONE"}),
    (RERANK_MODEL, {"query": "q", "documents": ["a"], "api_version": 2}),
    (
        NOVA_EMBEDDINGS,
        {
            "taskType": "SINGLE_EMBEDDING",
            "schemaVersion": "nova-multimodal-embed-v1",
            "singleEmbeddingParams": {
                "embeddingPurpose": "GENERIC_INDEX",
                "text": {"value": "a", "truncationMode": "END"},
            },
        },
    ),
]


@pytest.mark.parametrize("dialect", [TITAN_EMBEDDINGS, COHERE_EMBEDDINGS, NOVA_EMBEDDINGS])
def test_members_only_of_another_dialects_embeddings_are_losses(dialect: Dialect) -> None:
    (loss,) = dialect.render_request(VECTORS.parse_request(EMBEDDINGS_REQUEST, {})).losses
    assert loss.feature == "openai.embeddings.output_dtype"


@pytest.mark.parametrize("dialect", [RERANK, RERANK_MODEL])
def test_members_only_of_another_dialects_rankings_are_losses(dialect: Dialect) -> None:
    request = {"model": "m", "query": "q", "documents": ["a"], "truncation": True}
    (loss,) = dialect.render_request(RANKINGS.parse_request(request, {})).losses
    assert loss.feature == "openai.rerank.truncation"


@pytest.mark.parametrize(("dialect", "tree"), USUAL)
def test_what_is_so_anyway_is_no_loss_and_comes_back(dialect: Dialect, tree: Any) -> None:
    request = dialect.parse_request(tree, M)
    other = VECTORS if dialect.canonical == "embeddings" else RANKINGS
    losses = {loss.feature for loss in other.render_request(request).losses}
    assert losses <= {"input_type"}
    assert json.loads(dialect.render_request(request).body) == tree


def test_extra_fields_of_the_agent_runtime_reach_the_model() -> None:
    configuration = {"modelArn": "m", "additionalModelRequestFields": {"max_tokens_per_doc": 5}}
    tree = {
        "queries": [{"type": "TEXT", "textQuery": {"text": "q"}}],
        "sources": [{"type": "INLINE", "inlineDocumentSource": SOURCE}],
        "rerankingConfiguration": {
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {"modelConfiguration": configuration},
        },
    }
    request = RERANK.parse_request(tree, {})
    assert json.loads(RERANK.render_request(request).body) == tree
    rendered = RERANK_MODEL.render_request(request)
    assert json.loads(rendered.body)["max_tokens_per_doc"] == 5
    assert rendered.losses == ()
    (loss,) = RANKINGS.render_request(request).losses
    assert loss.feature == "bedrock.rerank.additionalModelRequestFields"


def test_what_others_do_not_know_of_a_document_or_a_finding_is_named() -> None:
    source = {"bytes": "aGk="}
    document = {"format": "pdf", "name": "n", "source": source, "context": "c"}
    finding = {"source": "https://a", "title": "t", "content": [{"text": "x"}]}
    inner = {"toolUseId": "1", "content": [{"searchResult": finding}]}
    blocks = [{"document": document}, {"toolResult": inner}]
    tree = {"messages": [{"role": "user", "content": blocks}]}
    request = CONVERSE.parse_request(tree, M)
    lost = {loss.feature for loss in CHAT.render_request(request).losses}
    assert {"anthropic.messages.document.context", "anthropic.messages.document.source"} <= lost
    for knows_them in (CONVERSE, MESSAGES):
        assert not any("document" in x.feature for x in knows_them.render_request(request).losses)


def test_the_grammar_of_a_free_form_tool_is_described() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: WORD"}}
    tool = {"type": "custom", "custom": {"name": "f", "format": grammar}}
    tree = {"model": "m", "messages": [{"role": "user", "content": "a"}], "tools": [tool]}
    rendered = CONVERSE.render_request(CHAT.parse_request(tree, {}))
    (written,) = json.loads(rendered.body)["toolConfig"]["tools"]
    schema = written["toolSpec"]["inputSchema"]["json"]["properties"]["input"]
    assert schema["description"] == "Text in this lark grammar:\nstart: WORD"
    assert [loss.feature for loss in rendered.losses] == ["tools.custom"]
