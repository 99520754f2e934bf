"""Counts of tokens that are no whole numbers."""

from typing import Any

import pytest
from msgspec.structs import replace

from jackfield.dialects import installed
from jackfield.messages import ChatRequest, ChatResponse, Choice, Message, Text, Usage
from jackfield_ollama.usage import take_usage

ODD: list[Any] = [-1, "12", True, False, {}, [1], 12.5, 1 << 53, 1e308]


def used(count: Any) -> Usage:
    usage = take_usage({"prompt_eval_count": count, "eval_count": 5})
    assert usage is not None
    return usage


@pytest.mark.parametrize("count", ODD)
def test_an_unreadable_count_cannot_be_taken_for_a_small_one(count: Any) -> None:
    assert used(count).input_tokens < 0


def test_a_count_may_be_a_whole_float_or_missing() -> None:
    assert used(12.0).input_tokens == 12
    assert used(None).input_tokens == 0


@pytest.mark.parametrize("name", ["openai.chat", "openai.responses", "ollama.chat"])
def test_clients_of_other_dialects_get_no_negative_counts(name: str) -> None:
    dialect = installed(name)
    usage = replace(used("12"), output_tokens=-1, reasoning_tokens=-1, extensions={})
    choice = Choice(Message("assistant", (Text("a"),)), "stop")
    answer = ChatResponse("r", "m", (choice,), usage)
    ask = ChatRequest("m", (Message("user", (Text("hi"),)),))
    assert b":-" not in dialect.render_response(answer, ask).body
