"""Which tools are called, and the text about their results."""

from typing import Any

import pytest
from msgspec.structs import replace

from jackfield.errors import InvalidRequest
from jackfield.messages import (
    ChatRequest,
    Message,
    Opaque,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from jackfield_demo.answers import answer
from jackfield_demo.conversation import read_conversation
from jackfield_demo.tool_calls import calls_for

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = Tool("get_weather", "The weather of a city", CITY)
CLOCK = Tool("localTime", None, CITY)
BOTH = (WEATHER, Opaque("x", "web_search", {}), CLOCK)


def _called(text: str, **fields: Any) -> list[tuple[str, str]]:
    request = ChatRequest("chat", (Message("user", (Text(text),)),), tools=BOTH)
    return [(call.name, call.arguments) for call in calls_for(replace(request, **fields), text)]


def test_a_tool_that_the_message_names_is_called_with_its_values() -> None:
    assert _called("What is the weather in Paris?") == [("get_weather", '{"city": "Paris"}')]
    assert _called("Call localTime") == [("localTime", '{"city": "city"}')]


def test_two_tools_are_called_together_unless_that_is_forbidden() -> None:
    text = "The weather in Paris and the time in “São Paulo”"
    both = [("get_weather", '{"city": "São Paulo"}'), ("localTime", '{"city": "Paris"}')]
    assert _called(text) == both
    assert _called(text, parallel_tool_calls=False) == both[:1]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (None, []),
        (ToolChoice("auto"), []),
        (ToolChoice("none"), []),
        (ToolChoice("required"), ["get_weather"]),
        (ToolChoice("required", ("localTime",)), ["localTime"]),
        (ToolChoice("required", ("unheard_of",)), []),
    ],
)
def test_the_choice_of_tools_decides_where_the_message_does_not(
    choice: ToolChoice | None, names: list[str]
) -> None:
    assert [name for name, _ in _called("Hello", tool_choice=choice)] == names


def test_none_means_none_even_if_the_message_requests_a_call() -> None:
    assert _called("What is the weather?", tool_choice=ToolChoice("none")) == []


def test_a_custom_tool_gets_the_message_itself() -> None:
    assert _called("note this", tools=(Tool("note", kind="custom"),)) == [("note", "note this")]


def test_parameters_that_cannot_be_filled_in_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="'note'") as refusal:
        _called("note this", tools=(Tool("note", parameters={"enum": 1}),))
    assert refusal.value.param == "tools"


def test_a_call_ends_the_answer_and_each_has_an_id_of_its_own() -> None:
    request = ChatRequest("chat", (Message("user", (Text("weather and time"),)),), tools=BOTH, n=2)
    response = answer("chat", request, read_conversation(request), id="demo-1", created=1)
    assert [choice.finish_reason for choice in response.choices] == ["tool_calls"] * 2
    parts = [part for choice in response.choices for part in choice.message.parts]
    assert len({part.id for part in parts if isinstance(part, ToolCall)}) == 4


def test_results_are_repeated_instead_of_calling_again() -> None:
    call = ToolCall("c1", "get_weather", "{}")
    messages = (
        Message("user", (Text("What is the weather?"),)),
        Message("assistant", (call, replace(call, id="c2"))),
        Message("tool", (ToolResult("c1", (Text("sunny"),)),)),
        Message("user", (ToolResult("c2", (Text("no such city"),), is_error=True),)),
    )
    request = ChatRequest("chat", messages, tools=BOTH, tool_choice=ToolChoice("required"))
    response = answer("chat", request, read_conversation(request), id="demo-1", created=1)
    expected = "The tool get_weather says: sunny The tool get_weather failed: no such city"
    assert response.choices[0].message.parts == (Text(expected),)
