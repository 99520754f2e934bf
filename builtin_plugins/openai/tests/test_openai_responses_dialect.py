"""What the kernel asks of the Responses dialect without reading a body whole."""

from typing import Any

import msgspec
import pytest

from jackfield import sse
from jackfield.dialects import Peek
from jackfield.errors import InvalidRequest, ProviderError, RateLimited
from jackfield.response import Chunk
from jackfield_openai.responses import ResponsesDialect

RESPONSES = ResponsesDialect()


def event(**members: Any) -> bytes:
    return sse.encode(msgspec.json.encode(members), str(members.get("type", "")))


def test_a_peek_sees_model_stream_and_limit() -> None:
    tree = {"model": "m", "stream": True, "max_output_tokens": 7, "input": 3}
    assert RESPONSES.peek(tree, {}) == Peek("m", True, 7)
    assert RESPONSES.peek({"prompt": {"id": "pmpt_1"}}, {}) == Peek(None)


@pytest.mark.parametrize("members", [{"model": 3}, {"stream": "yes"}, {"max_output_tokens": "7"}])
def test_a_peek_names_the_member_of_a_wrong_type(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        RESPONSES.peek(members, {})
    assert refused.value.param == next(iter(members))


@pytest.mark.parametrize(
    ("wire", "terminal"),
    [
        (event(type="response.completed", response={}), "end"),
        (event(type="response.incomplete", response={}), "end"),
        (event(type="response.failed", response={}), "error"),
        (event(type="error", message="no"), "error"),
        (event(error={"message": "no"}), "error"),
        (event(type="response.created", response={"error": None}), None),
        (event(type="response.output_text.delta", delta='"response.completed" "error"'), None),
        (b"data: [DONE]\n\n", None),
        (b": ping\n\n", None),
        (b"data: {broken response.completed\n\n", None),
    ],
)
def test_the_final_response_ends_a_stream(wire: bytes, terminal: str | None) -> None:
    assert RESPONSES.terminal(wire) == terminal
    assert terminal is None or any(hint in wire for hint in RESPONSES.terminal_hints)


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("output_text", True),
        ("refusal", True),
        ("reasoning_summary_text", True),
        ("audio.transcript", True),
        ("audio", False),
        ("function_call_arguments", False),
        ("custom_tool_call_input", False),
        ("mcp_call_arguments", False),
        ("code_interpreter_call_code", False),
        ("shell_call_command", False),
    ],
)
def test_the_texts_of_a_stream_are_those_for_its_reader(kind: str, read: bool) -> None:
    text = 'of "response.function_call_arguments.delta"'
    chunk = Chunk(event(type=f"response.{kind}.delta", delta=text), RESPONSES)
    assert [span.value for span in chunk.texts()] == [text] * read


@pytest.mark.parametrize(
    ("kind", "is_json"),
    [
        ("function_call_arguments", True),
        ("mcp_call_arguments", True),
        ("custom_tool_call_input", False),
        ("code_interpreter_call_code", False),
    ],
)
def test_a_part_of_a_call_is_seen_with_the_tools(kind: str, is_json: bool) -> None:
    chunk = Chunk(event(type=f"response.{kind}.delta", delta="to"), RESPONSES)
    (span,) = chunk.texts(tools=True)
    assert (span.value, span.is_json) == ("to", is_json)
    assert b'"delta":"from"' in chunk.with_texts({span.path: "from"}).data.replace(b" ", b"")


def test_the_meter_reads_the_usage_of_the_last_response() -> None:
    meter = RESPONSES.usage_meter()
    meter.feed(event(type="response.created", response={"usage": None}))
    meter.feed(event(type="response.output_text.delta", delta="x"))
    assert meter.usage() is None
    meter.feed(event(type="response.completed", response={"usage": {"input_tokens": 5}}))
    meter.feed(b"data: [DONE]\n\n")
    usage = meter.usage()
    assert usage is not None
    assert usage.input_tokens == 5


@pytest.mark.parametrize("body", [b"no", b'{"usage": null}', b'{"error": {"message": "no"}}'])
def test_what_is_no_response_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the answer"):
        RESPONSES.usage(body)


def test_an_error_is_openais_object() -> None:
    body = msgspec.json.decode(RESPONSES.render_error(RateLimited("Slow down."), "req_1"))
    assert body["error"]["message"] == "Slow down."
    assert body["error"]["code"] == "rate_limited"


def test_an_error_in_a_stream_is_an_error_event_of_both_known_forms() -> None:
    error = ProviderError("No.", error_code="overloaded")
    wire = RESPONSES.render_error_event(error, "req_1")
    assert wire.startswith(b"event: error\n")
    value = msgspec.json.decode(sse.data_of(wire) or b"")
    assert (value["type"], value["code"], value["message"]) == ("error", "overloaded", "No.")
    assert value["error"]["code"] == "overloaded"
    assert RESPONSES.terminal(wire) == "error"


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"message": "no such model", "code": "c"}}',
        b'{"code": "c", "error": "no such model"}',
    ],
)
def test_an_error_body_is_read_in_openais_form_and_in_xais(body: bytes) -> None:
    assert RESPONSES.parse_error(400, body).message == "no such model"
