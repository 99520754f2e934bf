"""Losses of Mistral's answers for clients of other vendors."""

import json
from typing import Any

from jackfield import sse
from jackfield.dialects import installed
from jackfield.losses import lost_in_answer

MISTRAL, CLAUDE = installed("mistral.chat"), installed("anthropic.messages")
THOUGHT = [{"type": "text", "text": "t"}, {"type": "tool_reference", "title": "A page"}]
CONTENT = [{"type": "thinking", "thinking": THOUGHT, "closed": True}, {"type": "text", "text": "a"}]
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "service_tier": "standard"}
HEAD: dict[str, Any] = {"id": "c", "model": "m", "created": 1, "usage": USAGE}


def test_what_stands_in_a_thought_beside_its_text_is_lost_whole_and_streamed() -> None:
    choice = {"index": 0, "finish_reason": "stop"}
    message = {"role": "assistant", "content": CONTENT}
    body = json.dumps({**HEAD, "choices": [{**choice, "message": message}]}).encode()
    whole = lost_in_answer(MISTRAL.parse_response(body), MISTRAL, CLAUDE)
    assert [one.feature for one in whole] == ["mistral.chat.tool_reference"]
    chunk = json.dumps({**HEAD, "choices": [{**choice, "delta": message}]}).encode()
    events = MISTRAL.stream_parser().feed(sse.encode(chunk))
    found = [one for event in events for one in lost_in_answer(event, MISTRAL, CLAUDE)]
    assert [one.feature for one in found] == ["mistral.chat.tool_reference"]
