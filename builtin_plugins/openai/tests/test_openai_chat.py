"""What the kernel asks of the chat dialect without translating."""

import json
from typing import Any

import pytest

from jackfield.dialects import Peek
from jackfield.errors import InvalidRequest
from jackfield_openai.chat import ChatDialect

CHAT = ChatDialect()
CHUNK = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":%b}]}\n\n'


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [], **fields}


def test_peek_reads_model_stream_and_limit() -> None:
    assert CHAT.peek(body(), {}) == Peek("m", False, None)
    assert CHAT.peek(body(stream=True, max_tokens=5), {}) == Peek("m", True, 5)
    assert CHAT.peek(body(max_tokens=5, max_completion_tokens=6), {}) == Peek("m", False, 6)


def test_peek_takes_the_model_of_the_path_when_the_body_names_none() -> None:
    assert CHAT.peek({"messages": []}, {"model": "deployment"}).model == "deployment"


@pytest.mark.parametrize(
    ("tree", "param"),
    [
        ([], None),
        ({"messages": []}, "model"),
        (body(model=""), "model"),
        (body(model=5), "model"),
        (body(stream="true"), "stream"),
        (body(max_tokens="5"), "max_tokens"),
        (body(max_tokens=True), "max_tokens"),
        (body(max_completion_tokens=1.5), "max_completion_tokens"),
        (body(messages="hi"), "messages"),
        ({"model": "m"}, "messages"),
    ],
)
def test_peek_refuses_wrong_types_by_name(tree: Any, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CHAT.peek(tree, {})
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("event", "mark"),
    [
        (b"data: [DONE]\n\n", "end"),
        (b"data:[DONE]\r\n\r\n", "end"),
        (b'data: {"error":{"message":"x"}}\n\n', "error"),
        (b'event: error\ndata: {"message":"x"}\n\n', "error"),
        (b'data: {"code":429,"message":"x"}\n\n', "error"),
        (b'data: {"detail":"x"}\n\n', "error"),
        (b'data: {"choices":[],"message":"x"}\n\n', None),
        (b'data: {"choices":[],"error":null}\n\n', None),
        (b'data: {"choices":[{"delta":{"content":"an \\"error\\" [DONE]"}}]}\n\n', None),
        (b": an error in a comment\n\n", None),
        (b'data: {"error"\n\n', None),
    ],
)
def test_the_end_and_errors_are_recognised(event: bytes, mark: str | None) -> None:
    assert CHAT.terminal(event) == mark
    if mark:
        assert any(hint in event for hint in CHAT.terminal_hints)


def test_a_finish_reason_finishes() -> None:
    assert CHAT.finishes(CHUNK % b'"stop"')
    assert not CHAT.finishes(CHUNK % b"null")
    assert not CHAT.finishes(CHUNK.replace(b'":%b', b'": %b') % b"null")
    assert not CHAT.finishes(b"data: [DONE]\n\n")
    two: list[dict[str, Any]] = [
        {"index": i, "delta": {}, "finish_reason": r} for i, r in enumerate((None, "stop"))
    ]
    compact = json.dumps({"choices": two}, separators=(",", ":")).encode()
    assert CHAT.finishes(b"data: %b\n\n" % compact)


@pytest.mark.parametrize(
    "reports",
    [
        [b'{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}'],
        [b'{"choices":[],"x_groq":{"usage":{"prompt_tokens":5,"completion_tokens":2}}}'],
        [
            b'{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1}}',
            b'{"choices":[],"usage" : {"prompt_tokens":5,"completion_tokens":2}}',
            b'{"choices":[],"usage":null}',
        ],
    ],
)
def test_the_meter_keeps_the_last_report(reports: list[bytes]) -> None:
    meter = CHAT.usage_meter()
    assert meter.usage() is None
    for report in reports:
        meter.feed(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: %b\n\n' % report)
    meter.feed(b"data: [DONE]\n\n")
    usage = meter.usage()
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (5, 2)


def test_cached_and_reasoning_tokens_are_found_wherever_a_provider_puts_them() -> None:
    def usage(**fields: Any) -> tuple[int, ...]:
        counts = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
        found = CHAT.usage(json.dumps({"choices": [], "usage": counts | fields}).encode())
        assert found is not None
        return (found.output_tokens, found.cached_input_tokens, found.reasoning_tokens)

    details = {"prompt_tokens_details": {"cached_tokens": 3}}
    assert usage(**details, completion_tokens_details={"reasoning_tokens": 2}) == (4, 3, 2)
    assert usage(prompt_cache_hit_tokens=3) == (4, 3, 0)
    assert usage(prompt_tokens_details=None, num_cached_tokens=3) == (4, 3, 0)
    # xAI counts reasoning apart, which its total betrays.
    apart = {"completion_tokens_details": {"reasoning_tokens": 2}}
    assert usage(**apart, total_tokens=15) == (6, 0, 2)


def test_an_answer_without_usage_has_none() -> None:
    for body in (b'{"choices":[]}', b'{"choices":[],"usage":null}', b'{"choices":[],"usage":5}'):
        assert CHAT.usage(body) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"error":{"message":"no"}}', b"<html>"])
def test_what_is_no_answer_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"answer|error"):
        CHAT.usage(body)
