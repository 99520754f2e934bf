"""Reads generateContent with the official `google-genai` SDK's types."""

from collections.abc import Mapping
from typing import Any

import msgspec
from google.genai import types
from tests.score.answer import Answer, arguments_of, count, id_problems
from tests.score.readers.types import json_events, mistakes

DIALECT = "gemini.generate_content"
_FINISH = {"STOP": "stop", "MAX_TOKENS": "length", "OTHER": "other"}
_NUMBERED = {1: "STOP", 2: "MAX_TOKENS"}
_BLOCKED = ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII")
_FAILED = ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL")


def read(body: bytes) -> Answer:
    """A whole response."""
    tree = msgspec.json.decode(body)
    return _answer([tree], mistakes(types.GenerateContentResponse, tree))


def read_stream(wire: bytes) -> Answer:
    """A stream of responses, each with a piece of the answer."""
    values = list(json_events(wire))
    problems: list[str] = []
    for value in values:
        problems += mistakes(types.GenerateContentResponse, value)
    return _answer(values, problems)


def _answer(values: list[Mapping[str, Any]], problems: list[str]) -> Answer:
    candidates = [
        candidate
        for value in values
        for candidate in value.get("candidates") or ()
        if not candidate.get("index")
    ]
    contents = [candidate.get("content") or {} for candidate in candidates]
    parts = [part for content in contents for part in content.get("parts") or ()]
    calls = [part["functionCall"] for part in parts if part.get("functionCall")]
    reasons = [one["finishReason"] for one in candidates if one.get("finishReason")]
    usages = [value["usageMetadata"] for value in values if value.get("usageMetadata")]
    return Answer(
        text="".join(part["text"] for part in parts if "text" in part and not part.get("thought")),
        reasoning="".join(part.get("text", "") for part in parts if part.get("thought")),
        calls=tuple((call["name"], arguments_of(call.get("args"))) for call in calls),
        finish=_finish(reasons[-1] if reasons else None, has_calls=bool(calls)),
        usage=_count(usages[-1] if usages else {}),
        problems=(*problems, *id_problems([call.get("id") for call in calls])),
    )


def _finish(reason_given: Any, *, has_calls: bool) -> str | None:
    reason: str | None = _NUMBERED.get(reason_given, reason_given)
    if reason == "STOP" and has_calls:
        return "tool_calls"
    if reason in _BLOCKED:
        return "content_filter"
    if reason in _FAILED:
        return "error"
    return _FINISH.get(reason or "", reason)


def _count(usage: Mapping[str, Any]) -> dict[str, int]:
    thoughts = usage.get("thoughtsTokenCount") or 0
    return count(
        input=(usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0),
        output=(usage.get("candidatesTokenCount") or 0) + thoughts,
        cached=usage.get("cachedContentTokenCount"),
        reasoning=thoughts,
        audio_in=_audio(usage.get("promptTokensDetails")),
        audio_out=_audio(usage.get("candidatesTokensDetails")),
    )


def _audio(details: Any) -> int:
    return sum(d.get("tokenCount") or 0 for d in details or () if d.get("modality") == "AUDIO")
