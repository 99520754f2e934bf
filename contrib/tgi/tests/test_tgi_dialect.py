"""Both forms of the protocol obey the laws of dialects."""

from jackfield.testing import check_dialect
from jackfield_tgi import COMPAT, GENERATE

REQUEST = {"inputs": "Hello", "parameters": {"max_new_tokens": 8, "details": True}}
DETAILS = {
    "finish_reason": "eos_token",
    "generated_tokens": 2,
    "seed": None,
    "prefill": [],
    "tokens": [
        {"id": 7, "text": "Grüße", "logprob": -0.5, "special": False},
        {"id": 2, "text": "</s>", "logprob": 0.0, "special": True},
    ],
}
ANSWER = {"generated_text": "Grüße", "details": DETAILS}
STREAM = (
    'data:{"index":1,"token":{"id":7,"text":"Grüße","logprob":-0.5,"special":false},'
    '"generated_text":null,"details":null}\n\n'
    'data:{"index":2,"token":{"id":2,"text":"</s>","logprob":0,"special":true},'
    '"generated_text":"Grüße","details":{"finish_reason":"eos_token","generated_tokens":2,'
    '"input_length":4,"seed":null}}\n\n'
).encode()

test_laws = check_dialect(GENERATE, requests=[REQUEST], answers=[ANSWER], streams=[STREAM])
test_laws_of_the_root = check_dialect(COMPAT, requests=[REQUEST], answers=[ANSWER])
