"""What is read by its usual shape reads as it does with one member more, which takes longer."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackfield.messages import ChatRequest, Message, Text, ToolResult
from jackfield_openai.chat import ChatDialect
from jackfield_openai.chat_message_reader import read_message
from jackfield_openai.chat_usual import usual_call, usual_message, usual_tool

CHAT = ChatDialect()
MORE = {"vendor_member": 1}
WORDS = st.text(min_size=1, max_size=9)
ARGUMENTS = st.text(max_size=9)

CALLS = st.fixed_dictionaries(
    {
        "id": WORDS,
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": WORDS, "arguments": ARGUMENTS}),
    }
)
TEXTS = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user"]), "content": WORDS}
)
ANSWERS = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none() | WORDS},
    optional={
        "tool_calls": st.none() | st.lists(CALLS, min_size=1, max_size=3),
        "refusal": st.none(),
        "annotations": st.just([]),
    },
)
RESULTS = st.fixed_dictionaries({"role": st.just("tool"), "tool_call_id": WORDS, "content": WORDS})
TOOLS = st.fixed_dictionaries(
    {
        "type": st.just("function"),
        "function": st.fixed_dictionaries(
            {
                "name": WORDS,
                "description": WORDS,
                "parameters": st.dictionaries(WORDS, WORDS, min_size=1, max_size=2),
            },
            optional={"strict": st.booleans()},
        ),
    }
)


def plain(value: Any) -> Any:
    """A canonical value as JSON, without the member more and what it left behind."""
    tree = msgspec.to_builtins(value)
    if isinstance(tree, list | tuple):
        return [plain(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    kept = {key: plain(item) for key, item in tree.items() if key not in MORE}
    return {key: item for key, item in kept.items() if item != {}}


@given(TEXTS | ANSWERS | RESULTS)
def test_usual_messages_read_as_by_the_general_reader(wire: dict[str, Any]) -> None:
    assert usual_message(wire) is not None
    assert usual_message(wire | MORE) is None
    for read in (read_message(wire, "m", []), read_message(wire, "m")):
        assert plain(usual_message(wire)) == plain(read)


@given(st.lists(CALLS, min_size=1, max_size=3))
def test_usual_calls_read_as_by_the_general_reader(calls: list[dict[str, Any]]) -> None:
    wire = {"role": "assistant", "content": None, "tool_calls": calls}
    more = wire | {"tool_calls": [call | MORE for call in calls]}
    assert usual_call(calls[0]) is not None
    assert usual_message(more) is None
    assert plain(usual_message(wire)) == plain(read_message(wire, "m", []))


@given(TOOLS)
def test_usual_tools_read_as_by_the_general_reader(tool: dict[str, Any]) -> None:
    assert usual_tool(tool) is not None
    assert usual_tool(tool | MORE) is None
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    short, long = (CHAT.parse_request(body | {"tools": [one]}, {}) for one in (tool, tool | MORE))
    assert plain(short) == plain(long)


@given(TEXTS | ANSWERS | RESULTS)
def test_usual_messages_are_written_as_they_came(wire: dict[str, Any]) -> None:
    tree = {"model": "m", "messages": [wire]}
    again = msgspec.json.decode(CHAT.render_request(CHAT.parse_request(tree, {})).body)
    assert again == tree


@given(WORDS, st.text(max_size=9))
def test_usual_results_are_written_as_by_the_general_writer(identity: str, text: str) -> None:
    result = ToolResult(identity, (Text(text),))
    usual, failed = (
        CHAT.render_request(ChatRequest("m", (Message("tool", (one,)),)))
        for one in (result, replace(result, is_error=True))
    )
    assert usual.body == failed.body
    assert not usual.losses
    assert failed.losses


def test_a_result_is_no_longer_waited_for() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    calls = {"role": "assistant", "content": None, "tool_calls": [call, call | {"id": "b"}]}
    first = {"role": "tool", "tool_call_id": "a", "content": "1"}
    request = CHAT.parse_request(
        {"model": "m", "messages": [calls, first, {"role": "tool", "content": "2"}]}, {}
    )
    answered = [msgspec.to_builtins(one.parts[0])["tool_call_id"] for one in request.messages[1:]]
    assert answered == ["a", "b"]
