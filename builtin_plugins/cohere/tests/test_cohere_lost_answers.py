"""Losses of Cohere's answers for clients of other vendors."""

import json

from jackfield.dialects import installed
from jackfield.losses import lost_in_answer

COHERE, CLAUDE = installed("cohere.chat"), installed("anthropic.messages")
MESSAGE = {"role": "assistant", "content": [{"type": "text", "text": "a"}]}
BILLED = {"billed_units": {"input_tokens": 1, "output_tokens": 2}, "cached_tokens": 1}
LOGPROBS = [{"token_ids": [1], "text": "a", "logprobs": [-0.1]}]


def test_units_and_logprobs_have_a_canonical_form_and_nothing_else_is_silent() -> None:
    wire = {"id": "r", "finish_reason": "COMPLETE", "message": MESSAGE, "usage": BILLED}
    answer = COHERE.parse_response(json.dumps({**wire, "logprobs": LOGPROBS}).encode())
    assert lost_in_answer(answer, COHERE, CLAUDE) == ()
    answer = COHERE.parse_response(json.dumps({**wire, "safety": {"mode": "STRICT"}}).encode())
    found = lost_in_answer(answer, COHERE, CLAUDE)
    assert [one.feature for one in found] == ["cohere.chat.safety"]
