"""Nonsense in predictions and their requests is refused or parsed."""

import random
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from jackfield.errors import InvalidRequest
from jackfield.messages import EmbeddingsRequest
from jackfield_vertex.endpoints import EMBEDDINGS

PARAMS = {"model": "m"}
REQUEST: dict[str, Any] = {
    "instances": [{"content": "a", "task_type": "RETRIEVAL_QUERY", "title": "t"}],
    "parameters": {"outputDimensionality": 2, "autoTruncate": True},
}
STATISTICS = {"token_count": 4, "truncated": False}
ANSWER: dict[str, Any] = {
    "predictions": [{"embeddings": {"values": [1, 2.5], "statistics": STATISTICS}}],
    "metadata": {"billableCharacterCount": 1},
}
NONSENSE: list[Any] = [None, True, -1, 1e300, 2**70, "", "x", [], {}, [None], [[]], [{}], {"a": 1}]


def mutated(value: Any, dice: random.Random) -> Any:
    if dice.random() < 0.12:
        return dice.choice(NONSENSE)
    if isinstance(value, list):
        found = [mutated(item, dice) for item in value]
        return found * 2 if dice.random() < 0.1 else found
    if not isinstance(value, dict):
        return value
    return {key: mutated(item, dice) for key, item in value.items() if dice.random() > 0.05}


@pytest.mark.parametrize("seed", range(3))
def test_nonsense_in_a_request_is_refused_or_understood(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the dice of a test
    for _ in range(500):
        try:
            request = EMBEDDINGS.parse_request(mutated(REQUEST, dice), PARAMS)
            EMBEDDINGS.render_request(request)
            EMBEDDINGS.render_request(replace(request, extensions={}))
        except InvalidRequest:
            continue


@pytest.mark.parametrize("seed", range(3))
def test_nonsense_in_an_answer_is_refused_or_understood(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the dice of a test
    request = EmbeddingsRequest("m", ("a",))
    for _ in range(500):
        body = msgspec.json.encode(mutated(ANSWER, dice))
        try:
            EMBEDDINGS.usage(body)
            EMBEDDINGS.render_response(EMBEDDINGS.parse_response(body), request)
        except ValueError:
            continue
