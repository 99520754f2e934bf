"""Reads Messages with the official `anthropic` SDK's types."""

from collections.abc import Mapping
from typing import Any

import msgspec
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from tests.score.answer import Answer, arguments_of, count, id_problems
from tests.score.readers.types import mistakes

from jackfield import sse

DIALECT = "anthropic.messages"
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_DELTAS = {"text": "text", "thinking": "thinking", "signature": "signature"}


def read(body: bytes) -> Answer:
    """A whole message."""
    tree = msgspec.json.decode(body)
    return _answer(tree, mistakes(Message, tree))


def read_stream(wire: bytes) -> Answer:
    """A stream of events, put together as the SDK does."""
    problems: list[str] = []
    message: dict[str, Any] = {"content": []}
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    last = ""
    for event in sse.split(wire):
        value = msgspec.json.decode(sse.data_of(event) or b"null")
        if value is None or value["type"] == "ping":
            continue
        last = value["type"]
        if sse.parse(event).event != last:
            problems.append(f"an event {sse.parse(event).event!r} with the type {last!r}")
        if last == "error":
            return Answer(problems=(*problems, "the stream ends in an error"))
        problems += mistakes(RawMessageStreamEvent, value)
        problems += _add(message, value)
        if last != "message_stop":  # the SDK stumbles over what does not fit
            snapshot = accumulate_event(event=value, current_snapshot=snapshot, json_bufs=buffers)
    if last != "message_stop":
        problems.append(f"the stream ends in {last}")
    return _answer(message, problems)


def _add(message: dict[str, Any], event: Mapping[str, Any]) -> list[str]:
    """Add what an event says; what is wrong with its place."""
    content = message["content"]
    match event["type"]:
        case "message_start":
            message.update(event["message"], content=content)
        case "content_block_start":
            content.append(dict(event["content_block"]))
            if event["index"] != len(content) - 1:
                return [f"block {event['index']} begins at place {len(content) - 1}"]
        case "content_block_delta":
            if event["index"] != len(content) - 1:
                return [f"a delta of block {event['index']} in block {len(content) - 1}"]
            _add_delta(content[-1], event["delta"])
        case "message_delta":
            message["stop_reason"] = event["delta"].get("stop_reason")
            usage = {key: n for key, n in (event.get("usage") or {}).items() if n is not None}
            message["usage"] = {**(message.get("usage") or {}), **usage}
    return []


def _add_delta(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    key = delta["type"].removesuffix("_delta")
    if key == "input_json":
        block["$json"] = block.get("$json", "") + delta["partial_json"]
    elif key in _DELTAS:
        block[key] = (block.get(key) or "") + delta[key]


def _answer(tree: Mapping[str, Any], problems: list[str]) -> Answer:
    blocks = tree["content"]
    calls = [block for block in blocks if block["type"] == "tool_use"]
    stop = tree.get("stop_reason")
    return Answer(
        text="".join(block["text"] for block in blocks if block["type"] == "text"),
        reasoning="".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        calls=tuple((c["name"], arguments_of(c.get("$json") or c["input"])) for c in calls),
        finish=_FINISH.get(stop or "", stop),
        usage=_count(tree.get("usage") or {}),
        problems=(*problems, *id_problems([call.get("id") for call in calls])),
    )


def _count(usage: Mapping[str, Any]) -> dict[str, int]:
    read = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    outputs = usage.get("output_tokens_details") or {}
    return count(
        input=(usage.get("input_tokens") or 0) + read + written,
        output=usage.get("output_tokens"),
        cached=read,
        cache_write=written,
        reasoning=outputs.get("thinking_tokens"),
        audio_in=(usage.get("input_tokens_details") or {}).get("audio_tokens"),
        audio_out=outputs.get("audio_tokens"),
    )
