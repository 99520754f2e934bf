"""Each vendor's SDK finds the gateway's id of a request where it looks for one."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from anthropic import Anthropic, APIStatusError
from openai import APIStatusError as OpenAIError
from openai import OpenAI
from tests.clients.gateway import serving
from tests.clients.serving import serving_in_a_thread

boto3 = pytest.importorskip("boto3")
config = pytest.importorskip("botocore.config")
ClientError = pytest.importorskip("botocore.exceptions").ClientError

TOML = """
[server]
bind = "127.0.0.1:0"
admin = ""
front_doors = ["openai", "anthropic", "bedrock"]
[providers.anthropic]
base_url = "{url}"
allow_http = true
"""
OWN_ID = {"x-request-id": "own-1"}
PROVIDER_ID = "x-jackfield-provider-request-id"
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**MESSAGE, "stop_reason": None}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
]
REFUSED = {"type": "error", "error": {"type": "invalid_request_error", "message": "No."}}
MODELS = ["anthropic/refused", "m" * 257]
"""One that the provider refuses, and one that the gateway does."""


async def vendor(request: web.Request) -> web.Response:
    body, headers = await request.json(), {"request-id": "req_provider"}
    if body["model"] == "refused":
        return web.json_response(REFUSED, status=400, headers=headers)
    if body.get("stream"):
        played = [REFUSED] if body["model"] == "broken" else EVENTS
        events = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in played]
        return web.Response(text="".join(events), content_type="text/event-stream", headers=headers)
    return web.json_response(MESSAGE, headers=headers)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    with serving_in_a_thread(vendor) as url, serving(folder, TOML.format(url=url)) as address:
        yield address


@pytest.fixture(scope="module")
def anthropic(gateway: str) -> Iterator[Anthropic]:
    with Anthropic(base_url=f"{gateway}/anthropic", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def openai(gateway: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway}/v1", api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def aws(gateway: str) -> Iterator[Any]:
    made = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=f"{gateway}/bedrock",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=config.Config(retries={"max_attempts": 0}),
    )
    with closing(made) as client:
        yield client


def message(model: str) -> Any:
    turns = [{"role": "user", "content": "Hi"}]
    return {"model": model, "max_tokens": 9, "messages": turns, "extra_headers": OWN_ID}


def conversation(model: str) -> Any:
    return {"modelId": model, "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def test_anthropic_finds_the_id_of_a_message(anthropic: Anthropic) -> None:
    raw = anthropic.messages.with_raw_response.create(**message("anthropic/m"))
    assert raw.parse()._request_id == "own-1"
    assert (raw.headers["x-request-id"], raw.headers[PROVIDER_ID]) == ("own-1", "req_provider")


def test_anthropic_finds_the_id_of_a_stream(anthropic: Anthropic) -> None:
    with anthropic.messages.stream(**message("anthropic/m")) as stream:
        assert stream.get_final_message().stop_reason == "end_turn"
        assert stream.request_id == "own-1"
        assert stream.response.headers[PROVIDER_ID] == "req_provider"


@pytest.mark.parametrize("model", MODELS)
def test_anthropic_finds_the_id_of_an_error(anthropic: Anthropic, model: str) -> None:
    with pytest.raises(APIStatusError) as caught:
        anthropic.messages.create(**message(model))
    assert caught.value.request_id == "own-1"


def test_anthropic_finds_the_id_of_what_was_no_request_at_all(anthropic: Anthropic) -> None:
    with pytest.raises(APIStatusError) as caught:
        anthropic.get("/v1//models", cast_to=object, options={"headers": OWN_ID})
    assert (caught.value.status_code, caught.value.request_id) == (404, "own-1")


def test_aws_finds_the_id_of_an_answer(aws: Any) -> None:
    metadata = aws.converse(**conversation("anthropic/m"))["ResponseMetadata"]
    assert metadata["RequestId"] == metadata["HTTPHeaders"]["x-request-id"]
    assert metadata["HTTPHeaders"][PROVIDER_ID] == "req_provider"


def test_aws_finds_the_id_of_a_stream(aws: Any) -> None:
    answer = aws.converse_stream(**conversation("anthropic/m"))
    assert [name for event in answer["stream"] for name in event][-1] == "metadata"
    metadata = answer["ResponseMetadata"]
    assert metadata["RequestId"] == metadata["HTTPHeaders"]["x-request-id"]


@pytest.mark.parametrize("model", MODELS)
def test_aws_finds_the_id_of_an_error(aws: Any, model: str) -> None:
    with pytest.raises(ClientError) as caught:
        aws.converse(**conversation(model))
    metadata = caught.value.response["ResponseMetadata"]
    assert metadata["RequestId"] == metadata["HTTPHeaders"]["x-request-id"]


def test_openai_finds_the_id_of_an_answer(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(**message("anthropic/m"))
    assert answer._request_id == "own-1"


@pytest.mark.parametrize(("model", "stream"), [("refused", False), ("broken", True)])
def test_openai_finds_both_ids_of_an_error(openai: OpenAI, model: str, stream: bool) -> None:
    with pytest.raises(OpenAIError) as caught:
        openai.chat.completions.create(**message(f"anthropic/{model}"), stream=stream)
    assert caught.value.request_id == "own-1"
    assert caught.value.response.headers[PROVIDER_ID] == "req_provider"
