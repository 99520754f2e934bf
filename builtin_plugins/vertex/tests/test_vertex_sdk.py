"""Google's and Anthropic's official SDKs for Vertex AI against a gateway process."""

import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx
import pytest
import pytest_asyncio
from anthropic import AsyncAnthropicVertex
from google import genai
from google.auth.credentials import AnonymousCredentials
from google.genai import errors, types
from tests.faults.gateway import serving
from tests.openai_answers import completion

from jackfield import sse
from jackfield.testing import FakeUpstream

pytestmark = pytest.mark.asyncio(loop_scope="module")
QUESTION = "Weather in Rome?"
USAGE = {"promptTokenCount": 30, "candidatesTokenCount": 20, "totalTokenCount": 50}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4",
    "content": [{"type": "text", "text": "Sunny."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


class Front:
    """The two clients, and the upstream behind the gateway."""

    def __init__(self, google: Any, claude: AsyncAnthropicVertex, upstream: FakeUpstream) -> None:
        self.google = google
        self.claude = claude
        self.upstream = upstream

    @property
    def sent(self) -> Any:
        """The JSON that the upstream got last."""
        return json.loads(self.upstream.requests[-1].body)

    @property
    def path(self) -> str:
        """Where it got it."""
        return self.upstream.requests[-1].path


def answer(text: str, **members: Any) -> bytes:
    part = {"content": {"parts": [{"text": text}], "role": "model"}, **members}
    return json.dumps({"candidates": [part], "usageMetadata": USAGE, "responseId": "r"}).encode()


def configuration(upstream: FakeUpstream) -> str:
    return f"""
[server]
bind = "127.0.0.1:0"
admin = ""
[upstream]
retries = 0
[providers.vx]
use = "vertex"
base_url = "{upstream.base_url}"
project = "ours"
location = "us-east5"
credentials = {{ bearer = "env:UPSTREAM_KEY" }}
models = ["gemini-2.5-flash", "gemini-embedding-001", "claude-sonnet-4", "claude-sonnet-4@20250514"]
[providers.oa]
use = "openai"
base_url = "{upstream.base_url}/v1"
dialects = ["openai.chat"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    folder = tmp_path_factory.mktemp("gateway")
    async with (
        FakeUpstream() as upstream,
        serving(folder, configuration(upstream)) as gateway,
        httpx.AsyncClient(timeout=20) as http,
        AsyncAnthropicVertex(
            project_id="theirs",
            region="europe-west1",
            access_token="token",
            base_url=f"{gateway.url}/vertex/v1",
            max_retries=0,
        ) as claude,
    ):
        client = genai.Client(
            vertexai=True,
            project="theirs",
            location="europe-west4",
            credentials=signed_in(),
            http_options=types.HttpOptions(
                base_url=f"{gateway.url}/vertex", httpx_async_client=http
            ),
        )
        yield Front(client.aio, claude, upstream)
        await client.aio.aclose()
        client.close()


def signed_in() -> Any:
    credentials: Any = AnonymousCredentials()  # type: ignore[no-untyped-call]
    credentials.token = "token"
    return credentials


async def test_gemini_is_called_in_the_providers_own_project(front: Front) -> None:
    front.upstream.reply(answer("Sunny.", finishReason="STOP"))
    response = await front.google.models.generate_content(
        model="gemini-2.5-flash", contents=QUESTION
    )
    assert response.text == "Sunny."
    own = "/v1beta1/projects/ours/locations/us-east5/publishers/google/models/"
    assert front.path == own + "gemini-2.5-flash:generateContent"
    authorization = front.upstream.requests[-1].headers["authorization"]
    assert authorization not in ("Bearer token", "Bearer ")


async def test_googles_sdk_reads_a_stream_of_gemini(front: Front) -> None:
    values = (answer("Sun"), answer("ny.", finishReason="STOP"))
    front.upstream.stream([sse.encode(value) for value in values])
    stream = await front.google.models.generate_content_stream(
        model="vx/gemini-2.5-flash", contents=QUESTION
    )
    assert [chunk.text async for chunk in stream] == ["Sun", "ny."]
    assert front.path.endswith(
        "/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    )


async def test_googles_sdk_reads_a_model_of_another_vendor(front: Front) -> None:
    front.upstream.reply(completion({"content": "Sunny."}))
    response = await front.google.models.generate_content(model="oa/gpt", contents=QUESTION)
    assert response.text == "Sunny."
    assert front.sent["model"] == "gpt"


async def test_googles_sdk_reads_counts_and_embeddings(front: Front) -> None:
    front.upstream.reply(b'{"totalTokens": 3}')
    counted = await front.google.models.count_tokens(model="gemini-2.5-flash", contents="hi")
    assert counted.total_tokens == 3
    front.upstream.reply(b'{"embedding": {"values": [0.5]}}')
    found = await front.google.models.embed_content(model="gemini-embedding-001", contents="hi")
    assert found.embeddings[0].values == [0.5]
    assert front.path.endswith("/gemini-embedding-001:embedContent")


async def test_an_error_of_google_is_raised_by_its_sdk(front: Front) -> None:
    failure = {"code": 400, "message": "No such tool.", "status": "INVALID_ARGUMENT"}
    front.upstream.reply(json.dumps({"error": failure}).encode(), 400)
    with pytest.raises(errors.ClientError) as caught:
        await front.google.models.generate_content(model="gemini-2.5-flash", contents=QUESTION)
    assert (caught.value.status, caught.value.message) == ("INVALID_ARGUMENT", "No such tool.")


async def test_claude_is_called_in_the_providers_own_project(front: Front) -> None:
    front.upstream.reply(json.dumps(MESSAGE).encode())
    message = await front.claude.messages.create(
        model="claude-sonnet-4@20250514",
        max_tokens=9,
        messages=[{"role": "user", "content": QUESTION}],
    )
    assert message.content[0].type == "text"
    own = "/v1/projects/ours/locations/us-east5/publishers/anthropic/models/"
    assert front.path == own + "claude-sonnet-4@20250514:rawPredict"
    assert "model" not in front.sent


async def test_anthropics_sdk_reads_a_stream_of_claude(front: Front) -> None:
    start = {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}}
    text = {"type": "text_delta", "text": "Sunny."}
    events: list[dict[str, Any]] = [
        start,
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": text},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    ]
    front.upstream.stream([sse.encode(json.dumps(e).encode(), e["type"]) for e in events])
    async with front.claude.messages.stream(
        model="vx/claude-sonnet-4", max_tokens=9, messages=[{"role": "user", "content": QUESTION}]
    ) as stream:
        assert [text async for text in stream.text_stream] == ["Sunny."]
    assert front.path.endswith("/publishers/anthropic/models/claude-sonnet-4:streamRawPredict")


async def test_claudes_tokens_are_counted(front: Front) -> None:
    front.upstream.reply(b'{"input_tokens": 7}')
    counted = await front.claude.messages.count_tokens(
        model="claude-sonnet-4", messages=[{"role": "user", "content": QUESTION}]
    )
    assert counted.input_tokens == 7
    assert front.path.endswith("/publishers/anthropic/models/count-tokens:rawPredict")
    assert front.sent["model"] == "claude-sonnet-4"


async def test_anthropics_sdk_reads_a_model_of_another_vendor(front: Front) -> None:
    front.upstream.reply(completion({"content": "Sunny."}))
    message = await front.claude.messages.create(
        model="oa/gpt", max_tokens=9, messages=[{"role": "user", "content": QUESTION}]
    )
    assert [block.text for block in message.content if block.type == "text"] == ["Sunny."]
    assert front.sent["model"] == "gpt"


async def test_an_error_of_anthropic_is_raised_by_its_sdk(front: Front) -> None:
    failure = {"type": "invalid_request_error", "message": "max_tokens: too large"}
    front.upstream.reply(json.dumps({"type": "error", "error": failure}).encode(), 400)
    with pytest.raises(anthropic.BadRequestError, match="too large"):
        await front.claude.messages.create(
            model="claude-sonnet-4", max_tokens=9, messages=[{"role": "user", "content": QUESTION}]
        )
