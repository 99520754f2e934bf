"""Whole answers, read and written, and what is lost on the way."""

import json
from typing import Any

import pytest

from jackfield.messages import (
    ChatResponse,
    Choice,
    FinishReason,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from jackfield_tgi import COMPAT, GENERATE


def written(response: ChatResponse, **parameters: Any) -> tuple[Any, list[str]]:
    """The answer to a client that has sent `parameters`, and what was lost."""
    request = GENERATE.parse_request({"inputs": "Hello", "parameters": parameters}, {})
    rendered = GENERATE.render_response(response, request)
    return json.loads(rendered.body), [loss.feature for loss in rendered.losses]


def answer_of(
    *parts: Part, reason: FinishReason = "stop", detail: str | None = None
) -> ChatResponse:
    choice = Choice(Message("assistant", parts), reason, detail)
    return ChatResponse("id", "m", (choice,), Usage(3, 2))


@pytest.mark.parametrize(
    ("word", "reason"),
    [("length", "length"), ("eos_token", "stop"), ("stop_sequence", "stop")],
)
def test_why_an_answer_ended_comes_back_the_same(word: str, reason: str) -> None:
    answer = {"generated_text": "Hi", "details": {"finish_reason": word, "generated_tokens": 2}}
    read = GENERATE.parse_response(json.dumps(answer).encode())
    assert (read.choices[0].finish_reason, read.choices[0].finish_detail) == (reason, word)
    again, losses = written(read, details=True)
    assert again["details"]["finish_reason"] == word
    assert again["details"]["generated_tokens"] == 2
    assert losses == []


def test_an_unknown_reason_is_another() -> None:
    body = b'{"generated_text":"Hi","details":{"finish_reason":"bored","generated_tokens":2}}'
    assert GENERATE.parse_response(body).choices[0].finish_reason == "other"


def test_an_answer_without_details_has_no_usage() -> None:
    read = GENERATE.parse_response(b'{"generated_text":"Hi","details":null}')
    assert (read.choices[0].finish_reason, read.usage) == ("stop", None)


def test_the_prompt_is_counted_where_the_server_reports_its_tokens() -> None:
    details = {
        "finish_reason": "length",
        "generated_tokens": 1,
        "prefill": [{"id": 1, "text": "<s>", "logprob": None}, {"id": 2, "text": "A"}],
    }
    body = json.dumps({"generated_text": "B", "details": details}).encode()
    assert GENERATE.usage(body) == Usage(2, 1)


def test_probabilities_come_back_the_same() -> None:
    entry = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}
    logprobs = {"content": [{**entry, "top_logprobs": [entry]}]}
    choice = Choice(Message("assistant", (Text("Hi"),)), "stop", "eos_token", logprobs)
    answer, _ = written(ChatResponse("", "", (choice,), Usage(0, 1)), details=True, top_n_tokens=1)
    token = {"id": 0, "text": "Hi", "logprob": -0.5, "special": False}
    assert (answer["details"]["tokens"], answer["details"]["top_tokens"]) == ([token], [[token]])
    assert GENERATE.parse_response(json.dumps(answer).encode()).choices[0].logprobs == logprobs


@pytest.mark.parametrize(
    ("part", "text", "feature"),
    [
        (Refusal("No."), "Hi.No.", "refusals"),
        (Reasoning("Hm."), "Hi.", "reasoning"),
        (ToolCall("1", "weather", "{}"), "Hi.", "tool_calls"),
    ],
)
def test_what_is_no_text_is_named(part: Part, text: str, feature: str) -> None:
    answer, losses = written(answer_of(Text("Hi."), part))
    assert answer == {"generated_text": text, "details": None}
    assert losses == [feature]


def test_one_answer_of_several_is_given() -> None:
    one = answer_of(Text("One")).choices[0]
    two = answer_of(Text("Two")).choices[0]
    answer, losses = written(ChatResponse("", "", (one, two)), details=True)
    assert answer["generated_text"] == "One"
    assert losses == ["n"]


def test_an_answer_stands_in_an_array_where_tgi_has_it_so() -> None:
    request = COMPAT.parse_request({"inputs": "Hello"}, {})
    rendered = COMPAT.render_response(answer_of(Text("Hi.")), request)
    assert json.loads(rendered.body) == [{"generated_text": "Hi.", "details": None}]
    assert COMPAT.usage(rendered.body) is None
