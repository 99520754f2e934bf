"""Anthropic's answers come back to it unchanged through clients of any dialect."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.corpus import exchanges, needs_corpus

from jackfield.dialects import Dialect, installed
from jackfield.messages import ChatRequest
from jackfield_anthropic.endpoints import MESSAGES

pytestmark = needs_corpus
CHAT, RESPONSES = installed("openai.chat"), installed("openai.responses")
GEMINI = installed("gemini.generate_content")
HI = {"role": "user", "content": "hi"}
CARRIED = ("text", "thinking", "redacted_thinking", "tool_use")
MEMBERS = ("type", "text", "thinking", "signature", "data", "id", "name", "input")


def chat_turns(answer: dict[str, Any]) -> dict[str, Any]:
    return {"model": "claude-sonnet-4-5", "messages": [HI, answer["choices"][0]["message"]]}


def response_items(answer: dict[str, Any]) -> dict[str, Any]:
    return {"model": "claude-sonnet-4-5", "input": [HI, *answer["output"]]}


def gemini_contents(answer: dict[str, Any]) -> dict[str, Any]:
    hi = {"role": "user", "parts": [{"text": "hi"}]}
    return {"contents": [hi, answer["candidates"][0]["content"]]}


CLIENTS = [(CHAT, chat_turns), (RESPONSES, response_items), (GEMINI, gemini_contents)]


def carried(content: Any) -> list[dict[str, Any]]:
    """What every dialect has a place for; blanks around texts, which Anthropic refuses, aside."""
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    found: list[dict[str, Any]] = []
    for block in blocks:
        kept = {key: block[key] for key in MEMBERS if key in block}
        if block["type"] == "text" and found and found[-1]["type"] == "text":
            found[-1]["text"] += block["text"]
        elif block["type"] in CARRIED and (block["type"] != "text" or block["text"].strip()):
            found.append(kept)
    return [
        {**block, "text": block["text"].strip()} if "text" in block else block for block in found
    ]


@pytest.mark.parametrize(("client", "repeat"), CLIENTS, ids=lambda v: getattr(v, "name", None))
def test_thoughts_calls_and_texts_come_back_as_they_were(
    client: Dialect, repeat: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    for exchange in exchanges("anthropic_messages", "messages"):
        if exchange.status != 200:
            continue
        response = MESSAGES.parse_response(exchange.body)
        rendered = client.render_response(response, ChatRequest("m", ()))
        tree = repeat(msgspec.json.decode(rendered.body))
        request = client.parse_request(tree, {"model": "claude-sonnet-4-5"})
        turns = msgspec.json.decode(MESSAGES.render_request(request).body)["messages"]
        before = carried(json.loads(exchange.body)["content"])
        after = carried(turns[1]["content"]) if len(turns) > 1 else []
        assert after == before, exchange.id
