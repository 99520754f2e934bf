"""Counts of tokens that cannot be true, in the answers of every vendor."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import pytest

from jackfield._tap import Tap
from jackfield.messages import Usage
from jackfield.strict_json import count_in
from jackfield_anthropic import messages_usage
from jackfield_bedrock import usage as bedrock
from jackfield_cloudflare import envelope
from jackfield_cohere import usage as cohere
from jackfield_gemini import resource_usage
from jackfield_gemini import usage as gemini
from jackfield_ollama import usage as ollama
from jackfield_openai import realtime, resource, responses_usage, usage
from jackfield_vertex.endpoints import EMBEDDINGS

ODD: Final[list[Any]] = [-1, "12", True, False, {}, [1], 12.5, 1 << 53, 1e308]
"""Counts that are no number of tokens."""


def embedded(count: Any) -> Usage | None:
    counts = [{"token_count": 50}, {"token_count": count}]
    predictions = [{"embeddings": {"values": [1], "statistics": one}} for one in counts]
    return EMBEDDINGS.usage(msgspec.json.encode({"predictions": predictions}))


READERS: Final[Mapping[str, tuple[Callable[[Any], Usage | None], int]]] = {
    "chat": (lambda n: usage.read_usage({"prompt_tokens": n}), 0),
    "responses": (lambda n: responses_usage.read_usage({"input_tokens": n}), 0),
    "openai's resources": (lambda n: resource.resource_usage({"input_tokens": n, "x": 1}), 0),
    "openai's sessions": (lambda n: realtime.read_usage({"input_tokens": n}), 0),
    "messages": (
        lambda n: messages_usage.read_usage({"input_tokens": n, "cache_read_input_tokens": 50}),
        50,
    ),
    "gemini": (
        lambda n: gemini.read_usage({"promptTokenCount": n, "toolUsePromptTokenCount": 50}),
        50,
    ),
    "gemini's resources": (lambda n: resource_usage.usage_in({"usage": {"prompt_tokens": n}}), 0),
    "converse": (lambda n: bedrock.read_usage({"inputTokens": n, "cacheReadInputTokens": 50}), 50),
    "cohere": (lambda n: cohere.read_usage({"tokens": {"input_tokens": n}}), 0),
    "ollama": (lambda n: ollama.take_usage({"prompt_eval_count": n, "eval_count": 5}), 0),
    "vertex": (embedded, 50),
    "cloudflare": (lambda n: envelope.usage_in({"usage": {"prompt_tokens": n}}), 0),
}
"""Readers of usage, and the input tokens that stand beside the count."""

each_reader = pytest.mark.parametrize(("read", "beside"), READERS.values(), ids=READERS)


@each_reader
@pytest.mark.parametrize("count", ODD)
def test_a_usage_with_such_a_count_is_not_believed(
    read: Callable[[Any], Usage | None], beside: int, count: Any
) -> None:
    found = read(count)
    assert found is not None
    assert found.input_tokens < 0
    assert Tap.known(found).usage() is None


@each_reader
def test_a_count_may_be_a_whole_float(read: Callable[[Any], Usage | None], beside: int) -> None:
    found = read(12.0)
    assert found is not None
    assert (found.input_tokens, type(found.input_tokens)) == (12 + beside, int)


def test_a_count_that_is_missing_is_none() -> None:
    assert [count_in(one) for one in (None, 0, 7, 7.0)] == [0, 0, 7, 7]
