"""The bodies of InvokeModel, each behaviour by a small case."""

import json
from base64 import b64encode
from typing import Any

import pytest

from jackfield.dialects import Dialect, installed
from jackfield.errors import InvalidRequest
from jackfield.events import (
    Ended,
    Failed,
    Finished,
    PartAdded,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Citation,
    EmbeddingsRequest,
    EmbeddingsResponse,
    Image,
    Message,
    RankedDocument,
    Refusal,
    RerankRequest,
    RerankResponse,
    Text,
    TokenCount,
    ToolCall,
    Usage,
)
from jackfield_bedrock.endpoints import COUNT_TOKENS, INVOKE, RERANK
from jackfield_bedrock.event_stream import encode_exception
from jackfield_bedrock.invoke import (
    COHERE_EMBEDDINGS,
    COMMAND,
    COMMAND_R,
    NOVA,
    NOVA_EMBEDDINGS,
    RERANK_MODEL,
    TITAN,
    TITAN_EMBEDDINGS,
)

M = {"model": "m"}
MESSAGES = (
    Message("system", (Text("Be brief."),)),
    Message("user", (Text("Hi"),)),
    Message("assistant", (Text("Hello"),)),
    Message("user", (Text("Bye"),)),
)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("us.anthropic.claude-3-haiku-20240307-v1:0", "anthropic.messages@bedrock"),
        ("some-alias", "anthropic.messages@bedrock"),
        ("openai/gpt-5-mini", "anthropic.messages@bedrock"),
        ("amazon.nova-micro-v1:0", "bedrock.nova"),
        ("amazon.titan-text-express-v1", "bedrock.titan"),
        ("amazon.titan-embed-text-v2:0", "bedrock.titan_embeddings"),
        ("amazon.titan-embed-image-v1", "bedrock.titan_embeddings"),
        ("amazon.nova-2-multimodal-embeddings-v1:0", "bedrock.nova_embeddings"),
        ("us.cohere.embed-v4:0", "bedrock.cohere_embeddings"),
        ("cohere.rerank-v3-5:0", "bedrock.rerank_model"),
        ("cohere.command-r-plus-v1:0", "bedrock.command_r"),
        ("cohere.command-text-v14", "bedrock.command"),
        ("meta.llama3-70b-instruct-v1:0", "bedrock.invoke"),
        ("amazon.nova-canvas-v1:0", "bedrock.invoke"),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", "bedrock.invoke"),
    ],
)
def test_the_models_name_selects_the_dialect_of_its_body(model: str, name: str) -> None:
    assert INVOKE.variant({"model": model}).name == name


def rendered(dialect: Dialect, request: Any) -> tuple[Any, list[str]]:
    made = dialect.render_request(request)
    return json.loads(made.body), [loss.feature for loss in made.losses]


def test_a_conversation_is_one_text_for_models_that_continue_one() -> None:
    chat = ChatRequest("m", MESSAGES, max_tokens=9, stop=("User:",))
    body, losses = rendered(TITAN, chat)
    assert body["inputText"] == "Be brief.\nUser: Hi\nBot: Hello\nUser: Bye\nBot:"
    assert body["textGenerationConfig"] == {"maxTokenCount": 9, "stopSequences": ["User:"]}
    body, losses = rendered(COMMAND, chat)
    assert body["prompt"].endswith("User: Bye\nChatbot:")
    body, losses = rendered(COMMAND_R, chat)
    assert (body["preamble"], body["message"], losses) == ("Be brief.", "Bye", [])
    assert [turn["role"] for turn in body["chat_history"]] == ["USER", "CHATBOT"]
    again = COMMAND_R.parse_request(body, M)
    assert isinstance(again, ChatRequest)
    assert again.messages == MESSAGES


@pytest.mark.parametrize("dialect", [TITAN, COMMAND, COMMAND_R])
def test_media_are_refused_by_models_that_take_only_text(dialect: Dialect) -> None:
    chat = ChatRequest("m", (Message("user", (Image(data="AAAA"),)),))
    (loss,) = dialect.render_request(chat).losses
    assert (loss.feature, loss.breaks) == ("images", True)


@pytest.mark.parametrize("dialect", [TITAN, COMMAND, COMMAND_R])
def test_another_vendors_answer_is_written_as_a_body_of_each_model(dialect: Dialect) -> None:
    choice = Choice(Message("assistant", (Text("Hi"),)), "length")
    answer = ChatResponse("id", "m", (choice,), Usage(3, 2))
    made = dialect.render_response(answer, ChatRequest("m", MESSAGES))
    again = dialect.parse_response(made.body)
    assert isinstance(again, ChatResponse)
    assert again.choices[0].message == choice.message
    assert (again.choices[0].finish_reason, made.losses) == ("length", ())


@pytest.mark.parametrize("dialect", [TITAN, COMMAND, COMMAND_R])
def test_what_of_an_answer_is_no_text_is_named(dialect: Dialect) -> None:
    parts = (Text("a", (Citation("u"),)), Refusal("No"), ToolCall("i", "f", "{}"))
    answer = ChatResponse("id", "m", (Choice(Message("assistant", parts), "stop"),))
    made = dialect.render_response(answer, ChatRequest("m", MESSAGES))
    assert [loss.feature for loss in made.losses] == ["citations", "refusals", "tool_calls"]


@pytest.mark.parametrize("dialect", [TITAN, COMMAND])
def test_what_of_a_stream_is_no_text_is_named(dialect: Dialect) -> None:
    renderer = dialect.stream_renderer(ChatRequest("m", ()))
    events: list[StreamEvent] = [
        RefusalDelta(0, "No"),
        ReasoningDelta(1, "Hm"),
        ToolCallStarted(2, "i", "f"),
        ToolCallDelta(2, "{}"),
        PartAdded(3, Image(data="AA==")),
        TextDelta(0, "b", choice=1),
    ]
    assert b"".join(map(renderer.render, events))
    features = ["refusals", "reasoning", "tool_calls", "images", "n"]
    assert [loss.feature for loss in renderer.losses] == features


@pytest.mark.parametrize("dialect", [NOVA, TITAN, COMMAND, COMMAND_R])
def test_another_vendors_stream_is_written_as_chunks_of_each_model(dialect: Dialect) -> None:
    renderer, parser = dialect.stream_renderer(ChatRequest("m", ())), dialect.stream_parser()
    events: list[StreamEvent] = [Started("", ""), TextDelta(0, "Hé"), Finished("length"), Ended()]
    wire = b"".join(map(renderer.render, events))
    split = dialect.framing.split(wire)
    found = [event for one in split for event in parser.feed(one)]
    assert TextDelta(0, "Hé") in found
    assert [event.reason for event in found if isinstance(event, Finished)] == ["length"]
    assert isinstance(found[-1], Ended)
    assert [mark for mark in map(dialect.terminal, split) if mark] == ["end"]
    meter = dialect.usage_meter()
    meter.feed(wire)
    assert meter.usage() is not None


@pytest.mark.parametrize("dialect", [NOVA, TITAN, COMMAND])
def test_an_exception_ends_their_streams(dialect: Dialect) -> None:
    event = encode_exception("modelStreamErrorException", b'{"message":"Broken"}')
    assert dialect.terminal(event) == "error"
    (failed,) = dialect.stream_parser().feed(event)
    assert failed == Failed("Broken", "ModelStreamErrorException", status=424)
    written = dialect.stream_renderer(ChatRequest("m", ())).render(failed)
    assert dialect.stream_parser().feed(written)[0] == failed


def test_anthropics_dialect_reads_an_exception_of_its_stream() -> None:
    dialect = INVOKE.variant({"model": "anthropic.claude"})
    event = encode_exception("throttlingException", b'{"message":"Slow down"}')
    assert dialect.terminal(event) == "error"
    (failed,) = dialect.stream_parser().feed(event)
    assert isinstance(failed, Failed)
    assert failed.message == "Slow down"
    written = dialect.stream_renderer(ChatRequest("m", ())).render(failed)
    assert dialect.terminal(written) == "error"


def test_usage_is_read_from_bodies_that_are_passed_through() -> None:
    body = {"generation": "x", "prompt_token_count": 8, "generation_token_count": 35}
    assert INVOKE.usage(json.dumps(body).encode()) == Usage(8, 35)
    assert INVOKE.usage(b'{"outputs":[]}') is None
    assert INVOKE.usage(b"x") is None


@pytest.mark.parametrize(
    ("dialect", "wanted"),
    [
        (TITAN_EMBEDDINGS, {"inputText": "a", "dimensions": 256}),
        (
            COHERE_EMBEDDINGS,
            {"texts": ["a"], "input_type": "search_query", "output_dimension": 256},
        ),
        (
            NOVA_EMBEDDINGS,
            {
                "taskType": "SINGLE_EMBEDDING",
                "singleEmbeddingParams": {
                    "embeddingPurpose": "GENERIC_RETRIEVAL",
                    "text": {"value": "a", "truncationMode": "END"},
                    "embeddingDimension": 256,
                },
            },
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Dialect) else "",
)
def test_vectors_are_requested_in_each_models_form(dialect: Dialect, wanted: Any) -> None:
    request = EmbeddingsRequest("m", ("a",), dimensions=256, input_type="query")
    body, losses = rendered(dialect, request)
    assert body == wanted
    assert set(losses) <= {"input_type"}
    again = dialect.parse_request(body, M)
    assert isinstance(again, EmbeddingsRequest)
    assert (again.inputs, again.dimensions) == (("a",), 256)


@pytest.mark.parametrize("dialect", [TITAN_EMBEDDINGS, COHERE_EMBEDDINGS, NOVA_EMBEDDINGS])
def test_another_vendors_vectors_are_written_as_a_body_of_each_model(dialect: Dialect) -> None:
    answer = EmbeddingsResponse("m", ((0.5, 1.0),), Usage(3))
    made = dialect.render_response(answer, EmbeddingsRequest("m", ("a",)))
    again = dialect.parse_response(made.body)
    assert isinstance(again, EmbeddingsResponse)
    assert again.vectors == answer.vectors


@pytest.mark.parametrize("dialect", [TITAN_EMBEDDINGS, NOVA_EMBEDDINGS])
def test_models_of_one_text_refuse_several(dialect: Dialect) -> None:
    (loss,) = dialect.render_request(EmbeddingsRequest("m", ("a", "b"))).losses
    assert (loss.feature, loss.breaks) == ("embeddings.batch", True)


def test_token_ids_mean_nothing_to_bedrock() -> None:
    (loss,) = COHERE_EMBEDDINGS.render_request(EmbeddingsRequest("m", ((1, 2),))).losses
    assert (loss.feature, loss.breaks) == ("embeddings.token_ids", True)


@pytest.mark.parametrize(
    ("dialect", "tree", "param"),
    [
        (TITAN_EMBEDDINGS, {"inputText": 1}, "inputText"),
        (TITAN_EMBEDDINGS, {"inputText": "a", "inputImage": "AA=="}, "inputImage"),
        (COHERE_EMBEDDINGS, {"images": ["x"]}, "texts"),
        (COHERE_EMBEDDINGS, {"texts": ["a"], "embedding_types": ["int8"]}, "embedding_types"),
        (NOVA_EMBEDDINGS, {"singleEmbeddingParams": {}}, "singleEmbeddingParams.text.value"),
        (COMMAND_R, {"message": "a", "chat_history": [{}]}, "chat_history[0]"),
        (RERANK_MODEL, {"query": "a", "documents": [1]}, "documents[0]"),
        (COUNT_TOKENS, {"input": {}}, "input"),
        (COUNT_TOKENS, {"input": {"invokeModel": {"body": "%"}}}, "input.invokeModel.body"),
    ],
)
def test_what_has_no_meaning_elsewhere_is_refused(dialect: Dialect, tree: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        dialect.parse_request(tree, M)
    assert caught.value.param == param


def test_a_ranking_is_the_same_in_both_forms() -> None:
    request = RerankRequest("m", "q", ("one", {"n": 2}), top_n=1)
    for dialect in (RERANK, RERANK_MODEL):
        again = dialect.parse_request(rendered(dialect, request)[0], M)
        assert isinstance(again, RerankRequest)
        assert (again.query, again.top_n, again.documents[0]) == ("q", 1, "one")
    ranked = RerankResponse("m", (RankedDocument(1, 0.9, "two"), RankedDocument(0, 0.1)))
    for dialect in (RERANK, RERANK_MODEL):
        made = dialect.parse_response(dialect.render_response(ranked, request).body)
        assert isinstance(made, RerankResponse)
        assert made.results == ranked.results


def test_a_ranking_names_its_model() -> None:
    with pytest.raises(InvalidRequest, match="names no model"):
        RERANK.peek({}, {})


def test_tokens_of_anthropics_body_are_counted_as_a_conversation() -> None:
    body = {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "system": "Be brief."}
    tree = {"input": {"invokeModel": {"body": b64encode(json.dumps(body).encode()).decode()}}}
    request = COUNT_TOKENS.parse_request(tree, {"model": "anthropic.claude-x"})
    wanted = {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "system": [{"text": "Be brief."}],
    }
    assert rendered(COUNT_TOKENS, request) == ({"input": {"converse": wanted}}, [])
    assert COUNT_TOKENS.render_response(TokenCount(7), request).body == b'{"inputTokens":7}'


def test_an_openai_count_becomes_a_count_of_bedrock() -> None:
    chat = installed("openai.chat").parse_request(
        {"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 1}, {}
    )
    body, losses = rendered(COUNT_TOKENS, chat)
    assert body["input"]["converse"] == {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}]
    }
    assert losses == []
