"""What is named to clients of other vendors as missing from OpenAI's answers."""

import json
from typing import Any

import pytest

from jackfield import sse
from jackfield.dialects import Dialect, installed
from jackfield.events import StreamEvent
from jackfield.losses import lost_in_answer
from jackfield.messages import ChatRequest, ChatResponse, Choice, Message, Text

CHAT, RESPONSES = installed("openai.chat"), installed("openai.responses")
CLAUDE = installed("anthropic.messages")
MESSAGE = {"role": "assistant", "content": "a"}
FILTERED = {"hate": {"filtered": False, "severity": "low"}}
JUDGED = {"input": None, "output": {"type": "moderation_result", "flagged": True}}
COUNTS: dict[str, Any] = {"prompt_tokens": 1, "completion_tokens": 5, "total_tokens": 6}
PREDICTED = {"accepted_prediction_tokens": 3, "rejected_prediction_tokens": 0}
REQUEST = ChatRequest("m", (Message("user", (Text("Hi"),)),))


def chat(usage: Any = COUNTS, choice: Any = None, **members: Any) -> bytes:
    choices = [{"index": 0, "message": MESSAGE, "finish_reason": "stop", **(choice or {})}]
    common = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": usage}
    return json.dumps({**common, "choices": choices, **members}).encode()


def response(**members: Any) -> bytes:
    common = {
        "id": "resp_1",
        "status": "completed",
        "model": "m",
        "temperature": 1.0,
        "store": True,
    }
    return json.dumps({**common, "output": [], "tools": [{"type": "function"}], **members}).encode()


def lost(answer: Any, source: Dialect, target: Dialect) -> list[str]:
    return [one.feature for one in lost_in_answer(answer, source, target)]


@pytest.mark.parametrize(
    ("members", "features"),
    [
        ({"system_fingerprint": "fp_1", "service_tier": "default", "x_groq": {"id": "r"}}, []),
        ({"service_tier": "flex"}, ["service_tier"]),
        (
            {"prompt_filter_results": [{"content_filter_results": FILTERED}]},
            ["prompt_filter_results"],
        ),
        ({"choice": {"content_filter_results": FILTERED}}, ["content_filter_results"]),
        ({"moderation": JUDGED}, ["moderation"]),
        ({"usage": {**COUNTS, "queue_time": 0.1}}, []),
        (
            {"usage": {**COUNTS, "completion_tokens_details": PREDICTED}},
            ["accepted_prediction_tokens"],
        ),
    ],
)
def test_members_unknown_to_chat_are_lost(members: Any, features: list[str]) -> None:
    answer = CHAT.parse_response(chat(**members))
    assert lost(answer, CHAT, CLAUDE) == [f"openai.chat.{one}" for one in features]


def test_a_response_loses_what_does_not_repeat_its_request() -> None:
    common = RESPONSES.parse_response(response(content_filters=[FILTERED], moderation=JUDGED))
    names = ["openai.responses.content_filters", "openai.responses.moderation"]
    assert lost(common, RESPONSES, CLAUDE) == names
    assert lost(common, RESPONSES, CHAT) == names[:1]


def test_members_of_any_chunk_and_parts_of_a_thought_are_lost() -> None:
    parser = CHAT.stream_parser()
    thought = [{"type": "text", "text": "t"}, {"type": "reference", "reference_ids": [1]}]
    thinking = {"content": [{"type": "thinking", "thinking": thought}]}
    choices: list[dict[str, Any]] = [
        {"delta": MESSAGE, "content_filter_results": FILTERED},
        {"delta": thinking, "finish_reason": None},
        {"delta": {}, "finish_reason": "stop"},
    ]
    wires = [{"id": "c", "model": "m", "choices": [{"index": 0, **one}]} for one in choices]
    events: list[StreamEvent] = []
    for wire in wires:
        events += parser.feed(sse.encode(json.dumps(wire).encode()))
    found = [one for event in events for one in lost(event, CHAT, CLAUDE)]
    assert found == ["openai.chat.content_filter_results", "openai.chat.reference"]


def test_the_references_in_a_whole_thought_are_lost() -> None:
    thought = [{"type": "text", "text": "t"}, {"type": "reference", "reference_ids": [1]}]
    part = {"type": "thinking", "thinking": thought}
    body = chat(choice={"message": {**MESSAGE, "content": [part]}})
    answer = CHAT.parse_response(body)
    assert lost(answer, CHAT, CLAUDE) == ["openai.chat.reference"]
    assert json.loads(CHAT.render_response(answer, REQUEST).body)["choices"][0]["message"] == {
        **MESSAGE,
        "content": [part],
    }


def test_long_ids_of_chats_that_differ_in_their_ends_stay_different() -> None:
    choice = Choice(Message("assistant", (Text("a"),)), "stop")
    ids = set()
    for end in ("1", "2"):
        answer = ChatResponse("chatcmpl-" + "x" * 60 + end, "m", (choice,))
        common = json.loads(RESPONSES.render_response(answer, REQUEST).body)
        ids |= {common["id"], common["output"][0]["id"]}
    assert len(ids) == 4
    assert max(map(len, ids)) <= 64
