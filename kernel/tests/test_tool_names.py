"""Names of tools that a dialect does not accept: others go up, and the client's come back."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield._tool_names import restoring_names, with_accepted_names
from jackfield.dialects import Dialect
from jackfield.endpoints import Endpoint
from jackfield.events import StreamEvent, TextDelta, ToolCallDelta, ToolCallStarted
from jackfield.exchange import Exchange, Request
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from jackfield.testing import TESTING_CHAT, ChatDialect

RULES = (
    r"[a-zA-Z0-9_-]{1,64}",
    r"[a-zA-Z0-9_-]{1,128}",
    r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}",
    r"[a-zA-Z_][a-zA-Z0-9_]*",
)
MCP = "mcp__plugin_engineering_tools_atlassian__confluence.search/recently_changed_pages"
NAMES = st.text(st.sampled_from("aZ09_-.:/ é"), min_size=1, max_size=70)


def ruled(rule: str) -> Dialect:
    class Ruled(ChatDialect):
        tool_names = rule

    return Ruled()


def exchange() -> Exchange:
    endpoint = Endpoint("POST", "/chat", TESTING_CHAT, "chat", "inference")
    request = Request("POST", "/chat", "", {}, b"{}", {}, "")
    return Exchange("1", endpoint, TESTING_CHAT, request, "m", stream=False)


def request(names: Sequence[str], called: Sequence[str] = ()) -> ChatRequest:
    turns = [Message("user", (Text("a.b"),))]
    for i, name in enumerate(called):
        turns.append(Message("assistant", (ToolCall(f"c{i}", name, "{}"),)))
        turns.append(Message("tool", (ToolResult(f"c{i}", (Text(name),), name),)))
    tools = tuple(Tool(name) for name in names)
    choice = ToolChoice("required", tuple(names[:1])) if names else None
    return ChatRequest("m", tuple(turns), tools, choice)


def sent(names: Sequence[str], rule: str = RULES[0]) -> list[str]:
    tools = with_accepted_names(exchange(), request(names), ruled(rule)).tools
    return [tool.name for tool in tools if isinstance(tool, Tool)]


@given(st.lists(NAMES, unique=True, max_size=8), st.sampled_from(RULES))
def test_any_names_are_accepted_and_distinct_and_come_back(names: list[str], rule: str) -> None:
    dialect, one = ruled(rule), exchange()
    asked = with_accepted_names(one, request(names, names), dialect)
    up = [tool.name for tool in asked.tools if isinstance(tool, Tool)]
    assert all(re.fullmatch(rule, name) for name in up)
    assert len(set(up)) == len(names)
    assert all(new == name for name, new in zip(names, up, strict=True) if re.fullmatch(rule, name))
    answer = ChatResponse("", "m", (Choice(Message("assistant", calls_of(asked)), "tool_calls"),))
    restored = restoring_names(one, dialect, lambda value: value)(answer)
    assert [call.name for call in restored.choices[0].message.parts] == names


def calls_of(asked: ChatRequest) -> tuple[ToolCall, ...]:
    parts = [part for message in asked.messages for part in message.parts]
    return tuple(part for part in parts if isinstance(part, ToolCall))


def test_a_name_changes_wherever_it_goes_up_and_nothing_else_does() -> None:
    asked = request(["a.b", "plain"], ["a.b", "gone/since", "plain"])
    up = with_accepted_names(exchange(), asked, ruled(RULES[0]))
    (new,) = up.tool_choice.names if up.tool_choice else ()
    assert [tool.name for tool in up.tools if isinstance(tool, Tool)] == [new, "plain"]
    assert [call.name for call in calls_of(up)][::2] == [new, "plain"]
    results = [p for message in up.messages for p in message.parts if isinstance(p, ToolResult)]
    assert [result.name for result in results] == [call.name for call in calls_of(up)]
    assert results[0].parts == (Text("a.b"),)
    assert up.messages[0] == asked.messages[0]


def test_a_name_becomes_the_same_whatever_other_tools_there_are() -> None:
    (alone,) = sent([MCP])
    assert alone in sent(["a.b", "plain", MCP, "recently_changed_pages"])
    assert len(alone) == 64
    assert "__confluence_search_recently_changed_pages_" in alone


def test_a_name_that_another_tool_has_already_is_not_given_again() -> None:
    (taken,) = sent(["a.b"])
    assert sent([taken, "a.b"])[0] == taken
    assert len(set(sent([taken, "a.b"]))) == 2


@pytest.mark.parametrize("rule", ["", RULES[0]])
def test_a_request_without_a_name_to_change_stays_as_it_is(rule: str) -> None:
    asked = request(["plain", "an-other" if rule else MCP], ["plain"])
    one, dialect = exchange(), ruled(rule)
    assert with_accepted_names(one, asked, dialect) is asked
    assert restoring_names(one, dialect, len) is len


def test_a_stream_has_the_clients_names_and_what_a_model_makes_up() -> None:
    one, dialect = exchange(), ruled(RULES[0])
    (tool,) = with_accepted_names(one, request(["a.b"]), dialect).tools
    assert isinstance(tool, Tool)
    events: list[StreamEvent] = [
        TextDelta(0, tool.name),
        ToolCallStarted(1, "c1", tool.name),
        ToolCallDelta(1, tool.name),
        ToolCallStarted(2, "c2", "made_up"),
    ]
    restored = list(map(restoring_names(one, dialect, lambda event: event), events))
    assert restored == [events[0], ToolCallStarted(1, "c1", "a.b"), *events[2:]]


def test_an_answer_from_elsewhere_keeps_its_names() -> None:
    one = exchange()
    with_accepted_names(one, request(["a.b"]), ruled(RULES[0]))
    assert restoring_names(one, None, len) is len
