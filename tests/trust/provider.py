"""A provider with a ledger of truth: what it bills for each request, cut off or not.

What it does is drawn from the request's own number, so that two runs behave the same.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter, defaultdict
from typing import Any

from aiohttp import web
from attrs import field, frozen

TOKENS_A_CHUNK = 10
SLOWEST_ANSWER = 0.05
SLOWEST_CHUNK = 0.004
FAILING = 0.03
BREAKING = 0.03


@frozen
class Question:
    """A request: `number` is the first word of the prompt, the second says when it was sent."""

    number: str
    sent: float
    model: str
    stream: bool
    reports_usage: bool
    most: int
    input_tokens: int

    @classmethod
    def of(cls, body: dict[str, Any]) -> "Question":
        """A question in OpenAI's words."""
        words = body["messages"][-1]["content"].split()
        options = body.get("stream_options") or {}
        return cls(
            words[0],
            float(words[1]),
            body["model"],
            bool(body.get("stream")),
            bool(options.get("include_usage")),
            body.get("max_completion_tokens") or body["max_tokens"],
            len(words),
        )


@frozen
class Fate:
    """What becomes of one call: how long it takes, what it makes, whether it fails or breaks."""

    output_tokens: int
    pause: float
    fails: bool
    breaks: bool
    draw: random.Random = field(repr=False)

    @classmethod
    def of(cls, question: Question, call: int) -> "Fate":
        """What is drawn for one of the calls of a request."""
        draw = random.Random(f"{question.number} {call}")  # noqa: S311 - no secret
        tokens = draw.randint(question.most // 8, question.most)
        what = draw.random()
        breaks = FAILING <= what < FAILING + BREAKING
        return cls(tokens, draw.random() * SLOWEST_ANSWER, what < FAILING, breaks, draw)


class Truth:
    """For each request number the tokens of its input and its output that were billed."""

    def __init__(self) -> None:
        self._billed: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        self._calls: Counter[str] = Counter()
        self._admissions: list[float] = []

    async def show(self, request: web.Request) -> web.Response:
        """The ledger: number → [input tokens, output tokens, calls], and all admission times."""
        return web.json_response({"billed": self._billed, "admissions": self._admissions})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer, fail or break off, and bill what was done."""
        question = Question.of(await request.json())
        self._calls[question.number] += 1
        if self._calls[question.number] == 1:
            self._admissions.append(time.monotonic() - question.sent)
        fate = Fate.of(question, self._calls[question.number])
        await asyncio.sleep(fate.pause)
        if fate.fails:
            error = {"message": "down", "type": "server_error"}
            return web.json_response({"error": error}, status=500)
        if question.stream:
            return await self._stream(request, question, fate)
        self._bill(question, question.input_tokens, fate.output_tokens, 1)
        if fate.breaks:
            return await _break_off(request)
        return web.json_response(_answer(question, fate.output_tokens))

    def _bill(self, question: Question, given: int, made: int, calls: int = 0) -> None:
        bill = self._billed[question.number]
        bill[0] += given
        bill[1] += made
        bill[2] += calls

    async def _stream(
        self, request: web.Request, question: Question, fate: Fate
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        self._bill(question, question.input_tokens, 0, 1)
        left, draw = fate.output_tokens, fate.draw
        end = draw.randint(0, left) if fate.breaks else -1
        while left > 0:
            if left <= end:
                return await _break_off(request, response)
            step = min(TOKENS_A_CHUNK, left)
            left -= step
            self._bill(question, 0, step)
            await response.write(_event(_chunk(question.model, "word " * step)))
            await asyncio.sleep(draw.random() * SLOWEST_CHUNK)
        await response.write(_event(_chunk(question.model, None, "stop")))
        if question.reports_usage:
            usage = _usage(question, fate.output_tokens)
            await response.write(_event({**_chunk(question.model), "choices": [], "usage": usage}))
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response


async def _break_off(
    request: web.Request, response: web.StreamResponse | None = None
) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response()


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _usage(question: Question, made: int) -> dict[str, int]:
    given = question.input_tokens
    return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


def _answer(question: Question, made: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": "word " * made}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": question.model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": _usage(question, made),
    }


def _chunk(model: str, content: str | None = None, finish: str | None = None) -> dict[str, Any]:
    delta = {"content": content} if content else {}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
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
