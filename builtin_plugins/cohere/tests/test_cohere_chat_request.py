"""Chat requests: Cohere's own words, and what they are in the canonical form."""

from typing import Any

import msgspec
import pytest

from jackfield import json_spans
from jackfield.errors import InvalidRequest
from jackfield.messages import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    ReasoningRequest,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from jackfield_cohere.endpoints import CHAT

HI: Any = [{"role": "user", "content": "hi"}]
FULL: Any = {
    "model": "command-a",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "hi", "x": 1}]},
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}],
            "tool_plan": "Look it up.",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
            "citations": [
                {"start": 0, "end": 3, "text": "Yes", "sources": [], "content_index": 1},
                {"start": 0, "end": 1, "text": "L", "sources": [], "type": "PLAN"},
            ],
        },
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": [{"type": "document", "document": {"id": "d", "data": {"k": "v"}}}],
        },
        {"role": "user", "content": "Go on."},
    ],
    "documents": ["plain", {"id": "1", "data": {"title": "T", "text": "x"}}, {"data": {"n": 1}}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "strict_tools": True,
    "tool_choice": "REQUIRED",
    "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
    "thinking": {"type": "enabled", "token_budget": 500},
    "safety_mode": "STRICT",
    "citation_options": {"mode": "FAST"},
    "stop_sequences": ["END"],
    "temperature": 0,
    "p": 0.5,
    "k": 3,
    "seed": 7,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "max_tokens": 50,
    "logprobs": True,
    "priority": 1,
    "stream": False,
}


def parse(**members: Any) -> ChatRequest:
    request = CHAT.parse_request({"model": "m", "messages": HI, **members}, {})
    assert isinstance(request, ChatRequest)
    return request


def render(request: ChatRequest) -> tuple[Any, dict[str, str]]:
    rendered = CHAT.render_request(request)
    return msgspec.json.decode(rendered.body), {one.feature: one.how for one in rendered.losses}


def render_parts(*parts: Part, **members: Any) -> tuple[Any, dict[str, str]]:
    return render(ChatRequest("m", (Message("user", parts),), **members))


def test_a_request_with_everything_survives_the_canonical_form() -> None:
    body, losses = render(CHAT.parse_request(FULL, {}))
    citations = body["messages"][2]["citations"]
    assert sorted(citations, key=str) == sorted(FULL["messages"][2]["citations"], key=str)
    body["messages"][2]["citations"] = FULL["messages"][2]["citations"]
    assert body == FULL
    assert losses == {}


def test_coheres_words_have_their_canonical_meaning() -> None:
    request = CHAT.parse_request(FULL, {})
    assert (request.top_p, request.top_k, request.stop) == (0.5, 3, ("END",))
    assert request.tool_choice == ToolChoice("required")
    assert request.response_format == ResponseFormat("json_schema", schema={"type": "object"})
    assert request.reasoning == ReasoningRequest(budget_tokens=500)
    assert request.include_usage
    tool = request.tools[0]
    assert isinstance(tool, Tool)
    assert tool.strict is True


def test_documents_stand_before_the_last_question() -> None:
    question = CHAT.parse_request(FULL, {}).messages[-1]
    texts = [part.text for part in question.parts if isinstance(part, Document)]
    assert texts == ["plain", "x", '{"n":1}']
    assert isinstance(question.parts[-1], Text)


def test_a_document_is_called_by_its_title_or_else_by_its_id() -> None:
    named = [{"id": "1", "data": {"title": "T"}}, {"id": "2", "data": "x"}]
    tree = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "documents": named}
    parts = CHAT.parse_request(tree, {}).messages[-1].parts
    assert [part.name for part in parts if isinstance(part, Document)] == ["T", "2"]


def test_a_plan_is_a_thought_that_is_not_shown() -> None:
    thought = CHAT.parse_request(FULL, {}).messages[2].parts[0]
    assert isinstance(thought, Reasoning)
    assert (thought.text, thought.encrypted) == ("", "Look it up.")


def test_a_tools_document_is_text_to_everyone_else() -> None:
    result = CHAT.parse_request(FULL, {}).messages[3].parts[0]
    assert isinstance(result, ToolResult)
    assert isinstance(result.parts[0], Text)
    assert result.parts[0].text == '{"k":"v"}'


@pytest.mark.parametrize(
    ("thinking", "meaning"),
    [
        ({"type": "disabled"}, ReasoningRequest(effort="none")),
        ({"type": "enabled"}, ReasoningRequest(effort="medium")),
    ],
)
def test_thinking_is_an_effort(thinking: Any, meaning: ReasoningRequest) -> None:
    request = parse(thinking=thinking)
    assert request.reasoning == meaning
    assert render(request)[0]["thinking"] == thinking


@pytest.mark.parametrize(
    ("requested", "thinking"),
    [
        (ReasoningRequest(effort="none"), {"type": "disabled"}),
        (ReasoningRequest(effort="low"), {"type": "enabled", "token_budget": 2048}),
        (ReasoningRequest(effort="high"), {"type": "enabled"}),
        (ReasoningRequest(budget_tokens=9), {"type": "enabled", "token_budget": 9}),
        (ReasoningRequest(budget_tokens=0), {"type": "disabled"}),
        (ReasoningRequest(summary="auto"), None),
    ],
)
def test_an_effort_is_a_budget(requested: ReasoningRequest, thinking: Any) -> None:
    assert render_parts(Text("hi"), reasoning=requested)[0].get("thinking") == thinking


def test_a_choice_among_tools_offers_only_these() -> None:
    tools = (Tool("a", parameters={"type": "object"}), Tool("b"))
    body, losses = render_parts(Text("hi"), tools=tools, tool_choice=ToolChoice("required", ("b",)))
    assert [tool["function"]["name"] for tool in body["tools"]] == ["b"]
    assert body["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert body["tool_choice"] == "REQUIRED"
    assert losses == {"tool_choice.names": "approximated"}


def test_a_choice_among_tools_leaves_no_hosted_tool_out_in_silence() -> None:
    tools = (Tool("b"), Opaque("gemini.generate_content", "googleSearch", {}))
    _, losses = render_parts(Text("hi"), tools=tools, tool_choice=ToolChoice("auto", ("b",)))
    assert losses == {"tool_choice.names": "approximated", "tools.googleSearch": "dropped"}


def test_the_one_tool_that_must_be_called_is_not_named() -> None:
    choice = ToolChoice("required", ("b",))
    body, losses = render_parts(Text("hi"), tools=(Tool("b"),), tool_choice=choice)
    assert body["tool_choice"] == "REQUIRED"
    assert losses == {"tool_choice.names": "approximated"}


def test_a_text_document_goes_beside_the_messages() -> None:
    body, losses = render_parts(
        Document(data="SGk=", media_type="text/plain", name="a.txt"), Text("?")
    )
    assert body["documents"] == [{"id": "doc:0", "data": {"title": "a.txt", "text": "Hi"}}]
    assert body["messages"] == [{"role": "user", "content": "?"}]
    assert losses == {"documents.text": "approximated"}


@pytest.mark.parametrize(
    ("part", "feature"),
    [
        (Document(data="AA==", media_type="application/pdf"), "documents"),
        (Document(url="https://example.com/a.pdf"), "documents.url"),
        (Document(file_id="f"), "documents.file_id"),
        (Audio(data="AA==", format="wav"), "audio"),
        (Image(file_id="f"), "images.file_id"),
    ],
)
def test_what_cohere_cannot_see_breaks_the_question(part: Part, feature: str) -> None:
    rendered = CHAT.render_request(ChatRequest("m", (Message("user", (part, Text("?"))),)))
    assert [(one.feature, one.breaks) for one in rendered.losses] == [(feature, True)]


def test_what_cohere_has_no_words_for_is_named() -> None:
    _, losses = render_parts(
        Text("hi"),
        n=2,
        logit_bias={"1": 2},
        top_logprobs=3,
        parallel_tool_calls=False,
        metadata={"a": "b"},
        service_tier="flex",
        user="u",
        modalities=("text", "audio"),
        extensions={"openai.chat": {"verbosity": "low", "$stop": "x", "prompt_cache_key": "k"}},
    )
    assert losses == dict.fromkeys(
        (
            *("n", "logit_bias", "logprobs", "parallel_tool_calls", "metadata", "service_tier"),
            *("user", "audio", "openai.chat.verbosity"),
        ),
        "dropped",
    )


def test_an_image_from_a_tool_follows_the_results() -> None:
    call = Message("assistant", (ToolCall("a", "f", ""), ToolCall("b", "f", "{}")))
    image = Image(data="AA==", media_type="image/png")
    results = [
        Message("tool", (ToolResult("a", (image,)),)),
        Message("tool", (ToolResult("b", (Text("ok"),)),)),
    ]
    body, losses = render(ChatRequest("m", (Message("user", (Text("go"),)), call, *results)))
    assert [message["role"] for message in body["messages"]] == [
        *("user", "assistant", "tool", "tool", "user")
    ]
    assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert losses == {"tool_results.media": "approximated"}


def test_another_vendors_proof_is_named_and_its_text_thought() -> None:
    thought = Reasoning("Hm.", signature="s", extensions={"anthropic.messages": {}})
    message = Message("assistant", (thought, Text("Yes.")))
    body, losses = render(ChatRequest("m", (message,)))
    assert body["messages"][0]["content"][0] == {"type": "thinking", "thinking": "Hm."}
    assert losses == {"reasoning.signature": "dropped"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "robot"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, None),
        ({"model": ""}, "model"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"documents": [3]}, "documents[0]"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"thinking": True}, "thinking"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_what_has_no_meaning_is_refused_by_its_name(
    members: dict[str, Any], param: str | None
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(**members)
    assert refused.value.param == (param or "messages[0].content[0].text")


def test_peek_reads_what_the_kernel_needs() -> None:
    peek = CHAT.peek({"model": "m", "messages": [], "stream": True, "max_tokens": 5}, {})
    assert (peek.model, peek.stream, peek.max_tokens) == ("m", True, 5)
    with pytest.raises(InvalidRequest):
        CHAT.peek({"messages": []}, {})


def test_hooks_find_every_text_of_a_request() -> None:
    spans = json_spans.texts(msgspec.json.encode(FULL), CHAT.request_texts)
    assert {span.value for span in spans} == {
        *("Be brief.", "hi", "Hm.", "Yes.", "Look it up.", "v", "Go on.", "plain", "T", "x"),
    }
