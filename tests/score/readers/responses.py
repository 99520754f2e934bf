"""Reads Responses with the official `openai` SDK's types."""

from collections.abc import Mapping
from typing import Any

import msgspec
from openai import omit
from openai._models import construct_type
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from tests.score.answer import Answer, Call, arguments_of, count, id_problems
from tests.score.readers.types import json_events, mistakes

DIALECT = "openai.responses"
_LAST = ("response.completed", "response.incomplete", "response.failed")
_CUT = {"max_output_tokens": "length", "content_filter": "content_filter"}
_CALLS = ("function_call", "custom_tool_call")


def read(body: bytes) -> Answer:
    """A whole response."""
    tree = msgspec.json.decode(body)
    return _answer(tree, mistakes(Response, tree))


def read_stream(wire: bytes) -> Answer:
    """A stream of events: its last says all, and its deltas must say the same."""
    problems: list[str] = []
    streamed = ""
    values = list(json_events(wire))
    for number, value in enumerate(values):
        problems += mistakes(ResponseStreamEvent, value)
        if value["type"] == "response.output_text.delta":
            streamed += value["delta"]
        if value.get("sequence_number", number) != number:
            problems.append(f"sequence_number {value['sequence_number']} at place {number}")
    _put_together(values)
    last = values[-1]
    if last["type"] not in _LAST:
        return Answer(problems=(*problems, f"the stream ends in {last['type']}"))
    if streamed != "".join(_texts(last["response"]["output"])):
        problems.append("the deltas of the text are not the text")
    return _answer(last["response"], problems)


def _put_together(values: list[Any]) -> None:
    """As the SDK does, which stumbles over what does not fit."""
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    for value in values:
        state.handle_event(construct_type(type_=ResponseStreamEvent, value=value))


def _answer(tree: Mapping[str, Any], problems: list[str]) -> Answer:
    items = tree["output"]
    found = [item for item in items if item["type"] in _CALLS]
    calls = tuple(_call(item) for item in found)
    return Answer(
        text="".join(_texts(items)),
        reasoning="".join(_thoughts(items)),
        calls=calls,
        finish=_finish(tree, has_calls=bool(calls)),
        usage=_count(tree.get("usage") or {}),
        problems=(*problems, *id_problems([item.get("call_id") for item in found])),
    )


def _texts(items: list[Any]) -> list[str]:
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    return [part["text"] for part in parts if part["type"] == "output_text"]


def _thoughts(items: list[Any]) -> list[str]:
    thoughts = [item for item in items if item["type"] == "reasoning"]
    return [
        part["text"]
        for item in thoughts
        for part in (*(item.get("summary") or ()), *(item.get("content") or ()))
    ]


def _call(item: Mapping[str, Any]) -> Call:
    return item["name"], arguments_of(item.get("arguments", item.get("input")))


def _finish(tree: Mapping[str, Any], *, has_calls: bool) -> str | None:
    if tree["status"] == "incomplete":
        return _CUT.get((tree.get("incomplete_details") or {}).get("reason", ""), "other")
    if tree["status"] != "completed":
        return None
    return "tool_calls" if has_calls else "stop"


def _count(usage: Mapping[str, Any]) -> dict[str, int]:
    inputs = usage.get("input_tokens_details") or {}
    outputs = usage.get("output_tokens_details") or {}
    return count(
        input=usage.get("input_tokens"),
        output=usage.get("output_tokens"),
        cached=inputs.get("cached_tokens"),
        cache_write=inputs.get("cache_write_tokens"),
        reasoning=outputs.get("reasoning_tokens"),
        audio_in=inputs.get("audio_tokens"),
        audio_out=outputs.get("audio_tokens"),
    )
