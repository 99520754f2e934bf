"""What a target cannot express: each official SDK raises its 400, and nothing reaches a vendor."""

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from aiohttp import web
from attrs import frozen
from tests.clients.gateway import serving
from tests.clients.serving import serving_in_a_thread

boto3 = pytest.importorskip("boto3")
ClientError = pytest.importorskip("botocore.exceptions").ClientError
cohere = pytest.importorskip("cohere")
genai = pytest.importorskip("google.genai")
mistral = pytest.importorskip("mistralai.client")
MistralError = pytest.importorskip("mistralai.client.errors").SDKError
ollama = pytest.importorskip("ollama")

TOML = """
[server]
bind = "127.0.0.1:0"
admin = ""
front_doors = ["openai", "anthropic", "gemini", "bedrock", "cohere", "mistral", "ollama"]
[providers.chat]
use = "openai"
base_url = "{url}/v1"
dialects = ["openai.chat"]
[providers.own]
use = "ollama"
base_url = "{url}"
dialects = ["ollama.chat"]
"""
ODD: Any = {"type": "odd", "x": 1}


@frozen
class Case:
    """A model, the request that an SDK sends to it, and the SDK's own error with its message."""

    model: str
    send: Callable[[str, str, Any], object]
    content: Any
    error: Any
    words: str


@pytest.fixture(scope="module")
def sent() -> list[str]:
    """The paths of what has reached the vendor."""
    return []


@pytest.fixture(scope="module")
def gateway(sent: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    async def vendor(request: web.Request) -> web.Response:
        sent.append(request.path)
        return web.json_response({"error": {"message": "It has been sent."}}, status=500)

    with (
        serving_in_a_thread(vendor) as url,
        serving(tmp_path_factory.mktemp("gateway"), TOML.format(url=url)) as address,
    ):
        yield address


def messages_of(*content: Any) -> Any:
    return [{"role": "user", "content": list(content)}]


def send_openai(gateway: str, model: str, messages: Any) -> object:
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key="any", max_retries=0) as client:
        return client.chat.completions.create(model=model, messages=messages)


def send_responses(gateway: str, model: str, items: Any) -> object:
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key="any", max_retries=0) as client:
        return client.responses.create(model=model, input=items)


def send_anthropic(gateway: str, model: str, messages: Any) -> object:
    made = anthropic.Anthropic(base_url=f"{gateway}/anthropic", api_key="any", max_retries=0)
    with made as client:
        return client.messages.create(model=model, max_tokens=9, messages=messages)


def send_gemini(gateway: str, model: str, part: Any) -> object:
    options = genai.types.HttpOptions(base_url=f"{gateway}/gemini")
    with genai.Client(api_key="any", http_options=options) as client:
        contents = [{"role": "user", "parts": [part]}]
        return client.models.generate_content(model=model, contents=contents)


def send_bedrock(gateway: str, model: str, messages: Any) -> object:
    client = boto3.client(
        "bedrock-runtime",
        region_name="eu-central-1",
        endpoint_url=f"{gateway}/bedrock",
        aws_access_key_id="any",
        aws_secret_access_key="any",
    )
    return client.converse(modelId=model, messages=messages)


def send_cohere(gateway: str, model: str, messages: Any) -> object:
    with cohere.ClientV2("any", base_url=f"{gateway}/cohere") as client:
        return client.chat(model=model, messages=messages)


def send_mistral(gateway: str, model: str, messages: Any) -> object:
    with mistral.Mistral(api_key="any", server_url=f"{gateway}/mistral") as client:
        return client.chat.complete(model=model, messages=messages)


def send_ollama(gateway: str, model: str, messages: Any) -> object:
    with ollama.Client(host=f"{gateway}/ollama") as client:
        return client.chat(model=model, messages=messages)


VIDEO = {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/key"}}}
REFERENCE = {"type": "reference", "reference_ids": [1]}
CODE = {"executable_code": {"code": "1", "language": "PYTHON"}}
BAD = openai.BadRequestError
ANTHROPICS, GOOGLES, COHERES = (
    anthropic.BadRequestError,
    genai.errors.ClientError,
    cohere.BadRequestError,
)
CASES = [
    Case("own/m", send_openai, messages_of(ODD), BAD, r"messages\[0\].content\[0\]: messages.odd"),
    Case("own/m", send_openai, [], BAD, "'messages'"),
    Case("own/m", send_responses, [ODD], BAD, r"input\[0\]: messages.odd"),
    Case("chat/m", send_responses, [{"type": "item_reference", "id": "x"}], BAD, r"input\[0\]"),
    Case("chat/m", send_responses, [], BAD, "'input'"),
    Case("chat/m", send_anthropic, messages_of(ODD), ANTHROPICS, r"content\[0\]: messages.odd"),
    Case("own/m", send_anthropic, [], ANTHROPICS, "'messages'"),
    Case("chat/m", send_gemini, CODE, GOOGLES, r"parts\[0\]: messages.executableCode"),
    Case(
        "own/m",
        send_bedrock,
        messages_of({"video": VIDEO}),
        ClientError,
        r"content\[0\]: messages.video",
    ),
    Case("chat/m", send_bedrock, [], ClientError, "ValidationException.*'messages'"),
    Case("chat/m", send_cohere, messages_of(ODD), COHERES, r"content\[0\]: messages.odd"),
    Case("own/m", send_cohere, [], COHERES, "'messages'"),
    Case("own/m", send_mistral, messages_of(REFERENCE), MistralError, r"content\[0\]: .*reference"),
    Case("chat/m", send_ollama, [], ollama.ResponseError, "'messages' is empty"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.send.__name__}-{case.words}")
def test_what_cannot_be_expressed_raises_the_sdks_bad_request(
    gateway: str, sent: list[str], case: Case
) -> None:
    with pytest.raises(case.error, match=case.words) as refused:
        case.send(gateway, case.model, case.content)
    assert status_of(refused.value) == 400
    assert not sent


def status_of(error: Any) -> int:
    if isinstance(error, ClientError):
        return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
    return int(getattr(error, "status_code", None) or error.code)
