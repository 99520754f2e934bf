"""Limits that a plugin puts on answers, in the words of every dialect."""

from typing import Any, Final

import msgspec
import pytest

from jackfield.dialects import Dialect, installed
from jackfield.endpoints import Endpoint
from jackfield.exchange import Exchange, Request

MESSAGES: Final = '"messages":[{"role":"user","content":"é \\u00e9"}]'
"""What stands for `MESSAGES` in the cases: bytes that must stay as they are."""

CASES: Final = [
    # dialect, the request, and what it becomes
    (
        "openai.chat",
        '{ "model": "m", MESSAGES}',
        '{"max_completion_tokens":77, "model": "m", MESSAGES}',
    ),
    (
        "openai.chat",
        '{"model":"m","max_tokens":null,MESSAGES}',
        '{"max_completion_tokens":77,"model":"m","max_tokens":null,MESSAGES}',
    ),
    (
        "openai.completions",
        '{"model":"m","prompt":"x"}',
        '{"max_tokens":77,"model":"m","prompt":"x"}',
    ),
    (
        "openai.responses",
        '{"model":"m","input":"x"}',
        '{"max_output_tokens":77,"model":"m","input":"x"}',
    ),
    (
        "anthropic.messages",
        '{"model":"m","max_tokens":null,MESSAGES}',
        '{"model":"m","max_tokens":77,MESSAGES}',
    ),
    (
        "gemini.generate_content",
        '{"contents":[]}',
        '{"generationConfig":{"maxOutputTokens":77},"contents":[]}',
    ),
    (
        "gemini.generate_content",
        '{"contents":[],"generation_config":{"top_k":3}}',
        '{"contents":[],"generation_config":{"maxOutputTokens":77,"top_k":3}}',
    ),
    (
        "bedrock.converse",
        '{"messages":[],"inferenceConfig":{"topP":0.5}}',
        '{"messages":[],"inferenceConfig":{"maxTokens":77,"topP":0.5}}',
    ),
    ("cohere.chat", '{"model":"m",MESSAGES}', '{"max_tokens":77,"model":"m",MESSAGES}'),
    ("mistral.chat", '{"model":"m",MESSAGES}', '{"max_tokens":77,"model":"m",MESSAGES}'),
    (
        "ollama.chat",
        '{"model":"m",MESSAGES,"options":{"num_predict":-1}}',
        '{"model":"m",MESSAGES,"options":{"num_predict":77}}',
    ),
]


def opened(dialect: Dialect, body: bytes) -> Exchange:
    params = {"model": "m"}
    peek = dialect.peek(msgspec.json.decode(body), params)
    endpoint = Endpoint("POST", "/x", dialect, dialect.operation, "inference")
    request = Request("POST", "/x", "", {}, body, params, "")
    return Exchange("r", endpoint, dialect, request, peek.model, peek.stream, peek.max_tokens)


@pytest.mark.parametrize(("name", "before", "after"), CASES)
def test_a_limit_is_put_in_place_and_every_other_byte_stays(
    name: str, before: str, after: str
) -> None:
    exchange = opened(installed(name), before.replace("MESSAGES", MESSAGES).encode())
    assert exchange.limit_output(77)
    assert exchange.request.body.decode() == after.replace("MESSAGES", MESSAGES)
    assert exchange.max_tokens == 77
    assert [change.what for change in exchange.changes] == ["output limit 77"]


@pytest.mark.parametrize(("name", "before", "after"), CASES)
def test_a_request_that_has_a_limit_keeps_it(name: str, before: str, after: str) -> None:
    after = after.replace("MESSAGES", MESSAGES)
    exchange = opened(installed(name), after.encode())
    assert not exchange.limit_output(5)
    assert exchange.request.body.decode() == after


def test_a_translated_request_has_the_limit_too() -> None:
    exchange = opened(installed("openai.chat"), CASES[0][1].replace("MESSAGES", MESSAGES).encode())
    before: Any = exchange.canonical()
    exchange.limit_output(77)
    after: Any = exchange.canonical()
    assert (before.max_tokens, after.max_tokens) == (None, 77)


def test_what_has_no_answer_in_tokens_cannot_be_limited() -> None:
    exchange = opened(installed("openai.embeddings"), b'{"model":"m","input":"x"}')
    assert not exchange.limit_output(5)


@pytest.mark.parametrize(
    "body",
    [
        b'{"contents":[],"generationConfig":{},"generation_config":{}}',
        b'{"contents":[],"generationConfig":{"maxOutputTokens":null,"max_output_tokens":null}}',
    ],
)
def test_a_limit_is_not_added_where_it_is_unknown_which_one_counts(body: bytes) -> None:
    exchange = opened(installed("gemini.generate_content"), body)
    assert not exchange.limit_output(77)
    assert (exchange.request.body, exchange.max_tokens) == (body, None)
