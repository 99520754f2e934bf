"""The dialect of what is only passed through."""

import json
from pathlib import Path

import httpx
import httpx2
import pytest
from groq import AsyncGroq
from openai import AsyncOpenAI
from tests.faults.gateway import serving

from jackfield.asgi import JackfieldASGI
from jackfield.dialects import Peek
from jackfield.errors import InvalidRequest, Overloaded
from jackfield.testing import FakeUpstream
from jackfield_openai.resource import ResourceDialect

RESOURCE = ResourceDialect()


def test_it_is_never_translated() -> None:
    assert RESOURCE.translates is False


def test_peek_finds_a_model_where_there_is_one() -> None:
    assert RESOURCE.peek({"model": "tts-1", "stream": True}, {}) == Peek("tts-1", True)
    assert RESOURCE.peek({"input": "x"}, {}) == Peek(None)
    assert RESOURCE.peek(None, {"model": "whisper-1"}) == Peek("whisper-1")
    with pytest.raises(InvalidRequest):
        RESOURCE.peek({"model": 5}, {})


@pytest.mark.parametrize(
    ("event", "mark"),
    [
        (b'data: {"type":"speech.audio.delta","audio":"AA=="}\n\n', None),
        (b'data: {"type":"speech.audio.done","usage":{}}\n\n', "end"),
        (b'event: transcript.text.done\ndata: {"type":"transcript.text.done"}\n\n', "end"),
        (b'data: {"type":"image_generation.partial_image"}\n\n', None),
        (b'data: {"type":"image_generation.completed"}\n\n', "end"),
        (b'data: {"type":"image_edit.completed"}\n\n', "end"),
        (b'event: error\ndata: {"message":"x"}\n\n', "error"),
        (b'data: {"type":"error","error":{"message":"x"}}\n\n', "error"),
        (b"data: [DONE]\n\n", "end"),
        (b": ping\n\n", None),
        (b"data: plain text\n\n", None),
    ],
)
def test_the_last_event_of_a_stream_is_recognised(event: bytes, mark: str | None) -> None:
    assert RESOURCE.terminal(event) == mark
    if mark:
        assert any(hint in event for hint in RESOURCE.terminal_hints)


def test_usage_counts_input_and_output_tokens() -> None:
    usage = {
        "type": "tokens",
        "input_tokens": 9,
        "output_tokens": 4,
        "input_token_details": {"audio_tokens": 8},
    }
    event = json.dumps({"type": "transcript.text.done", "usage": usage}).encode()
    found = RESOURCE.usage(event)
    assert found is not None
    assert (found.input_tokens, found.output_tokens, found.audio_input_tokens) == (9, 4, 8)
    meter = RESOURCE.usage_meter()
    meter.feed(b"data: %b\n\n" % event)
    assert meter.usage() == found
    timed = RESOURCE.usage(b'{"usage":{"type":"duration","seconds":9}}')
    assert timed is not None
    assert (timed.total_tokens, timed.units) == (0, {"audio_ms": 9000})
    assert RESOURCE.usage(b"audio") is None


def test_errors_are_openais() -> None:
    error = Overloaded("Try again.")
    assert json.loads(RESOURCE.render_error(error, "r"))["error"]["type"] == "server_error"
    event = RESOURCE.render_error_event(error, "r")
    assert RESOURCE.terminal(event) == "error"


async def test_groqs_client_lists_the_gateways_models_without_an_openai_provider(
    tmp_path: Path,
) -> None:
    config = tmp_path / "jackfield.toml"
    config.write_text("[providers.demo]\n")
    async with JackfieldASGI(config) as gateway:
        http = httpx.AsyncClient(transport=httpx.ASGITransport(gateway))
        async with AsyncGroq(base_url="http://localhost", api_key="none", http_client=http) as groq:
            listed = await groq.models.list()
            shown = await groq.models.retrieve(listed.data[0].id)
    assert listed.data[0].id.startswith("demo/")
    assert shown == listed.data[0]


SIZES = {
    "/files": 150,
    "/containers/c/files": 12,
    "/uploads/u/parts": 64,
    "/videos": 12,
    "/videos/characters": 12,
    "/skills": 12,
    "/skills/s/versions": 12,
}
"""Uploads in MiB."""


async def test_a_file_may_be_as_large_as_openai_takes_it(tmp_path: Path) -> None:
    toml = '[server]\nbind = "127.0.0.1:0"\nadmin = ""\n[providers.up]\nuse = "openai"\n'
    async with FakeUpstream() as upstream, httpx.AsyncClient(timeout=30) as http:
        toml += f'base_url = "{upstream.base_url}/v1"\n'
        async with serving(tmp_path, toml) as gateway:
            for path, size in SIZES.items():
                upstream.reply(b"{}", headers={"Content-Type": "application/json"})
                media = {"content-type": "application/octet-stream"}
                answer = await http.post(
                    f"{gateway.url}/v1{path}", content=bytes(size << 20), headers=media
                )
                assert (path, answer.status_code) == (path, 200)
        assert [len(one.body) >> 20 for one in upstream.requests] == list(SIZES.values())


async def test_the_official_client_gets_a_part_of_a_file(tmp_path: Path) -> None:
    config = tmp_path / "jackfield.toml"
    partial = {"Content-Type": "text/csv", "Content-Range": "bytes 2-3/9", "ETag": '"1"'}
    async with FakeUpstream() as upstream:
        config.write_text(f'[providers.up]\nuse = "openai"\nbase_url = "{upstream.base_url}/v1"\n')
        upstream.reply(b"cd", 206, headers=partial)
        async with JackfieldASGI(config) as gateway:
            http = httpx2.AsyncClient(transport=httpx2.ASGITransport(gateway))
            async with AsyncOpenAI(
                base_url="http://localhost/v1", api_key="none", http_client=http
            ) as client:
                part = await client.files.content(
                    "file-1", extra_headers={"Range": "bytes=2-3", "If-Range": '"1"'}
                )
                assert await part.aread() == b"cd"
    headers = upstream.requests[0].headers
    assert (headers["range"], headers["if-range"]) == ("bytes=2-3", '"1"')
    assert part.response.status_code == 206
    assert {name: part.response.headers[name] for name in partial} == partial
