"""Streams of Anthropic's that break off, read by clients of another dialect."""

import json
from typing import Any

from jackfield import sse
from jackfield.testing import FakeUpstream, Gate, run_gateway

MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
MESSAGES = [{"role": "user", "content": "Hi"}]
ERROR = {"type": "overloaded_error", "message": "Overloaded"}
STOP = {"type": "message_stop"}


def events(*facts: dict[str, Any]) -> bytes:
    return b"".join([sse.encode(json.dumps(fact).encode()) for fact in facts])


def text(content: str) -> dict[str, Any]:
    delta = {"type": "text_delta", "text": content}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


async def test_text_read_together_with_an_error_is_sent_before_it() -> None:
    block = {"type": "text", "text": ""}
    started = {"type": "content_block_start", "index": 0, "content_block": block}
    first = events({"type": "message_start", "message": MESSAGE}, started, text("Hello"))
    gate = Gate()
    async with FakeUpstream() as server:
        rest = events(text(" there"), {"type": "error", "error": ERROR})
        server.stream([first, rest], gate=gate, at=1)
        toml = f'[providers.near]\nuse = "anthropic"\nbase_url = "{server.base_url}"'
        async with run_gateway(toml) as client:
            body = {"model": "near/m", "stream": True, "messages": MESSAGES}
            answer = await client.post("/v1/chat/completions", json=body)
            gate.open()
            wire = await answer.read()
    assert wire.index(b'"Hello"') < wire.index(b'" there"') < wire.index(b'"error"')


async def test_a_stream_that_begins_with_an_overload_is_retried() -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}}
    async with FakeUpstream() as server:
        server.stream([events({"type": "error", "error": ERROR})])
        server.stream([events({"type": "message_start", "message": MESSAGE}, end, STOP)])
        toml = f'[providers.near]\nuse = "anthropic"\nbase_url = "{server.base_url}"'
        async with run_gateway(toml) as client:
            body = {"model": "near/m", "stream": True, "messages": MESSAGES}
            answer = await client.post("/v1/chat/completions", json=body)
            assert (answer.status, len(server.requests)) == (200, 2)
            assert b"[DONE]" in await answer.read()
