"""Token counts in the form of the Responses API."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield import sse
from jackfield.messages import Bill, Usage
from jackfield.rates import IMAGE_TOOL

from .failures import UNREADABLE
from .resource import resource_usage
from .responses_content import NAME, own
from .usage import count_of, in_tier, read_cost, read_units

_CONTAINER: Final = re.compile(rb'"container_id"\s*:\s*"([^"]+)"')
_READS: Final = re.compile(rb'"type"\s*:\s*"(?:open_page|find_in_page)"')
"""Calls for a web search that read a page which was found: OpenAI does not count them."""
_MEMORY: Final = re.compile(rb'"memory_limit"\s*:\s*"(\d{1,3})g"')


def read_usage(value: Any) -> Usage | None:
    """The canonical usage of a `usage` object; None if it is invalid."""
    if not isinstance(value, Mapping):
        return None
    taken, given = value.get("input_tokens_details"), value.get("output_tokens_details")
    return Usage(
        input_tokens=_count(value, "input_tokens"),
        output_tokens=_count(value, "output_tokens"),
        cached_input_tokens=_count(taken, "cached_tokens"),
        cache_write_tokens=_count(taken, "cache_write_tokens"),
        reasoning_tokens=_count(given, "reasoning_tokens"),
        audio_input_tokens=_count(taken, "audio_tokens"),
        audio_output_tokens=_count(given, "audio_tokens"),
        extensions={NAME: {"$usage": value}},
        units=read_units(value),
        cost=read_cost(value),
    )


def _count(counts: Any, key: str) -> int:
    return count_of(counts, key) if isinstance(counts, Mapping) else 0


def write_usage(usage: Usage) -> Mapping[str, Any]:
    """The `usage` object: the original one if it is still the same usage."""
    kept: Mapping[str, Any] | None = own(usage.extensions).get("$usage")
    if kept is not None and read_usage(kept) == usage:
        return kept
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            **_audio(usage.audio_input_tokens),
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            **_audio(usage.audio_output_tokens),
        },
        "total_tokens": usage.total_tokens,
    }


def _audio(tokens: int) -> Mapping[str, int]:
    # The API itself has no audio; the name is that of chat and Realtime.
    return {"audio_tokens": tokens} if tokens else {}


class _Reported(msgspec.Struct):
    usage: Any = None
    output: msgspec.Raw = msgspec.Raw()
    service_tier: Any = None
    tool_usage: Any = None
    tools: msgspec.Raw = msgspec.Raw()


class _Event(msgspec.Struct):
    response: _Reported | None = None


class _Tool(msgspec.Struct):
    type: Any = None
    model: Any = None


_decode_body = msgspec.json.Decoder(_Reported).decode
_decode_event = msgspec.json.Decoder(_Event).decode
_decode_tools = msgspec.json.Decoder(list[_Tool]).decode


def usage_of(body: bytes) -> Usage | None:
    """The usage that a complete response reports. Raises ValueError if it is not a response."""
    try:
        answer = _decode_body(body)
    except UNREADABLE as error:
        raise ValueError("the answer is not a JSON object") from error
    if not bytes(answer.output).startswith(b"["):
        raise ValueError("the answer has no output")
    return _whole_usage(answer)


def _whole_usage(answer: _Reported) -> Usage | None:
    """The usage, with the answer's service tier and OpenAI's own tools."""
    usage = in_tier(read_usage(answer.usage), answer.service_tier)
    if usage is None:
        return None
    output, tools = bytes(answer.output), bytes(answer.tools)
    searches = _count(_inner(answer.tool_usage, "web_search"), "num_requests")
    if not searches and answer.tool_usage is None and not usage.units:
        calls = output.count(b'"web_search_call"') - len(_READS.findall(output))
        searches = max(calls, 0)
    # Without reasoning, a model's searches cost more by the earlier tool.
    preview = b'"web_search_preview' in tools
    counts = {
        "web_search_preview" if preview else "web_search": searches,
        "file_search": output.count(b'"file_search_call"'),
        "code_execution": _gigabytes(output, tools),
    }
    found = {name: count for name, count in counts.items() if count}
    if found:
        usage = replace(usage, units={**found, **usage.units})
    return _with_images(usage, answer)


def _gigabytes(output: bytes, tools: bytes) -> int:
    """The memory of the containers in which code ran, each of 1 GB if the tool sets no limit."""
    containers = set(_CONTAINER.findall(output))
    return len(containers) * max(map(int, _MEMORY.findall(tools)), default=1)


def _with_images(usage: Usage, answer: _Reported) -> Usage:
    """The usage with images, which are billed at another model's rates.

    Their tokens were not reported before 2026: then they count as images, which have no price.
    """
    made = _inner(answer.tool_usage, "image_gen")
    images = resource_usage(made) if _count(made, "total_tokens") else None
    if answer.tool_usage is None:
        count = bytes(answer.output).count(b'"image_generation_call"')
        images = Usage(units={"image": count}) if count else None
    if images is None:
        return usage
    plain = replace(usage, extensions={})
    return replace(usage, bills=(Bill(plain), Bill(images, _painter(answer.tools))))


def _painter(tools: msgspec.Raw) -> str:
    """The image model: the one that a tool names, or the one that OpenAI then uses."""
    try:
        listed = _decode_tools(tools)
    except UNREADABLE:
        listed = []
    named = (tool.model for tool in listed if tool.type == "image_generation")
    return next((name for name in named if isinstance(name, str) and name), IMAGE_TOOL)


def _inner(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


class ResponsesMeter:
    """Keeps the last batch of events that reports usage, and parses it on request."""

    __slots__ = ("_batch",)

    def __init__(self) -> None:
        self._batch = b""

    def feed(self, events: bytes) -> None:
        """Process a batch of complete events."""
        if b'"usage"' in events:
            self._batch = events

    def usage(self) -> Usage | None:
        """The usage reported last, or None."""
        for event in reversed(sse.split(self._batch)):
            usage = _usage_in(event)
            if usage is not None:
                return usage
        return None


def _usage_in(event: bytes) -> Usage | None:
    try:
        response = _decode_event(sse.data_of(event) or b"").response
    except UNREADABLE:
        return None
    return None if response is None else _whole_usage(response)
