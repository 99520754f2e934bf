"""What is written by its usual shape is written as it is where something needs a look."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackfield.messages import ChatRequest, Message, Part, Text, ToolCall, ToolResult
from jackfield_anthropic.endpoints import MESSAGES
from jackfield_anthropic.messages_block_writer import BlockWriter
from jackfield_anthropic.messages_usual_turns import usual_blocks, usual_conversation

WORDS = st.text(max_size=9)
IDS = st.text("ab-_ä", max_size=5)
TEXTS = st.builds(Text, WORDS | st.just(" "))
ARGUMENTS = st.dictionaries(WORDS, WORDS, max_size=2).map(msgspec.json.encode)
CALLS = st.builds(ToolCall, IDS, WORDS, ARGUMENTS.map(bytes.decode) | st.just("[]") | st.just(""))
RESULTS = st.builds(
    ToolResult, IDS, st.lists(TEXTS, max_size=2).map(tuple), is_error=st.just(False)
)
TURNS = st.builds(Message, st.sampled_from(["system", "user"]), st.tuples(TEXTS))
ANSWERS = st.builds(Message, st.just("assistant"), st.lists(TEXTS | CALLS, max_size=3).map(tuple))
GIVEN = st.builds(Message, st.just("tool"), st.lists(RESULTS | TEXTS, max_size=2).map(tuple))
CALL = ToolCall("a", "weather", '{"city":"Vienna"}')
CONVERSATION = (
    Message("system", (Text("Be brief."),)),
    Message("user", (Text("Weather?"),)),
    Message("assistant", (Text("I look."), CALL, replace(CALL, id="b"))),
    Message("tool", (ToolResult("a", (Text("rain"),)),)),
    Message("tool", (ToolResult("b", (Text("snow"),)),)),
)


def body(*messages: Message) -> bytes:
    return MESSAGES.render_request(ChatRequest("m", messages)).body


@given(st.lists(TEXTS | CALLS | RESULTS, max_size=3))
def test_usual_blocks_are_those_of_the_general_writer(parts: list[Part]) -> None:
    usual = usual_blocks(parts)
    assert usual is None or usual == [BlockWriter([]).write(part, "parts") for part in parts]


@given(st.lists(TURNS | ANSWERS | GIVEN, max_size=5))
def test_conversations_are_written_as_by_the_general_writer(messages: list[Message]) -> None:
    named = [replace(message, name="Ann") for message in messages]
    assert usual_conversation(named) is None
    assert body(*messages) == body(*named)


def test_what_takes_turns_and_calls_tools_is_usual() -> None:
    usual = usual_conversation(CONVERSATION)
    assert usual is not None
    assert [turn["role"] for turn in usual["messages"]] == ["user", "assistant", "user"]
    assert len(usual["messages"][-1]["content"]) == len(CONVERSATION[3:])
