"""What clients of other vendors are told that they lack of Cohere's answers."""

import json

from jackfield.dialects import installed
from jackfield.losses import lost_in_answer

COHERE, CLAUDE = installed("cohere.chat"), installed("anthropic.messages")
SAID = {"role": "assistant", "content": [{"type": "text", "text": "a"}]}
BILLED = {"billed_units": {"input_tokens": 1, "output_tokens": 2}, "cached_tokens": 1}
LOGPROBS = [{"token_ids": [1], "text": "a", "logprobs": [-0.1]}]


def test_units_and_logprobs_have_a_canonical_form_and_nothing_else_is_silent() -> None:
    told = {"id": "r", "finish_reason": "COMPLETE", "message": SAID, "usage": BILLED}
    answer = COHERE.parse_response(json.dumps({**told, "logprobs": LOGPROBS}).encode())
    assert lost_in_answer(answer, COHERE, CLAUDE) == ()
    answer = COHERE.parse_response(json.dumps({**told, "safety": {"mode": "STRICT"}}).encode())
    found = lost_in_answer(answer, COHERE, CLAUDE)
    assert [one.feature for one in found] == ["cohere.chat.safety"]
