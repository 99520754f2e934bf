"""What a client sees of one exchange: a success, a well-formed error, or nonsense."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, Literal

import aiohttp
from attrs import field, frozen

from jackfield import sse

Kind = Literal["success", "error", "error event", "cut", "nonsense", "hang"]


@frozen
class View:
    """How an exchange looked to its client, after how many seconds."""

    kind: Kind
    status: int = 0
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""
    seconds: float = 0.0


def chat(model: str, *, stream: bool = False, text: str = "Hello") -> dict[str, Any]:
    """A request of `/v1/chat/completions`."""
    return {"model": model, "stream": stream, "messages": [{"role": "user", "content": text}]}


def responses(model: str, *, stream: bool = False, text: str = "Hello") -> dict[str, Any]:
    """A request of `/v1/responses`."""
    return {"model": model, "stream": stream, "input": text}


PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
REQUESTS = {"chat": chat, "responses": responses}


async def send(
    session: aiohttp.ClientSession,
    path: str,
    body: Mapping[str, Any],
    *,
    request_id: str = "",
    limit: float = 10.0,
) -> View:
    """Send one request and read its answer to the end; over `limit` seconds it hangs."""
    began = time.monotonic()
    headers = {"X-Request-Id": request_id} if request_id else {}
    status, received, shown = 0, bytearray(), {}
    kind: Kind | None = None
    try:
        async with asyncio.timeout(limit), session.post(path, json=body, headers=headers) as answer:
            status, shown = answer.status, {k.lower(): v for k, v in answer.headers.items()}
            async for data in answer.content.iter_any():
                received += data
    except TimeoutError:
        kind = "hang"
    except aiohttp.ClientError:
        kind = "cut"
    view = View("nonsense", status, shown, bytes(received), time.monotonic() - began)
    return View(kind or judge(view), status, shown, bytes(received), view.seconds)


def judge(view: View) -> Kind:
    """What a whole answer amounts to."""
    if view.headers.get("content-type", "").startswith("text/event-stream"):
        return _judge_stream(view.body) if view.status == 200 else "nonsense"
    try:
        tree = json.loads(view.body)
    except (ValueError, RecursionError):
        return "nonsense"
    if view.status >= 400:
        return "error" if is_error(tree, view.headers) else "nonsense"
    whole = view.status == 200 and isinstance(tree, dict) and not tree.get("error")
    return "success" if whole and (tree.get("choices") or tree.get("output")) else "nonsense"


def is_error(tree: Any, headers: Mapping[str, str]) -> bool:
    """Whether this is OpenAI's error object, under the id that the headers give."""
    error = tree.get("error") if isinstance(tree, dict) else None
    if not isinstance(error, dict) or not error.get("message") or not error.get("type"):
        return False
    return bool(error.get("request_id", headers["x-request-id"]) == headers["x-request-id"])


def _judge_stream(body: bytes) -> Kind:
    """A stream ends in its marker or in an error, once; some providers go on behind the marker."""
    found = [data for event in sse.split(body) if (data := sse.data_of(event)) is not None]
    ends = [end for data in found if (end := _end_of(data)) is not None]
    if not body.endswith(b"\n\n") or not found or ends.count("error event") > 1:
        return "nonsense"
    if ends == ["error event", "success"]:  # a provider's own way, at which clients stop reading
        return "error event"
    if len(ends) > 1:
        return "nonsense"
    if not ends:
        finished = b'"finish_reason":"stop"' in found[-1].replace(b" ", b"")
        return "success" if finished else "nonsense"
    return ends[0] if ends[0] == "success" or _end_of(found[-1]) else "nonsense"


def _end_of(data: bytes) -> Kind | None:
    """How an event with this data ends its stream; None when it goes on."""
    if data == b"[DONE]":
        return "success"
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return "nonsense"
    if not isinstance(tree, dict):
        return "nonsense"
    if tree.get("error") or tree.get("type") == "response.failed":
        return "error event"
    done = tree.get("type") in ("response.completed", "response.incomplete")
    return "success" if done else None
