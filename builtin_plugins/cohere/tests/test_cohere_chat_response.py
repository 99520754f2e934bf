"""Chat answers: Cohere's own, and those of others written for its clients."""

from typing import Any

import msgspec
import pytest

from jackfield.dialects import installed
from jackfield.errors import InvalidRequest, ProviderError
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Citation,
    FinishReason,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from jackfield.proofs import without_sealed_signatures
from jackfield_cohere.endpoints import CHAT

REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),))


def written(*parts: Part, finish: FinishReason = "stop", **members: Any) -> tuple[Any, set[str]]:
    choice = Choice(Message("assistant", parts), finish, **members)
    rendered = CHAT.render_response(ChatResponse("id", "m", (choice,), Usage(5, 3, 1)), REQUEST)
    return msgspec.json.decode(rendered.body), {loss.feature for loss in rendered.losses}


def read(tree: Any) -> Choice:
    response = CHAT.parse_response(msgspec.json.encode({"id": "i", **tree}))
    assert isinstance(response, ChatResponse)
    return response.choices[0]


def test_an_answer_of_another_vendor_is_one_of_cohere() -> None:
    body, losses = written(Reasoning("Hm."), Text("Yes."), ToolCall("a", "f", ""))
    assert body["message"] == {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}],
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ],
    }
    assert body["usage"]["tokens"] == {"input_tokens": 5, "output_tokens": 3}
    assert body["usage"]["cached_tokens"] == 1
    assert losses == set()


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("stop", "COMPLETE"),
        ("length", "MAX_TOKENS"),
        ("tool_calls", "TOOL_CALL"),
        ("content_filter", "ERROR"),
        ("error", "ERROR"),
        ("other", "COMPLETE"),
    ],
)
def test_each_reason_has_a_word(reason: FinishReason, word: str) -> None:
    assert written(Text("x"), finish=reason)[0]["finish_reason"] == word


def test_a_reason_that_only_another_vendor_has_is_no_word_of_cohere() -> None:
    body, losses = written(Text("x"), finish="other", finish_detail="NO_IMAGE")
    assert body["finish_reason"] == "COMPLETE"
    assert losses == {"finish_reason.other"}


def test_a_refusal_becomes_text_and_is_named_as_a_loss() -> None:
    body, losses = written(Refusal("No."))
    assert body["message"]["content"] == [{"type": "text", "text": "No."}]
    assert losses == {"refusals"}


def test_a_citation_of_another_vendor_names_its_source() -> None:
    cited = Citation("https://example.com", "Title", "source text", 0, 3)
    body, _ = written(Reasoning("Hm."), Text("Yes.", (cited,)))
    assert body["message"]["citations"] == [
        {
            "start": 0,
            "end": 3,
            "text": "Yes",
            "type": "TEXT_CONTENT",
            "content_index": 1,
            "sources": [
                {
                    "type": "document",
                    "id": "https://example.com",
                    "document": {
                        "id": "https://example.com",
                        "title": "Title",
                        "url": "https://example.com",
                        "text": "source text",
                    },
                }
            ],
        }
    ]


def test_a_source_has_the_members_without_which_the_ai_sdk_refuses_the_answer() -> None:
    for cited in (Citation("https://example.com"), Citation()):
        body, _ = written(Text("Yes.", (cited,)))
        (citation,) = body["message"]["citations"]
        (source,) = citation["sources"]
        assert source["document"]["title"] == (cited.url or "doc:0")
        assert source["document"]["text"] == ""


def test_each_source_of_a_citation_is_one_to_everyone_else() -> None:
    sources = [
        {"type": "tool", "id": "a", "tool_output": {"url": "https://a.example", "content": "A"}},
        {"type": "document", "id": "https://b.example", "document": {"title": "B"}},
    ]
    wire = {"start": 0, "end": 2, "text": "Hi", "sources": sources}
    content = [{"type": "text", "text": "Hi"}]
    tree = {"finish_reason": "COMPLETE", "message": {"content": content, "citations": [wire]}}
    choice = read(tree)
    text = choice.message.parts[0]
    assert isinstance(text, Text)
    found = [(one.url, one.title, one.cited_text) for one in text.citations]
    assert found == [("https://a.example", "a", "A"), ("https://b.example", "B", None)]
    body, _ = written(*choice.message.parts)
    assert body["message"]["citations"] == [wire]


def test_a_plan_comes_back_through_an_openai_client() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "tool_plan": "Look.", "tool_calls": [call]}
    tree = {"id": "i", "finish_reason": "TOOL_CALL", "message": message}
    openai = installed("openai.chat")
    answer = openai.render_response(CHAT.parse_response(msgspec.json.encode(tree)), REQUEST)
    shown = msgspec.json.decode(answer.body)["choices"][0]["message"]
    assert "Look." not in (shown.get("content"), shown.get("reasoning_content"))
    again = openai.parse_request({"model": "m", "messages": [shown]}, {})
    body = msgspec.json.decode(CHAT.render_request(again).body)
    assert body["messages"] == [message]


def test_a_signature_comes_back_through_a_client_of_cohere() -> None:
    thought = Reasoning("Hm.", signature="sig", extensions={"anthropic.messages": {}})
    body, _ = written(thought, Text("Yes."))
    again = CHAT.parse_request({"model": "m", "messages": [body["message"]]}, {})
    assert again.messages[0].parts[0] == thought


def test_cohere_does_not_see_the_proofs_of_others() -> None:
    thought = Reasoning("Hm.", signature="sig", extensions={"anthropic.messages": {}})
    hidden = Reasoning(encrypted="x", extensions={"anthropic.messages": {}})
    body, _ = written(hidden, thought, Text("Yes."))
    sent = without_sealed_signatures(msgspec.json.encode({"messages": [body["message"]]}))
    assert msgspec.json.decode(sent)["messages"][0]["content"] == [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "text", "text": "Yes."},
    ]
    untouched = b'{ "messages": [] }'
    assert without_sealed_signatures(untouched) is untouched


def test_logprobs_have_openais_form_and_come_back_as_they_were() -> None:
    items = [{"text": "Hi", "token_ids": [1, 2], "logprobs": [-1.0, -0.5]}]
    content = [{"type": "text", "text": "Hi"}]
    tree = {"finish_reason": "COMPLETE", "message": {"content": content}, "logprobs": items}
    choice = read(tree)
    assert choice.logprobs["content"][0]["token"] == "Hi"
    assert choice.logprobs["content"][0]["logprob"] == -1.5
    body, _ = written(Text("Hi"), logprobs=choice.logprobs, extensions=choice.extensions)
    assert body["logprobs"] == items
    foreign, _ = written(Text("Hi"), logprobs=choice.logprobs)
    assert foreign["logprobs"] == [{"text": "Hi", "token_ids": [], "logprobs": [-1.5]}]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"message":"no such model"}', b'{"message":{"role":"user"}}', b"\xff"],
)
def test_what_is_no_answer_is_not_read_as_one(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        CHAT.parse_response(body)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"message":"no such model"}'])
def test_what_is_no_answer_has_no_usage(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        CHAT.usage(body)


def test_errors_have_coheres_form() -> None:
    refused = msgspec.json.decode(CHAT.render_error(InvalidRequest("Not so."), "req"))
    assert refused == {"id": "req", "message": "Not so."}
    error = ProviderError("Too long.", upstream_status=400, error_type="TOO_MANY_TOKENS")
    body = msgspec.json.decode(CHAT.render_error(error, "req"))
    assert body["error_type"] == "TOO_MANY_TOKENS"


def test_errors_of_servers_are_read_whatever_their_form() -> None:
    messages = {b'{"message":"a"}': "a", b'{"error":{"message":"b"}}': "b", b'{"detail":"c"}': "c"}
    assert {body: CHAT.parse_error(400, body).message for body in messages} == messages
    assert "502" in CHAT.parse_error(502, b"<html>").message


def test_a_call_without_parameters_may_have_null_for_arguments() -> None:
    function = {"name": "now", "arguments": "null"}
    message = {
        "role": "assistant",
        "tool_calls": [{"id": "a", "type": "function", "function": function}],
    }
    choice = read({"message": message, "finish_reason": "TOOL_CALL"})
    assert choice.message.parts == (ToolCall("a", "now", ""),)
