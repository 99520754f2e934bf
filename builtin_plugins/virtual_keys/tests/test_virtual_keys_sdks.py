"""From `jackfield keys create` to the first answer, with the SDK of each vendor; and what each
raises when a key is not good, or not good for the request.
"""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.clients.gateway import serving

pytestmark = pytest.mark.timeout(120)

CONFIG = """
[server]
bind = "127.0.0.1:0"
admin = "unix:{folder}/admin.sock"
front_doors = ["openai", "anthropic", "gemini", "bedrock", "azure", "cohere", "mistral", "ollama"]

[providers.demo]

[prices."demo/echo"]
input = 200.00
output = 800.00

[plugins.virtual_keys]

[plugins.virtual_keys.organizations.acme]

[plugins.virtual_keys.projects.spent]
organization = "acme"

[plugins.budgets.limits.spent]
scope = "project:spent"
limit = "0.01"
"""
HELLO: Any = [{"role": "user", "content": "Hello"}]
MODEL, FORBIDDEN = "demo/echo", "demo/chat"


class Served(NamedTuple):
    """A gateway that serves, and the folder from which it is administered."""

    url: str
    folder: Path

    def jackfield(self, *words: str) -> Any:
        """What a command of the terminal answers."""
        done = subprocess.run(
            [sys.executable, "-m", "jackfield", *words, "--json"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("keys")
    with serving(folder, CONFIG.format(folder=folder)) as url:
        yield Served(url, folder)


@pytest.fixture(scope="module")
def key(served: Served) -> str:
    made = served.jackfield("keys", "create", "sdk", "--organization", "acme", "--models", MODEL)
    return str(made["key"])


@pytest.fixture(scope="module")
def spent(served: Served) -> str:
    """A key of a project whose budget has no room for any request."""
    return str(served.jackfield("keys", "create", "--project", "spent")["key"])


def openai(url: str, key: str, model: str) -> str:
    with importlib.import_module("openai").OpenAI(
        base_url=f"{url}/v1", api_key=key, max_retries=0
    ) as client:
        answer = client.chat.completions.create(model=model, messages=HELLO)
    return str(answer.choices[0].message.content)


def azure(url: str, key: str, model: str) -> str:
    with importlib.import_module("openai").AzureOpenAI(
        azure_endpoint=f"{url}/azure", api_version="2024-10-21", api_key=key, max_retries=0
    ) as client:
        answer = client.chat.completions.create(model=model, messages=HELLO)
    return str(answer.choices[0].message.content)


def azure_inference(url: str, key: str, model: str) -> str:
    inference = importlib.import_module("azure.ai.inference")
    credential = importlib.import_module("azure.core.credentials").AzureKeyCredential(key)
    with inference.ChatCompletionsClient(
        endpoint=f"{url}/azure/models", credential=credential, retry_total=0
    ) as client:
        answer = client.complete(model=model, messages=HELLO)
    return str(answer.choices[0].message.content)


def anthropic(url: str, key: str, model: str) -> str:
    with importlib.import_module("anthropic").Anthropic(
        base_url=f"{url}/anthropic", api_key=key, max_retries=0
    ) as client:
        answer = client.messages.create(model=model, max_tokens=100, messages=HELLO)
    return str(answer.content[0].text)


def google(url: str, key: str, model: str) -> str:
    genai = importlib.import_module("google.genai")
    with genai.Client(api_key=key, http_options={"base_url": f"{url}/gemini"}) as client:
        answer = client.models.generate_content(model=model, contents="Hello")
    return str(answer.text)


def aws(url: str, key: str, model: str) -> str:
    boto3 = importlib.import_module("boto3")
    config = importlib.import_module("botocore.config")
    made = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=f"{url}/bedrock",
        aws_access_key_id=key,
        aws_secret_access_key="any",
        config=config.Config(retries={"max_attempts": 0}),
    )
    messages = [{"role": "user", "content": [{"text": "Hello"}]}]
    with closing(made) as client:
        answer = client.converse(modelId=model, messages=messages)
    return str(answer["output"]["message"]["content"][0]["text"])


def cohere(url: str, key: str, model: str) -> str:
    with importlib.import_module("cohere").ClientV2(key, base_url=f"{url}/cohere") as client:
        answer = client.chat(model=model, messages=HELLO, request_options={"max_retries": 0})
    return str(answer.message.content[0].text)


def mistral(url: str, key: str, model: str) -> str:
    with importlib.import_module("mistralai.client").Mistral(
        api_key=key, server_url=f"{url}/mistral"
    ) as client:
        answer = client.chat.complete(model=model, messages=HELLO)
    return str(answer.choices[0].message.content)


def ollama(url: str, key: str, model: str) -> str:
    with importlib.import_module("ollama").Client(
        host=f"{url}/ollama", headers={"Authorization": f"Bearer {key}"}
    ) as client:
        return str(client.chat(model=model, messages=HELLO).message.content)


def groq(url: str, key: str, model: str) -> str:
    with importlib.import_module("groq").Groq(base_url=url, api_key=key, max_retries=0) as client:
        answer = client.chat.completions.create(model=model, messages=HELLO)
    return str(answer.choices[0].message.content)


class Sdk(NamedTuple):
    """A vendor's SDK: how it sends a chat, and what it raises for status 401, 403 and 429."""

    module: str
    send: Callable[[str, str, str], str]
    unknown: str
    forbidden: str
    limited: str


SDKS = [
    Sdk("openai", openai, "AuthenticationError", "PermissionDeniedError", "RateLimitError"),
    Sdk("openai", azure, "AuthenticationError", "PermissionDeniedError", "RateLimitError"),
    Sdk(
        "azure.ai.inference",
        azure_inference,
        "ClientAuthenticationError",
        "HttpResponseError",
        "HttpResponseError",
    ),
    Sdk("anthropic", anthropic, "AuthenticationError", "PermissionDeniedError", "RateLimitError"),
    Sdk("google.genai", google, "ClientError", "ClientError", "ClientError"),
    Sdk("boto3", aws, "AccessDeniedException", "AccessDeniedException", "ThrottlingException"),
    Sdk("cohere", cohere, "UnauthorizedError", "ForbiddenError", "TooManyRequestsError"),
    Sdk("mistralai.client", mistral, "SDKError", "SDKError", "SDKError"),
    Sdk("ollama", ollama, "ResponseError", "ResponseError", "ResponseError"),
    Sdk("groq", groq, "AuthenticationError", "PermissionDeniedError", "RateLimitError"),
]
each_sdk = pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.send.__name__)


@each_sdk
def test_the_first_answer_of_each_sdk_is_one_key_away(served: Served, key: str, sdk: Sdk) -> None:
    pytest.importorskip(sdk.module)
    assert "Hello" in sdk.send(served.url, key, MODEL)


@each_sdk
def test_each_sdk_raises_its_own_exception_for_a_wrong_key(
    served: Served, key: str, sdk: Sdk
) -> None:
    pytest.importorskip(sdk.module)
    with pytest.raises(Exception, match="mistyped or incomplete") as refused:
        sdk.send(served.url, key[:-1] + ("a" if key[-1] != "a" else "b"), MODEL)
    assert type(refused.value).__name__ == sdk.unknown


@each_sdk
def test_each_sdk_raises_its_own_exception_for_what_a_key_does_not_allow(
    served: Served, key: str, sdk: Sdk
) -> None:
    pytest.importorskip(sdk.module)
    with pytest.raises(Exception, match=f"may not use the model '{FORBIDDEN}'") as refused:
        sdk.send(served.url, key, FORBIDDEN)
    assert type(refused.value).__name__ == sdk.forbidden


@each_sdk
def test_each_sdk_raises_its_own_exception_for_a_budget_that_is_spent(
    served: Served, spent: str, sdk: Sdk
) -> None:
    pytest.importorskip(sdk.module)
    with pytest.raises(Exception, match="The budget 'spent'") as refused:
        sdk.send(served.url, spent, MODEL)
    assert type(refused.value).__name__ == sdk.limited


def test_a_key_is_rotated_and_revoked_while_the_gateway_serves(served: Served) -> None:
    pytest.importorskip("openai")
    made = served.jackfield("keys", "create", "--organization", "acme")
    again = served.jackfield("keys", "rotate", made["id"], "--grace", "1h")
    for text in (made["key"], again["key"]):
        assert "Hello" in openai(served.url, text, MODEL)
    served.jackfield("keys", "revoke", made["id"])
    for text in (made["key"], again["key"]):
        with pytest.raises(Exception, match=r"revoked|unknown"):
            openai(served.url, text, MODEL)
