"""Google's thought signatures in its OpenAI-compatible API."""

from typing import Any

import msgspec

from jackfield import sse
from jackfield.events import ReasoningDelta
from jackfield.messages import ChatRequest, Reasoning, ToolCall
from jackfield_openai.endpoints import CHAT

SIGNED = {"google": {"thought_signature": "CiQB"}}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "f", "arguments": "{}"},
    "extra_content": SIGNED,
}
PLAIN = {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{}"}}
MESSAGE = {"role": "assistant", "content": None, "tool_calls": [CALL, PLAIN]}


def body_of(message: dict[str, Any]) -> bytes:
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    tree = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return msgspec.json.encode(tree)


def test_a_signed_call_is_a_thought_before_the_call() -> None:
    parts = CHAT.parse_response(body_of(MESSAGE)).choices[0].message.parts
    thought, call, other = parts
    assert isinstance(thought, Reasoning)
    assert isinstance(call, ToolCall)
    assert isinstance(other, ToolCall)
    assert (thought.text, thought.signature) == ("", "CiQB")
    assert thought.extensions["gemini.generate_content"] == {"$of": "next"}
    assert "extra_content" not in call.extensions.get("openai.chat", {})


def test_the_signature_goes_back_to_where_it_was() -> None:
    rendered = CHAT.render_response(CHAT.parse_response(body_of(MESSAGE)), ChatRequest("m", ()))
    assert msgspec.json.decode(rendered.body)["choices"][0]["message"] == MESSAGE
    tree = {"model": "m", "messages": [MESSAGE]}
    again = CHAT.render_request(CHAT.parse_request(tree, {}))
    assert msgspec.json.decode(again.body) == tree
    assert again.losses == ()


def test_a_signature_on_the_message_stays_on_the_message() -> None:
    message = {"role": "assistant", "content": None, "extra_content": SIGNED, "tool_calls": [PLAIN]}
    tree = {"model": "m", "messages": [message]}
    request = CHAT.parse_request(tree, {})
    assert isinstance(request.messages[0].parts[0], Reasoning)
    assert msgspec.json.decode(CHAT.render_request(request).body) == tree


def test_extra_content_without_a_signature_is_carried() -> None:
    call = {**PLAIN, "extra_content": {"google": {"thought": True}}}
    tree = {"model": "m", "messages": [{**MESSAGE, "tool_calls": [call]}]}
    request = CHAT.parse_request(tree, {})
    assert len(request.messages[0].parts) == 1
    assert msgspec.json.decode(CHAT.render_request(request).body) == tree


def test_a_streamed_signature_comes_before_its_call_and_goes_back_with_it() -> None:
    delta = {"role": "assistant", "tool_calls": [{"index": 0, **CALL}]}
    choice = {"index": 0, "delta": delta, "finish_reason": "tool_calls"}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    wire = sse.encode(msgspec.json.encode({**chunk, "choices": [choice]}))
    events = CHAT.stream_parser().feed(wire)
    thought = next(event for event in events if isinstance(event, ReasoningDelta))
    assert thought.signature == "CiQB"
    renderer = CHAT.stream_renderer(ChatRequest("m", ()))
    again = b"".join(map(renderer.render, events))
    assert again.count(b'"thought_signature":"CiQB"') == 1
    datas = [msgspec.json.decode(sse.data_of(event) or b"") for event in sse.split(again)]
    calls = [c["choices"][0]["delta"].get("tool_calls") for c in datas]
    assert next(filter(None, calls))[0]["extra_content"] == SIGNED
