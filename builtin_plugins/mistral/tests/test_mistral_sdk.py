"""Mistral's official SDK against a gateway process: in front of Mistral, and of an OpenAI API."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from mistralai.client import Mistral
from mistralai.client.errors import HTTPValidationError, MistralError
from tests.faults.gateway import serving
from tests.openai_answers import USAGE, chunks, completion

from jackfield.testing import FakeUpstream

pytestmark = pytest.mark.asyncio(loop_scope="module")
Front = tuple[Mistral, FakeUpstream]
MESSAGES: Any = [{"role": "user", "content": "Weather in Rome?"}]
FUNCTION = {"name": "weather", "arguments": '{"city": "Rome"}'}
TOOLS: Any = [
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
]


def configuration(upstream: FakeUpstream) -> str:
    return f"""
[server]
bind = "127.0.0.1:0"
admin = ""
[upstream]
retries = 0
[providers.mi]
use = "mistral"
base_url = "{upstream.base_url}"
keys = ["env:UPSTREAM_KEY"]
[providers.oa]
use = "openai"
base_url = "{upstream.base_url}/v1"
dialects = ["openai.chat", "openai.embeddings"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    folder = tmp_path_factory.mktemp("gateway")
    async with (
        FakeUpstream() as upstream,
        serving(folder, configuration(upstream)) as gateway,
        Mistral(api_key="key", server_url=f"{gateway.url}/mistral", timeout_ms=20_000) as client,
    ):
        yield client, upstream


def sent(upstream: FakeUpstream, at: int = -1) -> Any:
    return json.loads(upstream.requests[at].body)


@pytest.mark.parametrize("model", ["mi/mistral-large", "oa/gpt"])
async def test_tool_calls_and_results_go_through_either_provider(front: Front, model: str) -> None:
    client, upstream = front
    call = {"id": "call_1", "type": "function", "function": FUNCTION}
    upstream.reply(completion({"content": "", "tool_calls": [call]}, "tool_calls"))
    upstream.reply(completion({"content": "It is sunny."}))
    first = await client.chat.complete_async(
        model=model, messages=MESSAGES, tools=TOOLS, tool_choice="any", random_seed=3, max_tokens=9
    )
    message = first.choices[0].message
    assert message is not None
    assert message.tool_calls
    identity = message.tool_calls[0].id
    result = {"role": "tool", "tool_call_id": identity, "name": "weather", "content": "Sunny"}
    second = await client.chat.complete_async(model=model, messages=[*MESSAGES, message, result])
    assert second.choices[0].message is not None
    assert second.choices[0].message.content == "It is sunny."
    assert second.usage.prompt_tokens == 30
    first_request, again = sent(upstream, -2), sent(upstream)
    native = model.startswith("mi/")
    assert first_request["random_seed" if native else "seed"] == 3
    assert first_request["tool_choice"] == ("any" if native else "required")
    assert again["messages"][1]["tool_calls"][0]["id"] == identity
    assert again["messages"][2]["tool_call_id"] == identity
    assert upstream.requests[-1].path == "/v1/chat/completions"


async def test_the_sdk_reads_a_stream_of_an_openai_api(front: Front) -> None:
    client, upstream = front
    call = {"index": 0, "id": "w_1", "type": "function", "function": FUNCTION}
    more = {"index": 0, "function": {"arguments": " "}}
    upstream.stream(
        chunks(
            {"reasoning_content": "Hm."},
            {"content": "Sun"},
            {"tool_calls": [call]},
            {"tool_calls": [more]},
            finish="tool_calls",
        )
    )
    stream = await client.chat.stream_async(model="oa/gpt", messages=MESSAGES, tools=TOOLS)
    events = [event.data async for event in stream]
    deltas: list[Any] = [event.choices[0].delta for event in events]
    assert deltas[1].content[0].thinking[0].text == "Hm."
    assert deltas[2].content == "Sun"
    assert deltas[3].tool_calls[0].function.arguments == '{"city": "Rome"} '
    assert events[-1].choices[0].finish_reason == "tool_calls"
    assert events[-1].usage is not None
    assert events[-1].usage.completion_tokens == 20
    assert sent(upstream)["stream_options"] == {"include_usage": True}


async def test_the_sdk_reads_a_stream_of_mistral(front: Front) -> None:
    client, upstream = front
    upstream.stream(chunks({"role": "assistant", "content": "Sun"}))
    stream = await client.chat.stream_async(model="mi/mistral-large", messages=MESSAGES)
    events = [event.data async for event in stream]
    assert events[0].choices[0].delta.content == "Sun"


async def test_a_schema_an_image_and_a_document_reach_an_openai_api(front: Front) -> None:
    client, upstream = front
    upstream.reply(completion({"content": '{"a":1}'}))
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    form: Any = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    content = [
        {"type": "image_url", "image_url": "data:image/png;base64,QUJD"},
        {"type": "document_url", "document_url": "data:application/pdf;base64,QUJD"},
    ]
    turns: Any = [{"role": "user", "content": content}]
    answer = await client.chat.complete_async(model="oa/gpt", messages=turns, response_format=form)
    assert answer.choices[0].message is not None
    assert answer.choices[0].message.content == '{"a":1}'
    image, file = sent(upstream)["messages"][0]["content"]
    assert image["image_url"]["url"] == "data:image/png;base64,QUJD"
    assert file["file"]["file_data"] == "data:application/pdf;base64,QUJD"
    assert sent(upstream)["response_format"]["json_schema"]["schema"] == schema


@pytest.mark.parametrize("status", [400, 404, 429])
async def test_an_error_of_either_provider_is_one_of_the_sdk(front: Front, status: int) -> None:
    client, upstream = front
    native = {"object": "error", "message": "too bad", "type": "x", "param": None, "code": "3"}
    for model, body in (("mi/m", native), ("oa/gpt", {"error": {"message": "too bad"}})):
        upstream.reply(json.dumps(body).encode(), status, {"retry-after": "0"})
        with pytest.raises(MistralError) as refused:
            await client.chat.complete_async(model=model, messages=MESSAGES, retries=None)
        assert refused.value.status_code == status
        assert json.loads(refused.value.body)["message"] == "too bad"


async def test_an_invalid_field_is_raised_in_the_sdks_form(front: Front) -> None:
    client, upstream = front
    detail = [{"type": "missing", "loc": ["body", "x"], "msg": "Field required", "input": None}]
    upstream.reply(json.dumps({"detail": detail}).encode(), 422)
    with pytest.raises(HTTPValidationError) as refused:
        await client.chat.complete_async(model="mi/m", messages=MESSAGES)
    assert refused.value.data.detail
    assert refused.value.data.detail[0].msg == "Field required"


async def test_the_sdk_reads_vectors_of_mistral_and_of_an_openai_api(front: Front) -> None:
    client, upstream = front
    vector = {"object": "embedding", "index": 0, "embedding": [0.25]}
    body = {"id": "e", "object": "list", "model": "m", "data": [vector], "usage": USAGE}
    for model in ("mi/mistral-embed", "oa/embed"):
        upstream.reply(json.dumps(body).encode())
        answer = await client.embeddings.create_async(model=model, inputs=["a"], output_dimension=1)
        assert answer.data[0].embedding == [0.25]
    assert sent(upstream, -2)["output_dimension"] == 1
    assert sent(upstream)["dimensions"] == 1


async def test_other_endpoints_reach_mistral_as_they_are(front: Front) -> None:
    client, upstream = front
    page = {"index": 0, "markdown": "# Hi", "images": [], "dimensions": None}
    usage = {"pages_processed": 1}
    upstream.reply(json.dumps({"pages": [page], "model": "ocr", "usage_info": usage}).encode())
    upstream.reply(completion({"content": "return x"}))
    read = await client.ocr.process_async(
        model="mi/mistral-ocr-latest",
        document={"type": "document_url", "document_url": "https://example.com/a.pdf"},
    )
    filled = await client.fim.complete_async(model="mi/codestral-latest", prompt="def f(x):")
    assert read.pages[0].markdown == "# Hi"
    assert filled.choices
    paths = [request.path for request in upstream.requests[-2:]]
    assert paths == ["/v1/ocr", "/v1/fim/completions"]
    assert [sent(upstream, at)["model"] for at in (-2, -1)] == [
        "mistral-ocr-latest",
        "codestral-latest",
    ]


async def test_the_models_are_listed_in_mistrals_form(front: Front) -> None:
    client, upstream = front
    upstream.reply(b'{"object":"list","data":[{"id":"mistral-large","created":5}]}')
    upstream.reply(b'{"object":"list","data":[]}')
    listed = await client.models.list_async()
    assert listed.data is not None
    assert "mi/mistral-large" in [getattr(one, "id", "") for one in listed.data]


async def test_a_document_of_a_library_may_be_large(front: Front) -> None:
    client, upstream = front
    whole = b"x" * (12 << 20)
    texts = dict.fromkeys(("name", "uploaded_by_type", "processing_status"), "any")
    absent = dict.fromkeys(("hash", "mime_type", "extension", "uploaded_by_id", "size"))
    document = {"id": "1", "library_id": "notes", "created_at": "2026-01-01T00:00:00Z"}
    state = {"process_status": "todo", "tokens_processing_total": 0}
    upstream.reply(json.dumps({**texts, **absent, **document, **state}).encode())
    made = await client.beta.libraries.documents.upload_async(
        library_id="notes", file={"file_name": "a.txt", "content": whole}
    )
    assert made.id == "1"
    assert whole in upstream.requests[-1].body
