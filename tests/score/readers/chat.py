"""Reads Chat Completions with the official `openai` SDK's types."""

from collections.abc import Mapping
from typing import Any

import msgspec
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from tests.score.answer import Answer, Call, arguments_of, count, id_problems
from tests.score.readers.types import json_events, mistakes

DIALECT = "openai.chat"
_DONE = b"data: [DONE]\n\n"
_FINISH = {"function_call": "tool_calls"}


def read(body: bytes) -> Answer:
    """A whole completion."""
    tree = msgspec.json.decode(body)
    problems = mistakes(ChatCompletion, tree)
    return _answer(tree["choices"][0], tree.get("usage"), problems)


def read_stream(wire: bytes) -> Answer:
    """A stream of chunks, put together as the SDK does."""
    problems = [] if wire.endswith(_DONE) else ["the stream does not end in [DONE]"]
    gathered = _Gathered()
    for chunk in json_events(wire):
        problems += mistakes(ChatCompletionChunk, chunk)
        gathered.add(chunk)
    if list(gathered.calls) != list(range(len(gathered.calls))):
        problems.append("the indexes of tool calls are not 0, 1, 2, …")
    if gathered.finishes != 1:
        problems.append(f"{gathered.finishes} chunks with a finish_reason")
    return _answer(gathered.choice(), gathered.usage, problems)


class _Gathered:
    def __init__(self) -> None:
        self.message: dict[str, Any] = {}
        self.calls: dict[int, dict[str, Any]] = {}
        self.finish: str | None = None
        self.finishes = 0
        self.usage: Mapping[str, Any] | None = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk.get("choices") or ():
            if choice.get("index"):
                continue
            delta = choice.get("delta") or {}
            for key in ("content", "refusal", "reasoning_content", "reasoning"):
                if delta.get(key):
                    self.message[key] = _joined(self.message.get(key), delta[key])
            for call in delta.get("tool_calls") or ():
                self._add_call(call)
            if choice.get("finish_reason"):
                self.finish = choice["finish_reason"]
                self.finishes += 1

    def _add_call(self, delta: Mapping[str, Any]) -> None:
        call = self.calls.setdefault(delta["index"], {"id": delta.get("id"), "type": "function"})
        kind = "custom" if "custom" in delta else "function"
        inner = call.setdefault(kind, {})
        for key, value in (delta.get(kind) or {}).items():
            inner[key] = (inner.get(key) or "") + (value or "")
        call["type"] = kind

    def choice(self) -> dict[str, Any]:
        message = {**self.message, "tool_calls": list(self.calls.values())}
        return {"message": message, "finish_reason": self.finish}


def _joined(before: Any, more: Any) -> Any:
    if isinstance(more, list) or isinstance(before, list):
        return [*_parts(before), *_parts(more)]
    return (before or "") + more


def _parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [{"type": "text", "text": content or ""}]


def _answer(choice: Mapping[str, Any], usage: Any, problems: list[str]) -> Answer:
    message = choice["message"]
    found = message.get("tool_calls") or []
    finish = choice.get("finish_reason")
    return Answer(
        text=_text(message.get("content")),
        reasoning=message.get("reasoning_content") or message.get("reasoning") or "",
        calls=tuple(_call(call) for call in found) or _legacy(message.get("function_call")),
        finish=_FINISH.get(finish or "", finish),
        usage=_count(usage or {}),
        problems=(*problems, *id_problems([call.get("id") for call in found])),
    )


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if part.get("type") == "text")
    return content or ""


def _call(call: Mapping[str, Any]) -> Call:
    inner = call.get("custom") or call["function"]
    return inner["name"], arguments_of(inner.get("arguments", inner.get("input")))


def _legacy(call: Mapping[str, Any] | None) -> tuple[Call, ...]:
    return ((call["name"], arguments_of(call["arguments"])),) if call else ()


def _count(usage: Mapping[str, Any]) -> dict[str, int]:
    inputs = usage.get("prompt_tokens_details") or {}
    outputs = usage.get("completion_tokens_details") or {}
    apart = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
    return count(
        input=usage.get("prompt_tokens"),
        output=usage.get("completion_tokens"),
        cached=inputs.get("cached_tokens") or next((usage[k] for k in apart if usage.get(k)), 0),
        cache_write=inputs.get("cache_write_tokens"),
        reasoning=outputs.get("reasoning_tokens"),
        audio_in=inputs.get("audio_tokens"),
        audio_out=outputs.get("audio_tokens"),
    )
