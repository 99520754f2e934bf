"""What a model thought goes back to its vendor signed, through the SDKs of other vendors."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from openai import OpenAI
from tests.clients.recording import Recording, recording
from tests.clients.upstream import Upstream
from tests.clients.vendors import VENDORS
from tests.clients.weather import QUESTION, RESULT, SCHEMA
from tests.corpus import needs_corpus

pytestmark = needs_corpus
CLAUDE = VENDORS["anthropic"]


@pytest.fixture
def thought(upstream: Upstream) -> Iterator[Recording]:
    """A thought and a call of a tool, and thereafter an answer; the thought has to come back."""
    answered = recording("anthropic-messages-f391bb6eb6")
    upstream.plays(answered, CLAUDE.recorded("answer"))
    yield answered
    (signed,) = [block for block in answered.body["content"] if block["type"] == "thinking"]
    turns = upstream.received[-1].body["messages"]
    assert signed in [block for turn in turns for block in turn["content"] if block != QUESTION]


def test_through_chat_completions(gateway: str, thought: Recording) -> None:
    ((name, _),) = thought.calls
    tools: Any = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}}]
    turns: Any = [{"role": "user", "content": QUESTION}]
    with OpenAI(base_url=f"{gateway}/v1", api_key="any") as client:
        chats = client.chat.completions
        message = chats.create(model=CLAUDE.model, messages=turns, tools=tools).choices[0].message
        (call,) = message.tool_calls or []
        turns += [message, {"role": "tool", "tool_call_id": call.id, "content": RESULT}]
        chats.create(model=CLAUDE.model, messages=turns, tools=tools)


def test_through_responses(gateway: str, thought: Recording) -> None:
    ((name, _),) = thought.calls
    tools: Any = [{"type": "function", "name": name, "parameters": SCHEMA}]
    turns: Any = [{"role": "user", "content": QUESTION}]
    fields: Any = {"model": CLAUDE.model, "tools": tools, "store": False}
    with OpenAI(base_url=f"{gateway}/v1", api_key="any") as client:
        include: Any = ["reasoning.encrypted_content"]
        answer = client.responses.create(input=turns, include=include, **fields)
        (call,) = [item for item in answer.output if item.type == "function_call"]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}
        turns += [*answer.output, result]
        client.responses.create(input=turns, **fields)


def test_through_google(gateway: str, thought: Recording) -> None:
    genai = pytest.importorskip("google.genai")
    ((name, _),) = thought.calls
    functions = [{"name": name, "parameters_json_schema": SCHEMA}]
    options = {"base_url": f"{gateway}/gemini"}
    with genai.Client(api_key="any", http_options=options) as client:
        tools = {"tools": [{"function_declarations": functions}]}
        chat = client.chats.create(model=CLAUDE.model, config=tools)
        (call,) = chat.send_message(QUESTION).function_calls
        result = {"id": call.id, "name": name, "response": {"output": RESULT}}
        chat.send_message(genai.types.Part(function_response=result))


def test_through_bedrock(gateway: str, thought: Recording) -> None:
    boto3 = pytest.importorskip("boto3")
    ((name, _),) = thought.calls
    tools = {"tools": [{"toolSpec": {"name": name, "inputSchema": {"json": SCHEMA}}}]}
    turns = [{"role": "user", "content": [{"text": QUESTION}]}]
    runtime = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=f"{gateway}/bedrock",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    with closing(runtime) as client:
        answer = client.converse(modelId=CLAUDE.model, messages=turns, toolConfig=tools)
        message = answer["output"]["message"]
        (use,) = [block["toolUse"] for block in message["content"] if "toolUse" in block]
        result = {"toolUseId": use["toolUseId"], "content": [{"text": RESULT}]}
        turns += [message, {"role": "user", "content": [{"toolResult": result}]}]
        client.converse(modelId=CLAUDE.model, messages=turns, toolConfig=tools)


def test_through_mistral(gateway: str, thought: Recording) -> None:
    sdk = pytest.importorskip("mistralai.client")
    ((name, _),) = thought.calls
    tools = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}}]
    turns: list[Any] = [{"role": "user", "content": QUESTION}]
    with sdk.Mistral(api_key="any", server_url=f"{gateway}/mistral") as client:
        answer = client.chat.complete(model=CLAUDE.model, messages=turns, tools=tools)
        message = answer.choices[0].message
        call_id = message.tool_calls[0].id
        turns += [message, {"role": "tool", "tool_call_id": call_id, "content": RESULT}]
        client.chat.complete(model=CLAUDE.model, messages=turns, tools=tools)


def test_through_cohere(gateway: str, thought: Recording) -> None:
    cohere = pytest.importorskip("cohere")
    ((name, _),) = thought.calls
    tools = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}}]
    turns: list[Any] = [{"role": "user", "content": QUESTION}]
    with cohere.ClientV2("any", base_url=f"{gateway}/cohere") as client:
        message = client.chat(model=CLAUDE.model, messages=turns, tools=tools).message
        call_id = message.tool_calls[0].id
        turns += [message, {"role": "tool", "tool_call_id": call_id, "content": RESULT}]
        client.chat(model=CLAUDE.model, messages=turns, tools=tools)
