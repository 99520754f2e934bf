"""Chat requests: Mistral's own words, and what becomes of those of others."""

import re
from typing import Any

import msgspec
import pytest

from jackfield import json_spans
from jackfield.dialects import installed
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
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from jackfield.proofs import seal
from jackfield_mistral.call_ids import short_id
from jackfield_mistral.endpoints import CHAT

OPENAI = installed("openai.chat")
HI: Any = [{"role": "user", "content": "hi"}]
FULL: Any = {
    "model": "mistral-large",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": "https://example.com/a.png"},
                {"type": "image_url", "image_url": {"url": "https://example.com/b.png"}},
                {"type": "document_url", "document_url": "https://example.com/a.pdf"},
                {"type": "file", "file_id": "f-1"},
                {"type": "input_audio", "input_audio": "UklGRg=="},
                {"type": "input_audio", "input_audio": "https://example.com/a.mp3"},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}},
                {"type": "text", "text": "See."},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {
                    "type": "thinking",
                    "thinking": [{"type": "text", "text": "Hm."}],
                    "signature": "own",
                    "closed": True,
                },
                {"type": "text", "text": "Look"},
                {"type": "reference", "reference_ids": [1, "b"]},
            ],
            "tool_calls": [
                {
                    "id": "abcDEF123",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}"},
                    "index": 0,
                }
            ],
        },
        {"role": "tool", "tool_call_id": "abcDEF123", "name": "f", "content": "x"},
        {"role": "user", "content": "Go on."},
        {"role": "assistant", "content": "It is", "prefix": True},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "f", "parameters": {"type": "object"}, "strict": True},
        }
    ],
    "tool_choice": "any",
    "random_seed": 7,
    "safe_prompt": True,
    "prompt_mode": "reasoning",
    "reasoning_effort": "high",
    "prediction": {"type": "content", "content": "x"},
    "parallel_tool_calls": False,
    "guardrails": [{"block_on_error": True}],
    "prompt_cache_key": "k",
    "service_tier": "standard_only",
    "max_tokens": 9,
    "min_tokens": 2,
    "top_k": 5,
    "n": 2,
    "stop": ["END"],
    "stream": True,
}


def render(request: Any) -> tuple[Any, dict[str, str]]:
    rendered = CHAT.render_request(request)
    return msgspec.json.decode(rendered.body), {one.feature: one.how for one in rendered.losses}


def from_openai(**members: Any) -> tuple[Any, dict[str, str]]:
    return render(OPENAI.parse_request({"model": "m", "messages": HI, **members}, {}))


def render_parts(*parts: Part, role: Any = "user", **members: Any) -> tuple[Any, dict[str, str]]:
    return render(ChatRequest("m", (Message(role, parts),), **members))


def test_a_request_with_everything_survives_the_canonical_form() -> None:
    body, losses = render(CHAT.parse_request(FULL, {}))
    assert body == FULL
    assert losses == {}


def test_mistrals_words_have_their_canonical_meaning() -> None:
    request = CHAT.parse_request(FULL, {})
    assert (request.seed, request.max_tokens, request.top_k) == (7, 9, 5)
    assert request.tool_choice == ToolChoice("required")
    assert request.include_usage
    audio = [part for part in request.messages[1].parts if isinstance(part, Audio)]
    assert [(one.data, one.format) for one in audio] == [("UklGRg==", "wav"), ("AA==", "mp3")]
    thought = request.messages[2].parts[0]
    assert isinstance(thought, Reasoning)
    assert (thought.text, thought.signature) == ("Hm.", "own")


def test_what_only_mistral_knows_is_mistrals_to_openai() -> None:
    rendered = OPENAI.render_request(CHAT.parse_request(FULL, {}))
    body = msgspec.json.decode(rendered.body)
    known = {"safe_prompt", "prompt_mode", "guardrails", "min_tokens", "random_seed"}
    assert not known & body.keys()
    named = {loss.feature for loss in rendered.losses}
    assert named >= {f"mistral.chat.{key}" for key in known - {"random_seed"}}
    assert named >= {"mistral.chat.prefix", "messages.reference", "messages.audio_url"}


def test_openais_words_become_mistrals() -> None:
    body, losses = from_openai(
        max_completion_tokens=9,
        seed=3,
        tool_choice="required",
        stream=True,
        stream_options={"include_usage": True},
        prediction={"type": "content", "content": "x"},
        tools=[{"type": "function", "function": {"name": "f"}}],
        prompt_cache_key="k",
        user="u",
    )
    assert (body["max_tokens"], body["random_seed"], body["tool_choice"]) == (9, 3, "any")
    assert body["prediction"] == {"type": "content", "content": "x"}
    assert body["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert not {"stream_options", "user", "seed", "max_completion_tokens"} & body.keys()
    assert losses == {"user": "dropped"}


def test_what_mistral_has_no_words_for_is_named() -> None:
    _, losses = from_openai(
        logit_bias={"1": 2},
        modalities=["text", "audio"],
        store=True,
        user="u",
        service_tier="flex",
        verbosity="low",
        tools=[{"type": "custom", "custom": {"name": "c"}}],
    )
    named = ("logit_bias", "audio", "store", "service_tier", "tools.custom", "user")
    assert losses == dict.fromkeys((*named, "openai.chat.verbosity"), "dropped")


def test_calls_and_results_stay_pairs_under_short_ids() -> None:
    calls = tuple(ToolCall(f"toolu_0{i}", "f", "{}") for i in range(3))
    results = tuple(ToolResult(call.id, (Text("x"),)) for call in calls)
    request = ChatRequest("m", (Message("assistant", calls), Message("tool", results)))
    messages = render(request)[0]["messages"]
    ids = [call["id"] for call in messages[0]["tool_calls"]]
    assert [message["tool_call_id"] for message in messages[1:]] == ids
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"[a-zA-Z0-9]{9}", identity) for identity in ids)
    assert short_id(ids[0]) == ids[0]


@pytest.mark.parametrize("identity", ["", "a" * 9, "call_Zürich-1", "\ud800"])
def test_any_id_has_a_short_one(identity: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9]{9}", short_id(identity))
    assert short_id(identity) == short_id(identity)


def test_a_question_after_a_result_waits_for_an_answer() -> None:
    call = Message("assistant", (ToolCall("a", "f", "{}"),))
    result = Message("tool", (ToolResult("a", (Text("x"),)),))
    question = Message("user", (Text("And?"),))
    body, losses = render(ChatRequest("m", (call, result, question)))
    assert [message["role"] for message in body["messages"]] == [
        *("assistant", "tool", "assistant", "user")
    ]
    assert losses == {"messages.order": "approximated"}


def test_a_text_that_was_begun_for_the_model_is_a_prefix() -> None:
    body, _ = render_parts(Text("It is"), role="assistant")
    assert body["messages"] == [{"role": "assistant", "content": "It is", "prefix": True}]


def test_documents_and_audio_of_others_have_mistrals_form() -> None:
    body, losses = render_parts(
        Document(url="https://example.com/a.pdf", name="a.pdf"),
        Document(data="QUJD"),
        Audio(data="UklGRg==", format="wav"),
    )
    assert body["messages"][0]["content"] == [
        {
            "type": "document_url",
            "document_url": "https://example.com/a.pdf",
            "document_name": "a.pdf",
        },
        {"type": "document_url", "document_url": "data:application/pdf;base64,QUJD"},
        {"type": "input_audio", "input_audio": "UklGRg=="},
    ]
    assert losses == {}


@pytest.mark.parametrize(
    ("part", "feature"),
    [(Document(file_id="f"), "documents.file_id"), (Image(file_id="f"), "images.file_id")],
)
def test_a_file_of_another_vendor_breaks_the_question(part: Part, feature: str) -> None:
    rendered = CHAT.render_request(ChatRequest("m", (Message("user", (part, Text("?"))),)))
    assert [(one.feature, one.breaks) for one in rendered.losses] == [(feature, True)]


@pytest.mark.parametrize(
    ("model", "requested", "effort", "lost"),
    [
        ("mistral-small-latest", ReasoningRequest("high"), "high", None),
        ("mistral-small-2603", ReasoningRequest("low"), "high", "reasoning.effort"),
        ("mistral-medium-3-5", ReasoningRequest("none"), "none", None),
        (
            "mistral-medium-latest",
            ReasoningRequest(budget_tokens=9),
            "high",
            "reasoning.budget_tokens",
        ),
        ("magistral-medium-2509", ReasoningRequest("low"), None, "reasoning.effort"),
        ("mistral-large-latest", ReasoningRequest("high"), None, "reasoning"),
        ("mistral-large-latest", ReasoningRequest("none"), None, None),
        ("zai-glm-5-2", ReasoningRequest("low"), "low", None),
    ],
)
def test_an_effort_is_one_that_the_model_accepts(
    model: str, requested: ReasoningRequest, effort: str | None, lost: str | None
) -> None:
    question = (Message("user", (Text("x"),)),)
    body, losses = render(ChatRequest(model, question, reasoning=requested))
    assert body.get("reasoning_effort") == effort
    assert list(losses) == ([] if lost is None else [lost])
    own = {"model": model, "messages": HI, "reasoning_effort": "low"}
    again = CHAT.render_request(CHAT.parse_request(own, {}))
    assert msgspec.json.decode(again.body)["reasoning_effort"] == "low"


def test_a_requested_reasoning_summary_is_no_loss() -> None:
    body, losses = render_parts(
        Text("x"), reasoning=ReasoningRequest(effort="high", summary="auto")
    )
    assert body["reasoning_effort"] == "high"
    assert losses == {}


def test_a_thought_of_another_vendor_is_shown_without_its_proof() -> None:
    thought = Reasoning("Hm.", signature="sig", extensions={"anthropic.messages": {}})
    hidden = Reasoning(encrypted="x", extensions={"openai.responses": {}})
    body, losses = render_parts(
        hidden, thought, Text("Yes."), ToolCall("a", "f", "{}"), role="assistant"
    )
    assert body["messages"][0]["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Yes."},
    ]
    assert losses == {"reasoning.signature": "dropped", "reasoning.encrypted": "dropped"}


def test_a_proof_that_a_client_sends_back_is_its_vendors_again() -> None:
    thought = Reasoning("Hm.", signature="sig", extensions={"anthropic.messages": {"a": 1}})
    chunks = [{"type": "text", "text": "Hm."}]
    part = {"type": "thinking", "thinking": chunks, "signature": seal(thought)}
    message = {"role": "assistant", "content": [part]}
    request = CHAT.parse_request({"model": "m", "messages": [message]}, {})
    assert request.messages[0].parts == (thought,)


def test_a_choice_among_tools_offers_only_these() -> None:
    tools = tuple(Tool(name, parameters={"type": "object"}) for name in "abc")
    body, losses = render_parts(
        Text("x"), tools=tools, tool_choice=ToolChoice("required", ("a", "b"))
    )
    assert [tool["function"]["name"] for tool in body["tools"]] == ["a", "b"]
    assert body["tool_choice"] == "any"
    assert losses == {"tool_choice.names": "approximated"}
    hosted = (*tools, Opaque("gemini.generate_content", "googleSearch", {}))
    _, losses = render_parts(Text("x"), tools=hosted, tool_choice=ToolChoice("auto", ("a",)))
    assert losses == {"tool_choice.names": "approximated", "tools.googleSearch": "dropped"}
    body, losses = render_parts(Text("x"), tools=tools, tool_choice=ToolChoice("required", ("a",)))
    assert body["tool_choice"] == {"type": "function", "function": {"name": "a"}}
    assert losses == {}


def test_names_roles_and_custom_calls_of_others_are_adapted() -> None:
    messages = (
        Message("developer", (Text("Be brief."),)),
        Message("user", (Text("hi"),), name="Anna"),
        Message("assistant", (ToolCall("a", "f", "raw", kind="custom"),)),
    )
    body, losses = render(ChatRequest("m", messages))
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert "name" not in body["messages"][1]
    function = body["messages"][2]["tool_calls"][0]["function"]
    assert function == {"name": "f", "arguments": '{"input":"raw"}'}
    assert losses == {"messages.name": "dropped", "tools.custom": "approximated"}


def test_an_empty_answer_of_another_dialect_is_left_out() -> None:
    search = Opaque("openai.responses", "web_search_call", {})
    turns = (
        Message("assistant", (Text(""),)),
        Message("user", (Text("Hi"),)),
        Message("assistant", (search,)),
    )
    body, losses = render(ChatRequest("m", (Message("user", (Text("Hi"),)), *turns)))
    assert [message["role"] for message in body["messages"]] == ["user", "user"]
    assert losses == {"messages.web_search_call": "dropped"}


def test_parts_that_only_another_dialect_knows_are_named() -> None:
    _, losses = render_parts(Opaque("openai.chat", "video_url", {"type": "video_url"}), Text("x"))
    assert losses == {"messages.video_url": "dropped"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"random_seed": "x"}, "random_seed"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, None),
        ({"temperature": "hot"}, "temperature"),
    ],
)
def test_what_has_no_meaning_is_refused_by_its_name(
    members: dict[str, Any], param: str | None
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CHAT.parse_request({"model": "m", "messages": HI, **members}, {})
    assert refused.value.param == (param or "messages[0].content[0].text")


def test_hooks_find_every_text_of_a_request() -> None:
    spans = json_spans.texts(msgspec.json.encode(FULL), CHAT.request_texts)
    assert {span.value for span in spans} == {
        *("Be brief.", "See.", "Hm.", "Look", "x", "Go on.", "It is"),
    }
