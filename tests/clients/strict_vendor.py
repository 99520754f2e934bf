"""A scripted vendor of any protocol that refuses tools' names as the vendors do."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from aiohttp import web
from attrs import field, frozen

from jackfield import events, messages
from jackfield.dialects import installed
from jackfield.errors import InvalidRequest

RULES: Final = {
    "openai.chat": r"^[a-zA-Z0-9_-]{1,64}$",
    "openai.responses": r"^[a-zA-Z0-9_-]{1,64}$",
    "anthropic.messages": r"^[a-zA-Z0-9_-]{1,128}$",
    "bedrock.converse": r"^[a-zA-Z0-9_-]{1,64}$",
    "gemini.generate_content": r"^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$",
    "mistral.chat": r"^[a-zA-Z0-9_-]{1,64}$",
    "cohere.chat": r"^[a-zA-Z_][a-zA-Z0-9_]*$",
}
_USAGE: Final = messages.Usage(3, 2)


@frozen
class StrictVendor:
    """Calls each tool, in their order, and when the results come says them.

    The first part of a path names the dialect. `received` are the names in each request.
    """

    received: list[list[str]] = field(factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat; with status 400 if it has a name that the vendor does not accept."""
        dialect = installed(request.path.split("/")[1])
        body = await request.json()
        self.received.append(names := [*_names(body)])
        if refused := [name for name in names if not re.search(RULES[dialect.name], name)]:
            error = InvalidRequest(f"Invalid name: {refused[0]!r} does not match the pattern.")
            return _response(dialect.render_error(error, "1"), "application/json", 400)
        asked = dialect.parse_request(body, {"model": "m"})
        assert isinstance(asked, messages.ChatRequest)
        if body.get("stream") or "stream" in request.path.lower():
            render = dialect.stream_renderer(asked).render
            wire = b"".join(map(render, _events(asked)))
            return _response(wire, dialect.framing.content_type)
        said = messages.Message("assistant", _said(asked))
        choice = messages.Choice(said, "tool_calls" if _results(asked) == [] else "stop")
        answer = messages.ChatResponse("a-1", "m", (choice,), _USAGE)
        return _response(dialect.render_response(answer, asked).body, "application/json")


def _names(tree: Any) -> Iterator[str]:
    """Every name in a body, which has no others than those of tools."""
    if isinstance(tree, list):
        for item in tree:
            yield from _names(item)
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from [value] if key == "name" else _names(value)
        yield from tree.get("allowedFunctionNames", ())


def _results(asked: messages.ChatRequest) -> list[str]:
    parts = [part for message in asked.messages for part in message.parts]
    results = [part for part in parts if isinstance(part, messages.ToolResult)]
    inner = [one for result in results for one in result.parts]
    return [one.text for one in inner if isinstance(one, messages.Text)]


def _said(asked: messages.ChatRequest) -> tuple[messages.Part, ...]:
    if results := _results(asked):
        return (messages.Text(" ".join(results)),)
    names = [tool.name for tool in asked.tools if isinstance(tool, messages.Tool)]
    arguments = json.dumps({"city": "Rome"})
    return tuple(messages.ToolCall(f"call_{i}", name, arguments) for i, name in enumerate(names))


def _events(asked: messages.ChatRequest) -> Iterator[events.StreamEvent]:
    yield events.Started("a-1", "m")
    reason: messages.FinishReason = "stop"
    for i, part in enumerate(_said(asked)):
        if isinstance(part, messages.ToolCall):
            reason = "tool_calls"
            yield events.ToolCallStarted(i, part.id, part.name)
            for piece in (part.arguments[:5], part.arguments[5:]):
                yield events.ToolCallDelta(i, piece)
        elif isinstance(part, messages.Text):
            yield events.TextDelta(i, part.text)
    yield events.Finished(reason)
    yield events.UsageReported(_USAGE)
    yield events.Ended()


def _response(body: bytes, media: str, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, headers={"Content-Type": media})
