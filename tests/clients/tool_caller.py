"""A scripted upstream of OpenAI's protocol: it calls one tool, then says what came of it."""

import json
from typing import Any

from aiohttp import web
from attrs import define, field

from jackfield import sse

_HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
_USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


@define
class ToolCaller:
    """Calls a tool until `secret` comes back; a request without tools gets a word."""

    name: str = ""
    arguments: str = ""
    secret: str = ""
    received: list[bytes] = field(factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat, as a stream."""
        body = await request.read()
        self.received.append(body)
        if self.secret in body.decode():
            return _stream({"content": f"It says {self.secret}."}, "stop")
        if not json.loads(body).get("tools"):
            return _stream({"content": "A note"}, "stop")
        function = {"name": self.name, "arguments": self.arguments}
        call = {"index": 0, "id": "call_1", "type": "function", "function": function}
        return _stream({"tool_calls": [call]}, "tool_calls")


def _stream(delta: dict[str, Any], finish: str) -> web.Response:
    first = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": finish}
    chunks: list[dict[str, Any]] = [
        {**_HEAD, "choices": [first]},
        {**_HEAD, "choices": [last]},
        {**_HEAD, "choices": [], "usage": _USAGE},
    ]
    events = [sse.encode(json.dumps(chunk).encode()) for chunk in chunks]
    wire = b"".join([*events, b"data: [DONE]\n\n"])
    return web.Response(body=wire, headers={"Content-Type": "text/event-stream"})
