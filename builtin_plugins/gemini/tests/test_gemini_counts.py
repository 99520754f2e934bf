"""Counts of tokens that are no whole numbers."""

from typing import Any

import pytest
from msgspec.structs import replace

from jackfield.dialects import installed
from jackfield.messages import ChatRequest, ChatResponse, Choice, Message, Text, Usage
from jackfield_gemini.resource_usage import usage_in
from jackfield_gemini.usage import read_usage

ODD: list[Any] = [-1, "12", True, False, {}, [1], 12.5, 1 << 53, 1e308]


def used(count: Any) -> Usage:
    usage = read_usage({"promptTokenCount": count, "toolUsePromptTokenCount": 50})
    assert usage is not None
    return usage


@pytest.mark.parametrize("count", ODD)
def test_an_unreadable_count_cannot_be_taken_for_a_small_one(count: Any) -> None:
    assert used(count).input_tokens < 0


def test_a_count_may_be_a_whole_float_or_missing() -> None:
    assert used(12.0).input_tokens == 62
    assert used(None).input_tokens == 50


@pytest.mark.parametrize("key", ["prompt_tokens", "completion_tokens", "total_tokens"])
@pytest.mark.parametrize("count", ODD)
def test_so_it_is_with_counts_in_openais_form(key: str, count: Any) -> None:
    counts = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 9, key: count}
    usage = usage_in({"usage": counts})
    assert usage is not None
    assert min(usage.input_tokens, usage.output_tokens) < 0


@pytest.mark.parametrize("name", ["openai.chat", "openai.responses", "gemini.generate_content"])
def test_clients_of_other_dialects_get_no_negative_counts(name: str) -> None:
    dialect = installed(name)
    usage = replace(used("12"), output_tokens=-1, reasoning_tokens=-1, extensions={})
    choice = Choice(Message("assistant", (Text("a"),)), "stop")
    answer = ChatResponse("r", "m", (choice,), usage)
    ask = ChatRequest("m", (Message("user", (Text("hi"),)),))
    assert b":-" not in dialect.render_response(answer, ask).body
