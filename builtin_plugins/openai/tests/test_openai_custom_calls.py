"""Calls of free-form tools that another vendor answers as calls of functions."""

from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from jackfield import sse
from jackfield.dialects import Dialect
from jackfield.events import Ended, Finished, Started, StreamEvent, ToolCallDelta, ToolCallStarted
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Text,
    Tool,
    ToolCall,
)
from jackfield_openai.chat import ChatDialect
from jackfield_openai.responses import ResponsesDialect

CHAT, RESPONSES = ChatDialect(), ResponsesDialect()
TOOLS = (Tool("note", kind="custom"), Tool("find"))
REQUEST = ChatRequest("m", (Message("user", (Text("go"),)),), tools=TOOLS)
FIND = ToolCall("d", "find", '{"input":"x"}')


def answered(dialect: Dialect, *calls: ToolCall) -> dict[str, Any]:
    answer = ChatResponse("r", "m", (Choice(Message("assistant", calls), "tool_calls"),))
    body: dict[str, Any] = msgspec.json.decode(dialect.render_response(answer, REQUEST).body)
    return body


@pytest.mark.parametrize(
    ("given", "text"),
    [('{"input":"a \\"b\\""}', 'a "b"'), ("{}", "{}"), ('{"in', '{"in'), ('{"input":1}',) * 2],
)
def test_the_text_is_what_the_client_gets(given: str, text: str) -> None:
    chat = answered(CHAT, ToolCall("c", "note", given), FIND)
    ChatCompletion.model_validate(chat)
    note, find = chat["choices"][0]["message"]["tool_calls"]
    assert note == {"id": "c", "type": "custom", "custom": {"name": "note", "input": text}}
    assert find["function"]["arguments"] == FIND.arguments
    body = answered(RESPONSES, ToolCall("c", "note", given), FIND)
    Response.model_validate(body)
    assert (body["output"][0]["type"], body["output"][0]["input"]) == ("custom_tool_call", text)
    assert body["output"][1]["type"] == "function_call"


def test_a_call_that_is_one_already_stays_as_it_is() -> None:
    call = ToolCall("c", "note", '{"input":"x"}', kind="custom")
    assert answered(RESPONSES, call)["output"][0]["input"] == call.arguments


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES])
def test_a_stream_says_the_same(dialect: Dialect) -> None:
    events: list[StreamEvent] = [Started("r", "m"), ToolCallStarted(0, "c", "note")]
    events += [ToolCallDelta(0, piece) for piece in ('{"inp', 'ut":"a\\', 'n"}')]
    events += [ToolCallStarted(1, "d", "find"), ToolCallDelta(1, '{"input":"x"}')]
    renderer = dialect.stream_renderer(REQUEST)
    wire = b"".join(map(renderer.render, (*events, Finished("tool_calls"), Ended())))
    parser = dialect.stream_parser()
    told = [one for event in sse.split(wire) for one in parser.feed(event)]
    kinds = [one.kind for one in told if isinstance(one, ToolCallStarted)]
    assert kinds == ["custom", "function"]
    given = {0: "", 1: ""}
    for one in told:
        if isinstance(one, ToolCallDelta):
            given[one.part] += one.arguments
    assert given == {0: "a\n", 1: FIND.arguments}
