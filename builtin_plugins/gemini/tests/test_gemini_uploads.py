"""Resumable uploads: every part of a file comes to the gateway, and goes where the first went."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from google import genai
from google.genai import types
from tests.faults.gateway import serving

from jackfield.testing import Answer, FakeUpstream, GatewayClient, run_gateway
from jackfield_gemini.uploads import door_of

START = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
PART = {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0"}
FILE = {"file": {"name": "files/f-1", "mimeType": "application/json", "state": "ACTIVE"}}
CONTINUED = "/upload/v1beta/files?upload_id=u-1&upload_protocol=resumable"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def table(upstream: FakeUpstream, server: str = "") -> str:
    return f"""
[server]
{server}
[upstream]
retries = 0
[providers.other]
use = "gemini"
base_url = "http://127.0.0.1:1"
[providers.gm]
use = "gemini"
base_url = "{upstream.base_url}"
"""


def begins(upstream: FakeUpstream, address: str) -> None:
    """Answer the next request as Google does one that begins an upload."""
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "X-Goog-Upload-URL": address,
        "X-Goog-Upload-Control-URL": address,
        "X-Goog-Upload-Status": "active",
        "X-Goog-Upload-Chunk-Granularity": "262144",
    }
    upstream.reply(b"", headers=headers)


def ends(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps(FILE).encode(), headers={"X-Goog-Upload-Status": "final"})


async def start(gateway: GatewayClient) -> Answer:
    headers = {**START, "x-jackfield-provider": "gm", "host": "localhost:4747"}
    return await gateway.post("/gemini/upload/v1beta/files", body=b"{}", headers=headers)


async def test_an_upload_goes_on_at_the_provider_where_it_began(upstream: FakeUpstream) -> None:
    begins(upstream, upstream.base_url + CONTINUED)
    ends(upstream)
    async with run_gateway(table(upstream)) as gateway:
        answer = await start(gateway)
        address = answer.headers["x-goog-upload-url"]
        home, slash, path = address.removeprefix("http://").partition("/")
        ended = await gateway.post(
            slash + path, body=b"%PDF", headers={**PART, "content-type": "application/pdf"}
        )
        assert await ended.json() == FILE
    assert home == "localhost:4747"
    assert answer.headers["x-goog-upload-control-url"] == address
    assert answer.headers["x-goog-upload-chunk-granularity"] == "262144"
    assert (answer.headers["x-goog-upload-status"], ended.headers["x-goog-upload-status"]) == (
        "active",
        "final",
    )
    received = upstream.requests[-1]
    assert (received.path, received.body) == (CONTINUED, b"%PDF")
    assert received.headers["x-goog-upload-command"] == "upload, finalize"


@pytest.mark.parametrize("server", ["behind_proxy = true", ""])
async def test_the_address_begins_as_the_gateways_own(upstream: FakeUpstream, server: str) -> None:
    begins(upstream, upstream.base_url + CONTINUED)
    async with run_gateway(table(upstream, server)) as gateway:
        answer = await start(gateway)
    scheme = "https" if server else "http"
    expected = f"{scheme}://localhost:4747/gemini/uploads/gm/v1beta/files?"
    assert answer.headers["x-goog-upload-url"].startswith(expected)


async def test_no_key_stands_in_the_address(upstream: FakeUpstream) -> None:
    begins(upstream, f"{upstream.base_url}{CONTINUED}&key=made-up-key")
    async with run_gateway(table(upstream)) as gateway:
        answer = await start(gateway)
    assert answer.headers["x-goog-upload-url"].endswith("=u-1&upload_protocol=resumable")


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/upload/v1beta/files?upload_id=u",
        "{own}.elsewhere.example/upload/v1beta/files",
        "{own}/v1beta/files",
        "//[",
    ],
)
async def test_no_other_address_is_sent(upstream: FakeUpstream, address: str) -> None:
    begins(upstream, address.format(own=upstream.base_url))
    async with run_gateway(table(upstream)) as gateway:
        answer = await start(gateway)
    assert answer.headers["x-goog-upload-status"] == "active"
    assert not [name for name in answer.headers if name.endswith("-url")]


@pytest.mark.parametrize("host", ["", "a/b", "a@b", "a:b", "a b", "[::1"])
def test_what_is_no_host_leads_nowhere(host: str) -> None:
    assert door_of("http", host, "/gemini", "gm") is None


def test_an_address_may_be_of_any_kind() -> None:
    for host in ("gateway.example", "127.0.0.1:80", "[::1]:4747"):
        door = door_of("http", host, "/gemini", "a b")
        assert door == f"http://{host}/gemini/uploads/a%20b/"


@pytest.mark.parametrize("content", [b"%PDF\0\xff" * 5000, b"{}", b""])
async def test_googles_sdk_uploads_a_file(
    upstream: FakeUpstream, tmp_path: Path, content: bytes
) -> None:
    begins(upstream, upstream.base_url + CONTINUED)
    ends(upstream)
    server = 'bind = "127.0.0.1:0"\nadmin = ""'
    async with (
        serving(tmp_path, table(upstream, server)) as gateway,
        httpx.AsyncClient(timeout=20) as http,
    ):
        options = types.HttpOptions(
            base_url=f"{gateway.url}/gemini",
            headers={"x-jackfield-provider": "gm"},
            httpx_async_client=http,
        )
        with genai.Client(api_key="client-key", http_options=options) as client:
            config = types.UploadFileConfig(mime_type="application/pdf")
            found = await client.aio.files.upload(file=io.BytesIO(content), config=config)
    assert found.name == "files/f-1"
    began, part = upstream.requests
    assert began.headers["x-goog-upload-header-content-length"] == str(len(content))
    assert (part.path, part.body) == (CONTINUED, content)
    assert b"client-key" not in began.head + part.head
