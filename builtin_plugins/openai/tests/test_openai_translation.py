"""One of OpenAI's dialects translated into the other: each behaviour by a small case."""

from typing import Any

import msgspec
import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from jackfield import sse
from jackfield.dialects import Dialect
from jackfield.events import Ended, Finished, ReasoningDelta, Started, TextDelta
from jackfield.messages import ChatResponse, Choice, Message, Reasoning, Text
from jackfield_openai.chat import ChatDialect
from jackfield_openai.responses import ResponsesDialect

CHAT, RESPONSES = ChatDialect(), ResponsesDialect()
HI: dict[str, Any] = {"model": "m", "input": "hi"}
HELLO: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


TOOL: dict[str, Any] = {"type": "function", "name": "f", "parameters": {"type": "object"}}
CALLED = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}


def translate_request(
    tree: dict[str, Any], source: Dialect, target: Dialect
) -> tuple[Any, list[str]]:
    rendered = target.render_request(source.parse_request(tree, {}))
    return msgspec.json.decode(rendered.body), [loss.feature for loss in rendered.losses]


def to_chat(**members: Any) -> tuple[Any, list[str]]:
    return translate_request({"model": "m", "input": "hi", **members}, RESPONSES, CHAT)


def to_responses(**members: Any) -> tuple[Any, list[str]]:
    return translate_request({**HELLO, **members}, CHAT, RESPONSES)


def answer(tree: dict[str, Any], source: Dialect, target: Dialect, request: Any) -> Any:
    response = source.parse_response(msgspec.json.encode(tree))
    return msgspec.json.decode(
        target.render_response(response, target.parse_request(request, {})).body
    )


def test_parallel_calls_become_one_turn_with_its_results_behind_it() -> None:
    calls = [
        {"type": "function_call", "call_id": name, "name": "f", "arguments": "{}"}
        for name in ("a", "b")
    ]
    results = [
        {"type": "function_call_output", "call_id": name, "output": name} for name in ("a", "b")
    ]
    body, losses = to_chat(input=[{"role": "user", "content": "go"}, *calls, *results])
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "tool", "tool"]
    assert [call["id"] for call in body["messages"][1]["tool_calls"]] == ["a", "b"]
    assert [m["tool_call_id"] for m in body["messages"][2:]] == ["a", "b"]
    assert losses == []


def test_a_conversation_is_such_as_openais_own_types_take_it() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    function = {"name": "f", "arguments": "{}"}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "hi"}, picture]},
        {"role": "assistant", "content": [{"type": "text", "text": t} for t in ("Hm. ", "Yes.")]},
        {"role": "user", "content": ""},
        {
            "role": "assistant",
            "content": "Wait.",
            "tool_calls": [{"id": "a", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "a", "content": ""},
    ]
    body, losses = to_responses(messages=messages)
    TypeAdapter(ResponseCreateParamsNonStreaming).validate_python(body)
    contents = [item.get("content", item.get("output")) for item in body["input"]]
    assert contents[1:] == ["Hm. Yes.", "", "Wait.", None, ""]
    assert losses == []


def test_a_choice_among_tools_that_only_the_provider_has_is_refused() -> None:
    hosted = [{"type": "mcp", "server_label": "s"}]
    choice = {"type": "allowed_tools", "mode": "required", "tools": hosted}
    body, losses = to_chat(tool_choice=choice, tools=[{"type": "function", "name": "f"}])
    assert "tool_choice" not in body
    assert losses == ["openai.responses.tool_choice"]


def test_the_voice_of_an_answer_is_lost_with_its_sound() -> None:
    turn = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    rendered = RESPONSES.render_request(CHAT.parse_request({**HELLO, **turn}, {}))
    assert [(loss.feature, loss.breaks) for loss in rendered.losses] == [("audio", False)]
    assert translate_request({**HELLO, **turn}, CHAT, CHAT) == ({**HELLO, **turn}, [])


def test_empty_members_are_no_loss() -> None:
    assert to_responses(presence_penalty=0, frequency_penalty=0.0, stop=[])[1] == []
    thinking = {"effort": "low", "summary": None, "generate_summary": None}
    form = {"format": {"type": "text"}, "verbosity": None}
    assert to_chat(reasoning=thinking, text=form)[1] == []


def test_members_with_the_usual_value_are_no_loss() -> None:
    tool = {**TOOL, "allowed_callers": ["direct"], "async": False, "defer_loading": None}
    call = {**CALLED, "caller": {"type": "direct"}}
    assert to_chat(tools=[tool], input=[call])[1] == []


def test_a_search_that_is_requested_without_settings_is_a_loss() -> None:
    assert to_responses(web_search_options={})[1] == ["openai.chat.web_search_options"]


def test_an_earlier_answer_that_is_more_than_text_is_one_of_openais_types() -> None:
    parts = [{"type": "text", "text": "Hm."}, {"type": "refusal", "refusal": "No."}]
    turn = {"role": "assistant", "content": parts}
    body, losses = to_responses(messages=[*HELLO["messages"], turn])
    TypeAdapter(ResponseCreateParamsNonStreaming).validate_python(body)
    assert body["input"][1]["id"] == "msg_2"
    assert losses == []


def test_alternatives_of_tokens_are_sent_only_where_tokens_are() -> None:
    body, losses = to_chat(top_logprobs=2)
    assert "top_logprobs" not in body
    assert losses == ["openai.responses.top_logprobs"]


def test_instructions_become_the_system_message() -> None:
    body, _ = to_chat(instructions="Be brief.")
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]


def test_what_both_know_under_other_names_or_places_is_carried() -> None:
    body, losses = to_chat(
        max_output_tokens=19,
        text={
            "verbosity": "low",
            "format": {"type": "json_schema", "name": "n", "schema": {"a": 1}, "strict": True},
        },
        reasoning={"effort": "high"},
        prompt_cache_key="k",
        safety_identifier="s",
        include=["message.output_text.logprobs"],
        top_logprobs=2,
    )
    assert (body["verbosity"], body["reasoning_effort"]) == ("low", "high")
    assert body["response_format"]["json_schema"] == {
        "name": "n",
        "schema": {"a": 1},
        "strict": True,
    }
    assert (body["prompt_cache_key"], body["safety_identifier"]) == ("k", "s")
    assert (body["logprobs"], body["top_logprobs"]) == (True, 2)
    assert losses == []


def test_and_back_again() -> None:
    body, losses = to_responses(
        max_completion_tokens=19,
        verbosity="low",
        reasoning_effort="high",
        prompt_cache_key="k",
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {"a": 1}}},
        logprobs=True,
        top_logprobs=2,
    )
    assert body["text"] == {
        "verbosity": "low",
        "format": {"type": "json_schema", "name": "n", "schema": {"a": 1}},
    }
    assert (body["max_output_tokens"], body["reasoning"]) == (19, {"effort": "high"})
    assert (body["prompt_cache_key"], body["top_logprobs"]) == ("k", 2)
    assert body["include"] == ["message.output_text.logprobs", "reasoning.encrypted_content"]
    assert losses == []


def test_free_form_tools_keep_their_grammar() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}
    tools = [{"type": "custom", "name": "apply_patch", "format": grammar}]
    body, losses = to_chat(tools=tools)
    custom = body["tools"][0]["custom"]
    assert custom["format"]["grammar"] == {"syntax": "lark", "definition": "start: /.+/"}
    back, _ = translate_request(body, CHAT, RESPONSES)
    assert back["tools"] == tools
    assert losses == []


@pytest.mark.parametrize(
    ("members", "loss"),
    [
        ({"previous_response_id": "resp_1"}, "conversation.server_state"),
        ({"conversation": "conv_1"}, "conversation.server_state"),
        ({"background": True}, "openai.responses.background"),
        ({"prompt": {"id": "pmpt_1"}}, "openai.responses.prompt"),
        ({"truncation": "auto"}, "openai.responses.truncation"),
        ({"max_tool_calls": 2}, "openai.responses.max_tool_calls"),
        ({"tools": [{"type": "local_shell"}]}, "tools.local_shell"),
        ({"tools": [{"type": "web_search"}]}, "tools.web_search"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "messages.item_reference"),
        ({"tools": [{**TOOL, "output_schema": {"a": 1}}]}, "openai.responses.tool.output_schema"),
        (
            {"input": [{**CALLED, "caller": {"type": "program", "caller_id": "p"}}]},
            "openai.responses.call.caller",
        ),
    ],
    ids=str,
)
def test_what_chat_cannot_do_is_lost_by_name(members: dict[str, Any], loss: str) -> None:
    assert to_chat(**members)[1] == [loss]


def test_a_coding_agents_request_is_translated_into_chat() -> None:
    body, losses = to_chat(
        instructions="You code.",
        input=[
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go"}]},
            {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
            {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": "***"},
            {"type": "custom_tool_call_output", "call_id": "a", "output": "Done"},
        ],
        tools=[
            {"type": "function", "name": "shell", "parameters": {"type": "object"}},
            {"type": "custom", "name": "apply_patch", "format": {"type": "text"}},
        ],
        include=["reasoning.encrypted_content"],
        store=False,
        stream=True,
        parallel_tool_calls=True,
    )
    assert losses == ["reasoning.replay"]
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "tool"]
    call = body["messages"][2]["tool_calls"][0]
    assert call["custom"] == {"name": "apply_patch", "input": "***"}
    assert [tool["type"] for tool in body["tools"]] == ["function", "custom"]
    assert (body["store"], body["parallel_tool_calls"]) == (False, True)


def test_a_chat_answer_with_a_call_is_a_response() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    tree = {"id": "chatcmpl-1", "model": "m", "created": 1, "choices": choices}
    (item,) = answer(tree, CHAT, RESPONSES, HI)["output"]
    assert item == {
        "type": "function_call",
        "id": "fc_1_0",
        "status": "completed",
        "call_id": "call_1",
        "name": "f",
        "arguments": "{}",
    }


def test_a_response_with_a_call_is_a_chat_answer() -> None:
    item = {"type": "function_call", "id": "fc", "call_id": "a", "name": "f", "arguments": "{}"}
    tree = {"id": "resp_1", "model": "m", "status": "completed", "output": [item]}
    (choice,) = answer(tree, RESPONSES, CHAT, HELLO)["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]


def test_another_providers_proof_of_a_thought_survives_a_stateless_client() -> None:
    thought = Reasoning("hm", signature="sig", extensions={"vendor.x": {"kind": "thinking"}})
    message = Message("assistant", (thought, Text("Yes.")))
    response = ChatResponse("r", "m", (Choice(message, "stop"),))
    request = RESPONSES.parse_request(HI, {})
    output = msgspec.json.decode(RESPONSES.render_response(response, request).body)["output"]
    assert output[0]["summary"] == [{"type": "summary_text", "text": "hm"}]
    again = RESPONSES.parse_request({**HI, "input": output}, {})
    assert again.messages[0].parts[0] == thought
    assert [loss.feature for loss in RESPONSES.render_request(again).losses] == ["reasoning.replay"]


def test_the_proof_survives_in_a_stream_as_well() -> None:
    renderer = RESPONSES.stream_renderer(RESPONSES.parse_request(HI, {}))
    wire = b"".join(
        renderer.render(event)
        for event in (
            Started("r", "m"),
            ReasoningDelta(0, "hm"),
            ReasoningDelta(0, signature="sig"),
            TextDelta(1, "Yes."),
            Finished("stop"),
            Ended(),
        )
    )
    final = msgspec.json.decode(sse.data_of(sse.split(wire)[-1]) or b"")["response"]
    again = RESPONSES.parse_request({**HI, "input": final["output"]}, {})
    assert again.messages[0].parts[0] == Reasoning("hm", signature="sig")


def test_a_foreign_mark_on_encrypted_content_is_left_alone() -> None:
    item = {"type": "reasoning", "summary": [], "encrypted_content": "jackfield.%%%"}
    request = RESPONSES.parse_request({**HI, "input": [item]}, {})
    body = msgspec.json.decode(RESPONSES.render_request(request).body)
    assert body["input"] == [item]
