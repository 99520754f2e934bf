"""Errors inside a stream, in every form in which servers of OpenAI's kind send them."""

import json

import pytest

from jackfield import sse
from jackfield.testing import FakeUpstream, run_gateway

BEGINNING = b'data: {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("rest", [b"", DONE])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
@pytest.mark.parametrize(
    "event",
    [
        b'event: error\ndata: {"message": "No."}\n\n',
        b"event: error\ndata: No.\n\n",
        b'data: {"object": "error", "message": "No.", "code": 400}\n\n',
        b'data: {"error": "No."}\n\n',
        b'data: {"error": {"message": "No."}}\n\n',
    ],
)
async def test_the_sdk_sees_every_error(path: str, event: bytes, rest: bytes) -> None:
    """The official SDK raises what stands under `error`, and nothing else."""
    async with FakeUpstream() as server:
        server.stream([BEGINNING, event, rest])
        toml = f'[providers.up]\nuse = "openai"\nbase_url = "{server.base_url}/v1"\n'
        async with run_gateway(toml) as gateway:
            body = {"model": "up/m", "messages": [], "prompt": "Hello", "stream": True}
            answer = await gateway.post(path, json=body)
            events = sse.split(await answer.read())
            assert gateway.settled[-1].outcome.kind == "truncated"
    assert events[0] == BEGINNING
    assert json.loads(sse.data_of(events[1]) or b"")["error"]["message"] == "No."
