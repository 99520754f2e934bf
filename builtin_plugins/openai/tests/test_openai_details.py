"""Members that stand deep in a request or an answer: carried to the same vendor, else named."""

import json
from typing import Any

import pytest

from jackfield import sse
from jackfield.dialects import Dialect, installed
from jackfield.events import ReasoningDelta, StreamEvent
from jackfield.losses import lost_in_answer
from jackfield.messages import ChatRequest, ChatResponse, Message, Reasoning, Text

CHAT, RESPONSES = installed("openai.chat"), installed("openai.responses")
CLAUDE, MISTRAL = installed("anthropic.messages"), installed("mistral.chat")
REQUEST = ChatRequest("m", (Message("user", (Text("Hi"),)),))
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}}
OUTPUT_TEXT = {"type": "output_text", "text": "a", "annotations": []}
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "content": [OUTPUT_TEXT]}
SUMMARY = [{"type": "summary_text", "text": "Hm.", "signature": "c2ln"}]
CONTENT = [{"type": "reasoning", "summary": SUMMARY}, {"type": "text", "text": "a"}]


def losses(tree: dict[str, Any], source: Dialect, target: Dialect) -> list[str]:
    request = source.parse_request(tree, {})
    own = source.render_request(request)
    assert (json.loads(own.body), own.losses) == (tree, ())
    return [loss.feature for loss in target.render_request(request).losses]


@pytest.mark.parametrize(
    ("member", "message", "tool"),
    [
        ("message.weight", {"role": "user", "content": "a", "weight": 1}, {}),
        ("part.max_pixels", {"content": [{"type": "text", "text": "a", "max_pixels": 9}]}, {}),
        ("tool.cost", {"content": "a"}, {"cost": 1}),
        ("tool.examples", {"content": "a"}, {"function": {**FUNCTION, "examples": [1]}}),
    ],
)
@pytest.mark.parametrize("target", [CLAUDE, RESPONSES, MISTRAL])
def test_members_within_a_chat_are_named(
    member: str, message: dict[str, Any], tool: dict[str, Any], target: Dialect
) -> None:
    tools = [{"type": "function", "function": FUNCTION, **tool}]
    tree = {"model": "m", "messages": [{"role": "user", **message}], "tools": tools}
    assert f"openai.chat.{member}" in losses(tree, CHAT, target)


def test_members_of_calls_and_results_are_named_and_hints_are_not() -> None:
    text = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    earlier = [
        {"role": "user", "content": [text]},
        {"role": "assistant", "content": None, "tool_calls": [{**CALL, "index": 0, "origin": "x"}]},
        {"role": "tool", "tool_call_id": "c", "content": "r", "elapsed": 2},
    ]
    found = losses({"model": "m", "messages": earlier}, CHAT, CLAUDE)
    assert found == ["openai.chat.call.origin", "openai.chat.result.elapsed"]


def test_mistrals_members_are_named_as_its_own() -> None:
    tree = {"model": "m", "messages": [{"role": "user", "content": "a", "weight": 1}]}
    assert losses(tree, MISTRAL, CLAUDE) == ["mistral.chat.message.weight"]


def test_the_phase_of_a_message_is_named_wherever_it_stands() -> None:
    item = {**MESSAGE, "phase": "commentary", "status": "completed"}
    earlier = {**item, "content": [{"type": "output_text", "text": "a"}]}
    tree = {"model": "m", "input": [{"role": "user", "content": "a"}, earlier], "store": True}
    assert "openai.responses.message.phase" in losses(tree, RESPONSES, CLAUDE)
    item["content"] = [{**OUTPUT_TEXT, "logprobs": []}]
    answer = {"id": "r", "model": "m", "status": "completed", "output": [item]}
    read = RESPONSES.parse_response(json.dumps(answer).encode())
    named = [one.feature for one in lost_in_answer(read, RESPONSES, CLAUDE)]
    assert named == ["openai.responses.phase"]
    assert json.loads(RESPONSES.render_response(read, REQUEST).body)["output"] == [item]


def test_the_phase_of_a_streamed_message_is_named() -> None:
    item = {**MESSAGE, "phase": "commentary", "content": []}
    begun = {"type": "response.output_item.added", "output_index": 0, "item": item}
    delta = {"type": "response.output_text.delta", "delta": "a"}
    wires = [begun, {**delta, "output_index": 0, "content_index": 0, "item_id": "msg_1"}]
    parser = RESPONSES.stream_parser()
    events = [one for wire in wires for one in parser.feed(sse.encode(json.dumps(wire).encode()))]
    named = [one.feature for event in events for one in lost_in_answer(event, RESPONSES, CLAUDE)]
    assert named == ["openai.responses.phase"]


def test_thoughts_in_the_content_are_thoughts_and_come_back() -> None:
    # docs.databricks.com, "Query reasoning models"
    message = {"role": "assistant", "content": CONTENT}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    read = CHAT.parse_response(json.dumps(body).encode())
    assert isinstance(read, ChatResponse)
    thought = read.choices[0].message.parts[0]
    assert isinstance(thought, Reasoning)
    assert thought.text == "Hm."
    again = json.loads(CHAT.render_response(read, REQUEST).body)
    assert again["choices"][0]["message"]["content"] == CONTENT
    earlier = [{"role": "user", "content": "a"}, message, {"role": "user", "content": "b"}]
    assert losses({"model": "m", "messages": earlier}, CHAT, CLAUDE) == ["reasoning.replay"]


def test_streamed_thoughts_in_the_content_are_thoughts_and_come_back() -> None:
    parser, renderer = CHAT.stream_parser(), CHAT.stream_renderer(REQUEST)
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    events: list[StreamEvent] = []
    for part in CONTENT:
        choice = {"index": 0, "delta": {"content": [part]}, "finish_reason": None}
        wire = json.dumps({**chunk, "choices": [choice]}).encode()
        events += parser.feed(sse.encode(wire))
    thoughts = [one for one in events if isinstance(one, ReasoningDelta)]
    assert [one.text for one in thoughts] == ["Hm."]
    written = b"".join(map(renderer.render, events))
    deltas = [json.loads(sse.data_of(one) or b"") for one in sse.split(written)]
    contents = [one["choices"][0]["delta"].get("content") for one in deltas if one["choices"]]
    assert CONTENT[:1] in contents


@pytest.mark.parametrize("role", ["system", "developer", "user"])
@pytest.mark.parametrize("target", [CLAUDE, RESPONSES])
def test_the_name_of_who_speaks_is_named(role: str, target: Dialect) -> None:
    named = {"role": role, "content": "a", "name": "Ann"}
    tree = {"model": "m", "messages": [named, {"role": "user", "content": "b"}]}
    assert losses(tree, CHAT, target) == ["message.name"]


@pytest.mark.parametrize(
    "name",
    ["openai.chat", "openai.responses", "anthropic.messages", "bedrock.converse", "ollama.chat"],
)
def test_a_reason_to_stop_that_a_client_does_not_know_is_named(name: str) -> None:
    dialect, gemini = installed(name), installed("gemini.generate_content")
    content = {"role": "model", "parts": [{"text": "a"}]}
    wire = {"candidates": [{"content": content, "finishReason": "OTHER"}], "modelVersion": "m"}
    read = gemini.parse_response(json.dumps(wire).encode())
    whole = dialect.render_response(read, REQUEST)
    assert [loss.feature for loss in whole.losses] == ["finish_reason.other"]
    parser, renderer = gemini.stream_parser(), dialect.stream_renderer(REQUEST)
    events = [*parser.feed(sse.encode(json.dumps(wire).encode())), *parser.close()]
    for event in events:
        renderer.render(event)
    assert [loss.feature for loss in renderer.losses] == ["finish_reason.other"]


def test_how_closely_to_look_at_an_image_is_named() -> None:
    image = {"url": "data:image/png;base64,AAAA", "detail": "high"}
    message = {"role": "user", "content": [{"type": "image_url", "image_url": image}]}
    tree = {"model": "m", "messages": [message]}
    assert losses(tree, CHAT, installed("ollama.chat")) == ["images.detail"]
