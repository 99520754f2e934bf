"""What each vendor's numbers mean in our classes of tokens, read apart from our dialects."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from jackfield.messages import Usage


def of_anthropic(reported: Mapping[str, Any]) -> Usage:
    """Caches are counted beside the input."""
    cached = reported.get("cache_read_input_tokens") or 0
    written = reported.get("cache_creation_input_tokens") or 0
    thought = (reported.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    total = reported["input_tokens"] + cached + written
    return Usage(total, reported["output_tokens"], cached, written, thought)


def of_bedrock(reported: Mapping[str, Any]) -> Usage:
    """The same."""
    cached = reported.get("cacheReadInputTokens") or 0
    written = reported.get("cacheWriteInputTokens") or 0
    return Usage(
        reported["inputTokens"] + cached + written, reported["outputTokens"], cached, written
    )


def of_cohere(reported: Mapping[str, Any]) -> Usage:
    """Numbers may be fractions."""
    counts, cached = reported["tokens"], reported.get("cached_tokens") or 0
    thought = int(counts.get("reasoning_tokens") or 0)
    inputs, outputs = int(counts["input_tokens"]), int(counts["output_tokens"])
    return Usage(inputs, outputs, int(cached), reasoning_tokens=thought)


def of_gemini(reported: Mapping[str, Any]) -> Usage:
    """Thoughts are counted beside the answer, results of tools beside the prompt."""
    thoughts = reported.get("thoughtsTokenCount") or 0
    return Usage(
        (reported.get("promptTokenCount") or 0) + (reported.get("toolUsePromptTokenCount") or 0),
        (reported.get("candidatesTokenCount") or 0) + thoughts,
        reported.get("cachedContentTokenCount") or 0,
        reasoning_tokens=thoughts,
        audio_input_tokens=_sound(reported, "promptTokensDetails", "toolUsePromptTokensDetails"),
        audio_output_tokens=_sound(reported, "candidatesTokensDetails"),
    )


def _sound(reported: Mapping[str, Any], *keys: str) -> int:
    details = [one for key in keys for one in reported.get(key) or ()]
    return sum(one.get("tokenCount", 0) for one in details if one.get("modality") == "AUDIO")


def of_ollama(reported: Mapping[str, Any]) -> Usage:
    """Two numbers."""
    return Usage(reported["prompt_eval_count"], reported["eval_count"])


def of_openai_chat(reported: Mapping[str, Any]) -> Usage:
    """Everybody has another place for what was cached; xAI counts thoughts beside the answer."""
    given = reported.get("prompt_tokens_details") or {}
    made = reported.get("completion_tokens_details") or {}
    apart = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
    thought, output = made.get("reasoning_tokens") or 0, reported["completion_tokens"]
    if reported["total_tokens"] == reported["prompt_tokens"] + output + thought:
        output += thought
    return Usage(
        reported["prompt_tokens"],
        output,
        given.get("cached_tokens")
        or next((reported[key] for key in apart if reported.get(key)), 0),
        given.get("cache_write_tokens") or 0,
        thought,
        given.get("audio_tokens") or 0,
        made.get("audio_tokens") or 0,
    )


def of_openai_responses(reported: Mapping[str, Any]) -> Usage:
    """Details stand below each number."""
    given = reported.get("input_tokens_details") or {}
    made = reported.get("output_tokens_details") or {}
    return Usage(
        reported["input_tokens"],
        reported["output_tokens"],
        given.get("cached_tokens") or 0,
        given.get("cache_write_tokens") or 0,
        made.get("reasoning_tokens") or 0,
    )


COUNTERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Usage]]] = {
    "anthropic_messages": of_anthropic,
    "bedrock_converse": of_bedrock,
    "cohere_v2": of_cohere,
    "gemini": of_gemini,
    "ollama": of_ollama,
    "openai_chat": of_openai_chat,
    "openai_responses": of_openai_responses,
}
"""By the corpus's names of dialects."""
