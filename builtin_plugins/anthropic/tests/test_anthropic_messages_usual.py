"""What is read by its usual shape reads as it does with one member more, which takes longer."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jackfield_anthropic.endpoints import MESSAGES
from jackfield_anthropic.messages_usual import usual_block, usual_tool

MORE = {"vendor_member": 1}
WORDS = st.text(min_size=1, max_size=9)
VALUES = st.dictionaries(WORDS, WORDS, max_size=2)
BLOCKS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": WORDS}),
    st.fixed_dictionaries(
        {"type": st.just("tool_use"), "id": WORDS, "name": WORDS, "input": VALUES}
    ),
    st.fixed_dictionaries({"type": st.just("tool_result"), "tool_use_id": WORDS, "content": WORDS}),
)
TOOLS = st.fixed_dictionaries({"name": WORDS, "description": WORDS, "input_schema": VALUES})


def plain(tree: Any) -> Any:
    """A canonical value as JSON, without the member more and what it left behind."""
    if isinstance(tree, list | tuple):
        return [plain(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    kept = {key: plain(item) for key, item in tree.items() if key not in MORE}
    return {key: item for key, item in kept.items() if item != {}}


def read(**members: Any) -> Any:
    message = {"role": "user", "content": "Hi"}
    request = MESSAGES.parse_request({"model": "m", "messages": [message], **members}, {})
    return plain(msgspec.to_builtins(request))


@given(st.lists(BLOCKS, min_size=1, max_size=4))
def test_usual_blocks_read_as_by_the_general_reader(blocks: list[dict[str, Any]]) -> None:
    more = [block | MORE for block in blocks]
    assert all(usual_block(block) is not None for block in blocks)
    assert not any(usual_block(block) for block in more)
    short, long = (
        read(messages=[{"role": "user", "content": content}]) for content in (blocks, more)
    )
    assert short == long


@given(WORDS, st.sampled_from(["user", "assistant"]))
def test_a_message_that_is_a_text_reads_as_by_the_general_reader(text: str, role: str) -> None:
    message = {"role": role, "content": text}
    assert read(messages=[message]) == read(messages=[message | MORE])


@given(TOOLS)
def test_usual_tools_read_as_by_the_general_reader(tool: dict[str, Any]) -> None:
    assert usual_tool(tool) is not None
    assert usual_tool(tool | MORE) is None
    assert read(tools=[tool]) == read(tools=[tool | MORE])


@given(st.lists(BLOCKS, min_size=1, max_size=4), st.lists(TOOLS, max_size=1))
def test_usual_requests_are_written_as_they_came(
    blocks: list[dict[str, Any]], tools: list[dict[str, Any]]
) -> None:
    tree: dict[str, Any] = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": blocks}],
        **({"tools": tools} if tools else {}),
    }
    legal = [{**block, key: "id"} if (key := _identity(block)) else block for block in blocks]
    tree["messages"][0]["content"] = legal
    again = MESSAGES.render_request(MESSAGES.parse_request(tree, {})).body
    assert msgspec.json.decode(again) == tree


def _identity(block: dict[str, Any]) -> str | None:
    return {"tool_use": "id", "tool_result": "tool_use_id"}.get(block["type"])
