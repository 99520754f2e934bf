"""Other vendors' proofs in a client's own bytes: an API of OpenAI's kind does not get them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jackfield.messages import Message, Reasoning, Text
from jackfield.proofs import seal
from jackfield.testing import FakeUpstream, run_gateway
from jackfield_openai.chat_assistant import write_assistant
from jackfield_openai.foreign_proofs import without_foreign_proofs

THOUGHT = Reasoning("Hm.", signature="c2ln", extensions={"anthropic.messages": {}})
OWN = {"type": "reasoning.text", "text": "Mine.", "signature": "s", "index": 9}
QUESTION = {"role": "user", "content": "And then?"}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
CHAT = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}


def assistant_message() -> dict[str, Any]:
    return write_assistant(Message("assistant", (THOUGHT, Text("Yes."))), "", [], answer=True)


def kept(tree: dict[str, Any]) -> Any:
    return json.loads(without_foreign_proofs(json.dumps(tree).encode()))


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def test_a_thought_goes_with_its_proof_and_the_rest_stays() -> None:
    tree = {"model": "m", "messages": [QUESTION, assistant_message(), QUESTION]}
    assert kept(tree)["messages"] == [QUESTION, {"role": "assistant", "content": "Yes."}, QUESTION]


def test_openrouters_own_details_stay() -> None:
    message = assistant_message()
    message["reasoning_details"].append(OWN)
    (left,) = kept({"model": "m", "messages": [message]})["messages"]
    assert left["reasoning_details"] == [OWN]


def test_a_reasoning_item_goes_with_its_proof() -> None:
    item: dict[str, Any] = {"type": "reasoning", "summary": []}
    item["encrypted_content"] = seal(THOUGHT)
    own = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}
    assert kept({"model": "m", "input": [item, own, QUESTION]})["input"] == [own, QUESTION]


def test_a_body_without_a_proof_is_not_touched() -> None:
    body = b'{ "model":"m" , "messages":[]}'
    assert without_foreign_proofs(body) is body


@pytest.mark.parametrize(
    "tree",
    [{"messages": None}, {"messages": [1, {"reasoning_details": 1}]}, {"input": "jackfield."}],
)
def test_odd_shapes_stay_as_they_are(tree: dict[str, Any]) -> None:
    tree["user"] = "jackfield."
    assert kept(tree) == tree


async def test_the_gateway_passes_on_what_is_left(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps(CHAT).encode())
    toml = f'[providers.up]\nuse = "openai"\nbase_url = "{upstream.base_url}/v1"\n'
    async with run_gateway(toml) as gateway:
        question = {"model": "up/m", "messages": [QUESTION, assistant_message(), QUESTION]}
        answer = await gateway.post("/v1/chat/completions", json=question)
    assert answer.status == 200
    assert b"jackfield." not in upstream.requests[0].body
    assert json.loads(upstream.requests[0].body)["messages"][1]["content"] == "Yes."
