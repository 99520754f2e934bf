"""What the SDKs do by themselves: they call tools, keep conversations, and speak for clouds."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from anthropic import (
    Anthropic,
    AnthropicAWS,
    AnthropicBedrock,
    AnthropicBedrockMantle,
    AnthropicFoundry,
    AnthropicVertex,
    beta_tool,
)
from openai import BedrockOpenAI
from tests.clients.gateway import serving

genai = pytest.importorskip("google.genai")
mistral = pytest.importorskip("mistralai.azure.client")

TOML = """
[server]
bind = "127.0.0.1:0"
admin = ""
front_doors = ["openai", "anthropic", "gemini", "bedrock", "azure", "vertex"]
[providers.demo]
tokens_per_second = 0
"""
MESSAGES: Any = [{"role": "user", "content": "Hello"}]
WEATHER: Any = [{"role": "user", "content": 'The weather in "Paris", please.'}]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a gateway whose only provider needs no network."""
    with serving(tmp_path_factory.mktemp("demo"), TOML) as url:
        yield url


@beta_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def test_a_tool_runner_of_anthropic_calls_and_goes_on(demo: str) -> None:
    with Anthropic(base_url=f"{demo}/anthropic", api_key="any") as client:
        runner = client.beta.messages.tool_runner(
            model="demo/chat", max_tokens=100, tools=[get_weather], messages=WEATHER
        )
        first, last = list(runner)
    assert [block.type for block in first.content] == ["tool_use"]
    (block,) = last.content
    assert block.type == "text"
    assert "sunny in Paris" in block.text


def test_a_thread_of_anthropic_sends_all_of_its_turns(demo: str) -> None:
    with Anthropic(base_url=f"{demo}/anthropic", api_key="any") as client:
        thread = client.beta.messages.thread(model="demo/echo", max_tokens=100)
        answers = [thread.send({"role": "user", "content": word}) for word in ("one", "two")]
    texts = [block.text for message in answers for block in message.content if block.type == "text"]
    assert texts == ["You said: one", "You said: two"]
    assert [message["role"] for message in thread.messages] == ["user", "assistant"] * 2
    assert answers[1].usage.input_tokens > answers[0].usage.input_tokens


def test_a_chat_of_google_calls_a_function_and_goes_on(demo: str) -> None:
    options = {"base_url": f"{demo}/gemini"}
    with closing(genai.Client(api_key="any", http_options=options)) as client:
        chat = client.chats.create(model="demo/chat", config={"tools": [weather]})
        answer = chat.send_message('The weather in "Oslo", please.')
    assert "sunny in Oslo" in answer.text
    assert len(chat.get_history()) == 4


AWS: Any = {"aws_region": "us-east-1"}
CLAUDES: dict[str, Callable[[str], Any]] = {
    "AnthropicBedrock": lambda url: AnthropicBedrock(
        base_url=f"{url}/bedrock", aws_access_key="any", aws_secret_key="any", **AWS
    ),
    "AnthropicVertex": lambda url: AnthropicVertex(
        base_url=f"{url}/vertex/v1", project_id="any", region="any", access_token="any"
    ),
    "AnthropicFoundry": lambda url: AnthropicFoundry(base_url=f"{url}/anthropic", api_key="any"),
    "AnthropicAWS": lambda url: AnthropicAWS(
        base_url=f"{url}/anthropic", api_key="any", workspace_id="any", **AWS
    ),
    "AnthropicBedrockMantle": lambda url: AnthropicBedrockMantle(
        base_url=f"{url}/anthropic", api_key="any", **AWS
    ),
}


@pytest.mark.parametrize("made", CLAUDES.values(), ids=CLAUDES)
def test_each_cloud_client_of_anthropic_is_answered(demo: str, made: Callable[[str], Any]) -> None:
    with made(demo) as client:
        whole = client.messages.create(model="demo/echo", max_tokens=50, messages=MESSAGES)
        with client.messages.stream(model="demo/echo", max_tokens=50, messages=MESSAGES) as stream:
            streamed = stream.get_final_message()
    assert whole.content[0].text == streamed.content[0].text == "You said: Hello"


def test_the_client_of_openai_for_bedrock_is_answered(demo: str) -> None:
    url = f"{demo}/bedrock/openai/v1"
    with BedrockOpenAI(base_url=url, api_key="any", aws_region="us-east-1") as client:
        chat = client.chat.completions.create(model="demo/echo", messages=MESSAGES)
        response = client.responses.create(model="demo/echo", input="Hello")
    assert chat.choices[0].message.content == response.output_text == "You said: Hello"


def test_the_client_of_mistral_for_azure_is_answered(demo: str) -> None:
    with mistral.MistralAzure(api_key="any", server_url=f"{demo}/azure") as client:
        answer = client.chat.complete(model="demo/echo", messages=MESSAGES)
    assert answer.choices[0].message.content == "You said: Hello"
