"""Calls of free-form tools that another vendor answers as calls of functions."""

from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from jackfield import sse
from jackfield.dialects import Dialect, installed
from jackfield.events import Ended, Finished, Started, StreamEvent, ToolCallDelta, ToolCallStarted
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Text,
    Tool,
    ToolCall,
    ToolResult,
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
def test_a_stream_has_the_same_content(dialect: Dialect) -> None:
    events: list[StreamEvent] = [Started("r", "m"), ToolCallStarted(0, "c", "note")]
    events += [ToolCallDelta(0, piece) for piece in ('{"inp', 'ut":"a\\', 'n"}')]
    events += [ToolCallStarted(1, "d", "find"), ToolCallDelta(1, '{"input":"x"}')]
    renderer = dialect.stream_renderer(REQUEST)
    wire = b"".join(map(renderer.render, (*events, Finished("tool_calls"), Ended())))
    parser = dialect.stream_parser()
    events = [one for event in sse.split(wire) for one in parser.feed(event)]
    kinds = [one.kind for one in events if isinstance(one, ToolCallStarted)]
    assert kinds == ["custom", "function"]
    given = {0: "", 1: ""}
    for one in events:
        if isinstance(one, ToolCallDelta):
            given[one.part] += one.arguments
    assert given == {0: "a\n", 1: FIND.arguments}


def streamed(dialect: Dialect, events: list[StreamEvent]) -> tuple[str, list[str]]:
    """The arguments that a client of the dialect reads, and the losses."""
    renderer = dialect.stream_renderer(REQUEST)
    wire = b"".join(map(renderer.render, events))
    parser, framing = dialect.stream_parser(), dialect.framing
    read = [one for event in framing.split(wire) for one in parser.feed(event)]
    read += parser.close()
    given = [one.arguments for one in read if isinstance(one, ToolCallDelta)]
    return "".join(given), [loss.feature for loss in renderer.losses]


@pytest.mark.parametrize(
    "name",
    [
        *("anthropic.messages", "gemini.generate_content", "bedrock.converse"),
        *("cohere.chat", "mistral.chat", "ollama.chat"),
    ],
)
def test_clients_without_free_form_tools_get_json_and_the_loss(name: str) -> None:
    dialect, call = installed(name), ToolCall("c", "f", 'a "b"', kind="custom")
    answer = ChatResponse("r", "m", (Choice(Message("assistant", (call,)), "tool_calls"),))
    whole = dialect.render_response(answer, REQUEST)
    assert [loss.feature for loss in whole.losses] == ["tools.custom"]
    read = dialect.parse_response(whole.body)
    assert isinstance(read, ChatResponse)
    (part,) = [one for one in read.choices[0].message.parts if isinstance(one, ToolCall)]
    assert msgspec.json.decode(part.arguments) == {"input": 'a "b"'}
    events: list[StreamEvent] = [Started("r", "m"), ToolCallStarted(0, "c", "f", kind="custom")]
    events += [ToolCallDelta(0, piece) for piece in ("a ", '"b"')]
    events += [Finished("tool_calls"), Ended()]
    given, losses = streamed(dialect, events)
    assert (msgspec.json.decode(given), losses) == ({"input": 'a "b"'}, ["tools.custom"])


@pytest.mark.parametrize(
    "name", ["anthropic.messages", "gemini.generate_content", "bedrock.converse"]
)
def test_an_earlier_call_of_a_free_form_tool_is_named_too(name: str) -> None:
    called = Message("assistant", (ToolCall("c", "f", "a", kind="custom"),))
    result = Message("tool", (ToolResult("c", (Text("r"),), "f"),))
    question = Message("user", (Text("go"),))
    rendered = installed(name).render_request(ChatRequest("m", (question, called, result)))
    assert [loss.feature for loss in rendered.losses] == ["tools.custom"]
