"""Functions in a namespace: what other dialects know of them, and what a Responses client sees."""

from typing import Any

import msgspec
import pytest
from openai.types.responses import Response

from jackfield.events import (
    Ended,
    Finished,
    Started,
    StreamEvent,
    ToolCallDelta,
    ToolCallStarted,
)
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Opaque,
    Tool,
    ToolCall,
    ToolChoice,
)
from jackfield_openai.chat import ChatDialect
from jackfield_openai.responses import ResponsesDialect

CHAT, RESPONSES = ChatDialect(), ResponsesDialect()
FIND = {"type": "function", "name": "find", "parameters": {"type": "object"}, "strict": False}
NOTE = {"type": "custom", "name": "note", "description": "Free text."}
CRM = {"type": "namespace", "name": "crm", "description": "Customers.", "tools": [FIND, NOTE]}
CALL = {"type": "function_call", "call_id": "c", "name": "find", "namespace": "crm"}
DONE = {"type": "function_call_output", "call_id": "c", "output": "ok"}
REQUEST: dict[str, Any] = {
    "model": "m",
    "tools": [CRM, {**FIND, "name": "plain"}],
    "tool_choice": {"type": "function", "name": "find"},
    "input": [{"role": "user", "content": "go"}, {**CALL, "arguments": "{}"}, DONE],
}


def parse(**members: Any) -> ChatRequest:
    return RESPONSES.parse_request(msgspec.json.decode(msgspec.json.encode(REQUEST | members)), {})


def names(request: ChatRequest) -> list[str]:
    return [tool.name for tool in request.tools if isinstance(tool, Tool)]


def test_others_know_a_function_by_one_name_with_its_namespace() -> None:
    request = parse()
    assert names(request) == ["crm__find", "crm__note", "plain"]
    assert request.tool_choice == ToolChoice("required", ("crm__find",))
    call = request.messages[1].parts[0]
    assert isinstance(call, ToolCall)
    assert call.name == "crm__find"
    losses = [loss.feature for loss in CHAT.render_request(request).losses]
    assert losses == ["openai.responses.namespace.description"]


def test_the_same_dialect_gets_its_namespaces_back() -> None:
    rendered = RESPONSES.render_request(parse())
    body = msgspec.json.decode(rendered.body)
    assert {key: body[key] for key in REQUEST} == REQUEST
    assert rendered.losses == ()


@pytest.mark.parametrize(
    ("namespace", "known"), [("find", "find"), ("mcp__crm__", "mcp__crm__find"), ("a", "a__find")]
)
def test_a_name_repeats_nothing(namespace: str, known: str) -> None:
    request = parse(tools=[{**CRM, "name": namespace, "tools": [FIND]}])
    assert names(request) == [known]


@pytest.mark.parametrize("inner", [[], [{"type": "mcp"}], ["find"], None])
def test_a_namespace_of_anything_else_rides_along_whole(inner: Any) -> None:
    odd = {**CRM, "tools": inner}
    assert parse(tools=[odd]).tools == (Opaque("openai.responses", "namespace", odd),)


def test_a_call_that_another_vendor_answers_is_one_in_its_namespace() -> None:
    message = Message("assistant", (ToolCall("c", "crm__find", "{}"), ToolCall("d", "plain", "{}")))
    answer = ChatResponse("r", "m", (Choice(message, "tool_calls"),))
    body = msgspec.json.decode(RESPONSES.render_response(answer, parse()).body)
    Response.model_validate(body)
    found, plain = body["output"]
    assert (found["namespace"], found["name"]) == ("crm", "find")
    assert (plain.get("namespace"), plain["name"]) == (None, "plain")


def test_a_streamed_call_is_one_in_its_namespace_too() -> None:
    renderer = RESPONSES.stream_renderer(parse())
    call = (ToolCallStarted(0, "c", "crm__find"), ToolCallDelta(0, "{}"))
    events: list[StreamEvent] = [Started("r", "m"), *call, Finished("tool_calls"), Ended()]
    wire = b"".join(map(renderer.render, events))
    assert wire.count(b'"name":"find","namespace":"crm"') == 3
    assert b"crm__find" not in wire
