"""Losses of Claude's answers for clients of other vendors."""

import json
from typing import Any

from jackfield.dialects import installed
from jackfield.events import Ended, Finished, Started, StreamEvent, TextDelta
from jackfield.losses import lost_in_answer
from jackfield.messages import ChatRequest, ChatResponse, Choice, Message, Text
from jackfield.testing import FakeUpstream, Gate, run_gateway

MESSAGES = installed("anthropic.messages")
CONTAINER = {"id": "container_1", "expires_at": "2026-05-08T20:54:01Z"}
REFUSED = {"stop_reason": "refusal", "stop_details": {"category": "cyber", "explanation": "No."}}
CALLER = {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}
LOGPROBS = {"content": [{"token": "a", "logprob": -0.1, "bytes": None, "top_logprobs": []}]}
REQUEST = ChatRequest("m", (Message("user", (Text("Hi"),)),))
BODY = {"model": "up/claude-x", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}


def tool_use(caller: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "caller": caller}


def answer(*content: Any, **members: Any) -> dict[str, Any]:
    usage = {"input_tokens": 2, "output_tokens": 1, "service_tier": "standard"}
    common = {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage, **members}
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "c", **common} | {
        "content": [{"type": "text", "text": "a"}, *content]
    }


def events(**members: Any) -> list[bytes]:
    begun = {**answer(), "content": [], "stop_reason": None}
    wire = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", **members}},
        {"type": "message_stop"},
    ]
    return [b"data: " + json.dumps(one).encode() + b"\n\n" for one in wire]


def table(upstream: FakeUpstream) -> str:
    return f"""
[server]
front_doors = ["anthropic", "openai"]
[providers.up]
use = "anthropic"
base_url = "{upstream.base_url}"
"""


async def header(
    upstream: FakeUpstream, message: dict[str, Any], path: str, **fields: Any
) -> str | None:
    upstream.reply(json.dumps(message).encode())
    async with run_gateway(table(upstream)) as gateway:
        response = await gateway.post(path, json={"model": "up/claude-x", **fields})
        assert response.status == 200
        return response.headers.get("x-jackfield-loss")


async def test_what_a_chat_client_lacks_of_an_answer_is_named(upstream: FakeUpstream) -> None:
    message = answer(tool_use(CALLER), container=CONTAINER, **REFUSED)
    lost = await header(upstream, message, "/v1/chat/completions", **BODY)
    names = [f"anthropic.messages.{one}" for one in ("container", "stop_details", "caller")]
    assert sorted((lost or "").split(", ")) == sorted(names)


async def test_what_carries_no_information_is_not_a_loss(upstream: FakeUpstream) -> None:
    message = answer(
        tool_use({"type": "direct"}), stop_details=None, context_management={"edits": []}
    )
    assert await header(upstream, message, "/v1/chat/completions", **BODY) is None


async def test_a_client_of_the_same_dialect_lacks_nothing(upstream: FakeUpstream) -> None:
    message = answer(tool_use(CALLER), container=CONTAINER, **REFUSED)
    assert await header(upstream, message, "/anthropic/v1/messages", **BODY) is None


async def test_plugins_know_what_a_stream_lost_after_its_head(upstream: FakeUpstream) -> None:
    gate, sent = Gate(), events(container=CONTAINER)
    upstream.stream([b"".join(sent[:3]), b"".join(sent[3:])], gate=gate, at=1)
    recorder = '[plugins.notes]\nuse = "recorder"'
    async with run_gateway(table(upstream) + recorder) as gateway:
        response = await gateway.post("/v1/chat/completions", json={**BODY, "stream": True})
        gate.open()
        assert b"[DONE]" in await response.read()
        over = gateway.plugin("notes").of("post_response")[0]
    assert "x-jackfield-loss" not in response.headers
    lost = [loss.feature for loss in over.exchange.losses]
    assert lost == ["anthropic.messages.container"]


def test_log_probabilities_are_named_whole_and_streamed() -> None:
    choice = Choice(Message("assistant", (Text("a"),)), "stop", logprobs=LOGPROBS)
    whole = MESSAGES.render_response(ChatResponse("c", "m", (choice,)), REQUEST)
    assert [loss.feature for loss in whole.losses] == ["logprobs"]
    renderer = MESSAGES.stream_renderer(REQUEST)
    pieces = (TextDelta(0, "a", logprobs=LOGPROBS), TextDelta(0, "b", logprobs=LOGPROBS))
    stream: tuple[StreamEvent, ...] = (Started("c", "m"), *pieces, Finished("stop"), Ended())
    for event in stream:
        renderer.render(event)
    assert [loss.feature for loss in renderer.losses] == ["logprobs"]


def test_a_turn_that_is_not_over_is_named_whole_and_streamed() -> None:
    chat = installed("openai.chat")
    body = json.dumps(answer(stop_reason="pause_turn")).encode()
    whole = MESSAGES.parse_response(body)
    named = [one.feature for one in lost_in_answer(whole, MESSAGES, chat)]
    assert named == ["anthropic.messages.stop_reason"]
    again = json.loads(MESSAGES.render_response(whole, REQUEST).body)
    assert again["stop_reason"] == "pause_turn"
    parser = MESSAGES.stream_parser()
    read = [one for event in events(stop_reason="pause_turn") for one in parser.feed(event)]
    found = [one.feature for each in read for one in lost_in_answer(each, MESSAGES, chat)]
    assert found == named
