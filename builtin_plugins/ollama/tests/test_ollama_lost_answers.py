"""What is named to clients of other vendors as missing from Ollama's answers."""

import json
from typing import Any

from jackfield.dialects import installed
from jackfield.losses import lost_in_answer

OLLAMA, GENERATE = installed("ollama.chat"), installed("ollama.generate")
CLAUDE = installed("anthropic.messages")
TIMES = {"total_duration": 9, "load_duration": 1, "eval_duration": 3, "eval_count": 2}
DONE = {"model": "m", "created_at": "2026-08-07T06:08:11Z", "done": True, "done_reason": "stop"}


def streamed(*lines: dict[str, Any]) -> list[str]:
    parser = OLLAMA.stream_parser()
    events = [one for line in lines for one in parser.feed(json.dumps(line).encode() + b"\n")]
    return [one.feature for event in events for one in lost_in_answer(event, OLLAMA, CLAUDE)]


def test_times_and_where_it_ran_are_not_missed() -> None:
    line = {**DONE, **TIMES, "remote_model": "m", "message": {"role": "assistant", "content": "a"}}
    assert streamed(line) == []
    answer = OLLAMA.parse_response(json.dumps(line).encode())
    assert lost_in_answer(answer, OLLAMA, CLAUDE) == ()


def test_members_beside_a_text_are_lost_from_any_line() -> None:
    assistant = {"role": "assistant", "content": "a", "sources": ["s"]}
    begun = {"model": "m", "created_at": "", "done": False, "message": assistant}
    ended = {**DONE, **TIMES, "message": {"role": "assistant", "content": ""}}
    assert streamed(begun, ended) == ["ollama.chat.sources"]


def test_the_context_of_a_generation_is_lost() -> None:
    body = json.dumps({**DONE, **TIMES, "response": "a", "context": [1, 2]}).encode()
    found = lost_in_answer(GENERATE.parse_response(body), GENERATE, CLAUDE)
    assert [one.feature for one in found] == ["ollama.generate.context"]
