"""What the corpus's own reading of an answer says, in the terms of `Told`."""

from collections.abc import Callable, Mapping
from typing import Any

from .told import Told, arguments_of, count
from .traffic import Recorded

FINISH = {
    "stop": {"end_turn", "stop_sequence", "STOP", "COMPLETE", "STOP_SEQUENCE", "stop", "1"},
    "length": {"max_tokens", "MAX_TOKENS", "length", "incomplete", "2"},
    "tool_calls": {"tool_use", "TOOL_CALL", "tool_calls", "function_call"},
    "content_filter": {"refusal", "SAFETY", "guardrail_intervened", "content_filtered"},
}
"""Our word for a finish, and the vendors'; with any other, nothing is expected."""


def expected(recorded: Recorded) -> Told:
    """What every client must be told."""
    expect = recorded.exchange.expect
    named = [call for call in expect["tool_calls"] if call["name"]]
    calls = tuple((call["name"], arguments_of(call["arguments"])) for call in named)
    usage = expect.get("usage") or {}
    counter = _COUNTERS[recorded.exchange.dialect]
    return Told(
        text=expect["text"] or "",
        reasoning=expect["reasoning"] or "",
        calls=calls,
        finish=_finish(str(expect["finish"]), has_calls=bool(calls)),
        usage=counter(usage) if usage else {},
    )


def _finish(word: str, *, has_calls: bool) -> str | None:
    if word == "completed":
        return "tool_calls" if has_calls else "stop"
    found = next((ours for ours, theirs in FINISH.items() if word in theirs), None)
    return "tool_calls" if has_calls and found == "stop" else found


def _chat(usage: Mapping[str, Any]) -> dict[str, int]:
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


def _responses(usage: Mapping[str, Any]) -> dict[str, int]:
    inputs = usage.get("input_tokens_details") or {}
    outputs = usage.get("output_tokens_details") or {}
    return count(
        input=usage.get("input_tokens"),
        output=usage.get("output_tokens"),
        cached=inputs.get("cached_tokens"),
        cache_write=inputs.get("cache_write_tokens"),
        reasoning=outputs.get("reasoning_tokens"),
    )


def _anthropic(usage: Mapping[str, Any]) -> dict[str, int]:
    read = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    outputs = usage.get("output_tokens_details") or {}
    return count(
        input=usage["input_tokens"] + read + written,
        output=usage["output_tokens"],
        cached=read,
        cache_write=written,
        reasoning=outputs.get("thinking_tokens"),
    )


def _gemini(usage: Mapping[str, Any]) -> dict[str, int]:
    details = usage.get("promptTokensDetails") or ()
    audio = [d.get("tokenCount") or 0 for d in details if d.get("modality") == "AUDIO"]
    tools = usage.get("toolUsePromptTokenCount") or 0
    thoughts = usage.get("thoughtsTokenCount") or 0
    return count(
        input=(usage.get("promptTokenCount") or 0) + tools,
        output=(usage.get("candidatesTokenCount") or 0) + thoughts,
        cached=usage.get("cachedContentTokenCount"),
        reasoning=thoughts,
        audio_in=sum(audio),
    )


def _bedrock(usage: Mapping[str, Any]) -> dict[str, int]:
    read = usage.get("cacheReadInputTokens") or 0
    written = usage.get("cacheWriteInputTokens") or 0
    return count(
        input=usage["inputTokens"] + read + written,
        output=usage["outputTokens"],
        cached=read,
        cache_write=written,
    )


def _cohere(usage: Mapping[str, Any]) -> dict[str, int]:
    tokens = usage.get("tokens") or usage.get("billed_units") or {}
    return count(
        input=tokens.get("input_tokens"),
        output=tokens.get("output_tokens"),
        cached=usage.get("cached_tokens"),
    )


def _ollama(usage: Mapping[str, Any]) -> dict[str, int]:
    return count(input=usage.get("prompt_eval_count"), output=usage.get("eval_count"))


_COUNTERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, int]]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _anthropic,
    "gemini": _gemini,
    "bedrock_converse": _bedrock,
    "cohere_v2": _cohere,
    "ollama": _ollama,
}
