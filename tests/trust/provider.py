"""A provider with a ledger of truth: what it bills for each request, for those cut off as well.

What it does is drawn from the request's own number, so that two runs bill the same.
"""

import asyncio
import json
import random
import sys
from collections import defaultdict
from typing import Any

from aiohttp import web

TOKENS_A_CHUNK = 10
SLOWEST_ANSWER = 0.05
SLOWEST_CHUNK = 0.004
FAILING = 0.03
BREAKING = 0.03


class Truth:
    """For each request number the tokens of its input and its output that were billed."""

    def __init__(self) -> None:
        self._billed: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])

    def bill(self, number: str, input_tokens: int, output_tokens: int, calls: int = 0) -> None:
        """Add to what a request costs."""
        bill = self._billed[number]
        bill[0] += input_tokens
        bill[1] += output_tokens
        bill[2] += calls

    async def show(self, request: web.Request) -> web.Response:
        """The ledger: number → [input tokens, output tokens, calls]."""
        return web.json_response(self._billed)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer, fail or break off, and bill what was done."""
        asked = await request.json()
        prompt = asked["messages"][-1]["content"]
        number = prompt.split()[0]
        draw = random.Random(number)
        most = asked.get("max_completion_tokens") or asked["max_tokens"]
        usage = (len(prompt.split()), draw.randint(most // 8, most))
        fate = draw.random()
        await asyncio.sleep(draw.random() * SLOWEST_ANSWER)
        if fate < FAILING:
            return web.json_response({"error": {"message": "down", "type": "server_error"}}, status=500)
        if not asked.get("stream"):
            self.bill(number, *usage, 1)
            return web.json_response(_answer(asked["model"], usage))
        return await self._stream(request, asked, usage, breaks=fate < FAILING + BREAKING)

    async def _stream(
        self, request: web.Request, asked: dict[str, Any], usage: tuple[int, int], *, breaks: bool
    ) -> web.StreamResponse:
        number = asked["messages"][-1]["content"].split()[0]
        draw = random.Random(f"{number} stream")
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        self.bill(number, usage[0], 0, 1)
        left, at = usage[1], draw.randint(0, usage[1]) if breaks else -1
        while left > 0:
            if left <= at and request.transport is not None:
                request.transport.abort()
                return response
            step = min(TOKENS_A_CHUNK, left)
            left -= step
            self.bill(number, 0, step)
            await response.write(_event(_chunk(asked["model"], "word " * step)))
            await asyncio.sleep(draw.random() * SLOWEST_CHUNK)
        await response.write(_event(_chunk(asked["model"], None, "stop")))
        if (asked.get("stream_options") or {}).get("include_usage"):
            await response.write(_event(_chunk(asked["model"], usage=usage)))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    return {
        "prompt_tokens": usage[0],
        "completion_tokens": usage[1],
        "total_tokens": sum(usage),
    }


def _answer(model: str, usage: tuple[int, int]) -> dict[str, Any]:
    message = {"role": "assistant", "content": "word " * usage[1]}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": _usage(usage),
    }


def _chunk(
    model: str,
    content: str | None = None,
    finish: str | None = None,
    usage: tuple[int, int] | None = None,
) -> dict[str, Any]:
    delta = {"content": content} if content else {}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [] if usage else [choice],
        **({"usage": _usage(usage)} if usage else {}),
    }


def main() -> None:
    """Serve on the port of the first argument until killed."""
    truth = Truth()
    application = web.Application()
    application.router.add_post("/v1/chat/completions", truth.chat)
    application.router.add_get("/truth", truth.show)
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
