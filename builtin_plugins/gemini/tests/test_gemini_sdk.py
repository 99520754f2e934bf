"""Google's official SDK against a gateway process: in front of Gemini, and of an OpenAI API."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pydantic
import pytest
import pytest_asyncio
from google import genai
from google.genai import errors, types
from tests.faults.gateway import serving
from tests.openai_answers import chunks, completion

from jackfield import sse
from jackfield.testing import FakeUpstream

pytestmark = pytest.mark.asyncio(loop_scope="module")
Front = tuple[genai.client.AsyncClient, FakeUpstream]
ASK = "Weather in Rome?"
USAGE = {"promptTokenCount": 30, "candidatesTokenCount": 20, "totalTokenCount": 50}
CALL = {"name": "weather", "arguments": '{"city":"Rome"}'}
PNG = b"\x89PNG\r\n\x1a\n"


class City(pydantic.BaseModel):
    """What the structured answer holds."""

    name: str


def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}"


def content(*parts: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **members}
    return {
        "candidates": [candidate],
        "usageMetadata": USAGE,
        "modelVersion": "gemini-3-flash",
        "responseId": "r-1",
    }


def answer(*parts: Mapping[str, Any]) -> bytes:
    return json.dumps(content(*parts, finishReason="STOP")).encode()


def configuration(upstream: FakeUpstream) -> str:
    return f"""
[server]
bind = "127.0.0.1:0"
admin = ""
[upstream]
retries = 0
[providers.gm]
use = "gemini"
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
        httpx.AsyncClient(timeout=20) as http,
    ):
        base_url = f"{gateway.url}/gemini"
        options = types.HttpOptions(base_url=base_url, httpx_async_client=http)
        client = genai.Client(api_key="client-key", http_options=options)
        try:
            yield client.aio, upstream
        finally:
            await client.aio.aclose()
            client.close()


def sent(upstream: FakeUpstream) -> Any:
    return json.loads(upstream.requests[-1].body)


async def test_a_loop_of_tools_with_gemini(front: Front) -> None:
    aio, upstream = front
    call = {
        "functionCall": {"name": "weather", "args": {"city": "Rome"}},
        "thoughtSignature": "c2ln",
    }
    upstream.reply(answer(call))
    upstream.reply(answer({"text": "It is sunny."}))
    config = types.GenerateContentConfig(tools=[weather])
    response = await aio.models.generate_content(
        model="gm/gemini-3-flash", contents=ASK, config=config
    )
    assert response.text == "It is sunny."
    assert upstream.requests[-1].path == "/v1/models/gemini-3-flash:generateContent"
    assert upstream.requests[-1].headers["x-goog-api-key"] != "client-key"
    assert sent(upstream)["contents"][1]["parts"][0]["thoughtSignature"] == "c2ln"
    result = sent(upstream)["contents"][2]["parts"][0]["functionResponse"]
    assert result["response"] == {"result": "Sunny in Rome"}


async def test_a_loop_of_tools_with_an_openai_api(front: Front) -> None:
    aio, upstream = front
    called = {"id": "w_1", "type": "function", "function": CALL}
    upstream.reply(completion({"content": None, "tool_calls": [called]}, "tool_calls"))
    upstream.reply(completion({"content": "It is sunny."}))
    config = types.GenerateContentConfig(tools=[weather], max_output_tokens=9)
    response = await aio.models.generate_content(model="oa/gpt", contents=ASK, config=config)
    assert response.text == "It is sunny."
    assert response.usage_metadata is not None
    assert response.usage_metadata.prompt_token_count == 30
    request = sent(upstream)
    assert request["max_completion_tokens"] == 9
    assert request["messages"][1]["tool_calls"] == [called]
    assert request["messages"][2]["tool_call_id"] == "w_1"
    assert request["tools"][0]["function"]["parameters"]["properties"]["city"]["type"] == "string"


async def test_a_stream_of_gemini(front: Front) -> None:
    aio, upstream = front
    values = [content({"text": "Sun"}), content({"text": "ny."}, finishReason="STOP")]
    upstream.stream([sse.encode(json.dumps(value).encode()) for value in values])
    stream = await aio.models.generate_content_stream(model="gm/gemini-3-flash", contents=ASK)
    found = [chunk async for chunk in stream]
    assert [chunk.text for chunk in found] == ["Sun", "ny."]
    assert upstream.requests[-1].path.endswith(":streamGenerateContent?alt=sse")


async def test_a_chat_of_streams_with_an_openai_api_keeps_its_history(front: Front) -> None:
    aio, upstream = front
    call = {"index": 0, "id": "w_1", "type": "function", "function": CALL}
    thought = ({"reasoning_content": "H"}, {"reasoning_content": "m."})
    deltas = (*thought, {"content": "Sun"}, {"tool_calls": [call]})
    upstream.stream(chunks(*deltas, finish="tool_calls"))
    chat = aio.chats.create(model="oa/gpt")
    found: list[Any] = [chunk async for chunk in await chat.send_message_stream(ASK)]
    parts: list[Any] = [p for c in found if c.candidates for p in c.candidates[0].content.parts]
    thoughts = [(part.text, part.thought_signature is None) for part in parts if part.thought]
    assert thoughts == [("H", True), ("m.", False)]  # the AI SDK reads no proof without a text
    assert [p.function_call.id for p in parts if p.function_call] == ["w_1"]
    last: Any = found[-1]
    assert last.candidates[0].finish_reason == types.FinishReason.STOP
    assert last.usage_metadata.candidates_token_count == 20
    upstream.reply(completion({"content": "Bye."}))
    response = types.Part.from_function_response(name="weather", response={"output": "Sunny"})
    assert (await chat.send_message([response])).text == "Bye."
    roles = [message["role"] for message in sent(upstream)["messages"]]
    assert roles == ["user", "assistant", "tool"]
    assert sent(upstream)["messages"][1]["reasoning_content"] == "Hm."
    assert sent(upstream)["messages"][2]["tool_call_id"] == "w_1"


async def test_a_stream_with_unicodes_line_breaks(front: Front) -> None:
    aio, upstream = front
    text = "one\u2028two\u2029three\x85four"
    upstream.stream(chunks({"content": text}, finish="stop"))
    stream = await aio.models.generate_content_stream(model="oa/gpt", contents="Hi")
    assert "".join([chunk.text or "" async for chunk in stream]) == text


async def test_an_answer_in_a_schema_and_a_question_with_an_image(front: Front) -> None:
    aio, upstream = front
    upstream.reply(completion({"content": '{"name":"Rome"}'}))
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=City, system_instruction="Be brief."
    )
    image = types.Part.from_bytes(data=PNG, mime_type="image/png")
    response = await aio.models.generate_content(
        model="oa/gpt", contents=[image, "Which city?"], config=config
    )
    assert response.parsed == City(name="Rome")
    request = sent(upstream)
    assert request["messages"][0] == {"role": "system", "content": "Be brief."}
    assert request["messages"][1]["content"][0]["image_url"]["url"].startswith(
        "data:image/png;base64"
    )
    schema = request["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["name"]["type"] == "string"


@pytest.mark.parametrize("model", ["gm/gemini-3-flash", "oa/gpt"])
async def test_an_error_is_the_sdks_own(front: Front, model: str) -> None:
    aio, upstream = front
    failure: dict[str, Any] = {"code": 429, "message": "Slow down.", "status": "RESOURCE_EXHAUSTED"}
    if model.startswith("oa"):
        failure = {"message": "Slow down.", "type": "rate_limit_error", "code": None}
    upstream.reply(json.dumps({"error": failure}).encode(), 429)
    with pytest.raises(errors.ClientError) as caught:
        await aio.models.generate_content(model=model, contents=ASK)
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert caught.value.message == "Slow down."


async def test_an_error_in_a_stream_is_the_sdks_own(front: Front) -> None:
    aio, upstream = front
    failure = {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}
    values = [content({"text": "Sun"}), failure]
    upstream.stream([sse.encode(json.dumps(value).encode()) for value in values])
    stream = await aio.models.generate_content_stream(model="gm/gemini-3-flash", contents=ASK)
    assert (await anext(stream)).text == "Sun"
    with pytest.raises(errors.APIError, match="Overloaded"):
        await anext(stream)


async def test_embeddings_and_counts(front: Front) -> None:
    aio, upstream = front
    vectors = [{"embedding": [0.5, 1.0], "index": 0, "object": "embedding"}]
    body = {"data": vectors, "model": "e", "object": "list", "usage": {"prompt_tokens": 2}}
    upstream.reply(json.dumps(body).encode())
    found = await aio.models.embed_content(model="oa/e", contents="hi")
    assert found.embeddings is not None
    assert found.embeddings[0].values == [0.5, 1.0]
    upstream.reply(b'{"totalTokens": 3}')
    counted = await aio.models.count_tokens(model="gm/gemini-3-flash", contents="hi")
    assert counted.total_tokens == 3
    assert upstream.requests[-1].path == "/v1/models/gemini-3-flash:countTokens"


async def test_the_list_of_models_is_the_gateways_own(front: Front) -> None:
    aio, upstream = front
    upstream.reply(b'{"models": [{"name": "models/gemini-3-flash"}]}')
    upstream.reply(b'{"data": [{"id": "gpt"}]}')
    names = {model.name async for model in await aio.models.list()}
    assert any(name and name.endswith("/gemini-3-flash") for name in names)


async def test_a_file_at_google_is_not_taken_for_one_at_openai(front: Front) -> None:
    aio, upstream = front
    before = len(upstream.requests)
    uri = "https://generativelanguage.googleapis.com/v1beta/files/a"
    parts = [types.Part.from_uri(file_uri=uri, mime_type="application/pdf"), "What is it?"]
    with pytest.raises(errors.ClientError, match=r"documents\.file_id"):
        await aio.models.generate_content(model="oa/gpt-5-mini", contents=parts)
    assert len(upstream.requests) == before


async def test_a_schema_that_openai_cannot_enforce_is_a_named_loss(front: Front) -> None:
    aio, upstream = front
    upstream.reply(completion({"content": '{"name":"Rome"}'}))
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=City
    )
    response = await aio.models.generate_content(
        model="oa/gpt-5-mini", contents="Where?", config=config
    )
    answered = response.sdk_http_response
    assert answered is not None
    assert (answered.headers or {})["x-jackfield-loss"] == "response_format.strict"
    assert "strict" not in sent(upstream)["response_format"]["json_schema"]


async def test_the_model_of_a_token_and_of_a_batch_is_the_providers(front: Front) -> None:
    aio, upstream = front
    made = {"name": "auth_tokens/1"}
    upstream.reply(json.dumps(made).encode())
    limits = {"model": "gm/gemini-live", "config": {"response_modalities": ["AUDIO"]}}
    version = {"api_version": "v1alpha"}
    with pytest.warns(match="experimental"):
        await aio.auth_tokens.create(
            config={"live_connect_constraints": limits, "http_options": version}
        )
    assert sent(upstream)["bidiGenerateContentSetup"]["model"] == "models/gemini-live"
    upstream.reply(b'{"name":"batches/1"}')
    ask = types.InlinedRequest(model="gm/gemini-flash", contents="Hi")
    await aio.batches.create(model="gm/gemini-flash", src=[ask])
    inner = sent(upstream)["batch"]["inputConfig"]["requests"]["requests"]
    assert inner[0]["request"]["model"] == "models/gemini-flash"


async def test_a_batch_may_not_name_another_model_within(front: Front) -> None:
    aio, _ = front
    other = types.InlinedRequest(model="gm/gemini-pro", contents="Hi")
    with pytest.raises(errors.ClientError, match=r"requests\[0\]\.request\.model"):
        await aio.batches.create(model="gm/gemini-flash", src=[other])
