"""What each vendor's numbers mean in our classes of tokens, read apart from our dialects."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from jackfield.messages import Usage


def of_anthropic(told: Mapping[str, Any]) -> Usage:
    """Caches are counted beside the input."""
    cached = told.get("cache_read_input_tokens") or 0
    written = told.get("cache_creation_input_tokens") or 0
    thought = (told.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    total = told["input_tokens"] + cached + written
    return Usage(total, told["output_tokens"], cached, written, thought)


def of_bedrock(told: Mapping[str, Any]) -> Usage:
    """The same."""
    cached = told.get("cacheReadInputTokens") or 0
    written = told.get("cacheWriteInputTokens") or 0
    return Usage(told["inputTokens"] + cached + written, told["outputTokens"], cached, written)


def of_cohere(told: Mapping[str, Any]) -> Usage:
    """Numbers may be fractions."""
    counts, cached = told["tokens"], told.get("cached_tokens") or 0
    thought = int(counts.get("reasoning_tokens") or 0)
    inputs, outputs = int(counts["input_tokens"]), int(counts["output_tokens"])
    return Usage(inputs, outputs, int(cached), reasoning_tokens=thought)


def of_gemini(told: Mapping[str, Any]) -> Usage:
    """Thoughts are counted beside the answer, what tools said beside the prompt."""
    thoughts = told.get("thoughtsTokenCount") or 0
    return Usage(
        (told.get("promptTokenCount") or 0) + (told.get("toolUsePromptTokenCount") or 0),
        (told.get("candidatesTokenCount") or 0) + thoughts,
        told.get("cachedContentTokenCount") or 0,
        reasoning_tokens=thoughts,
        audio_input_tokens=_sound(told, "promptTokensDetails", "toolUsePromptTokensDetails"),
        audio_output_tokens=_sound(told, "candidatesTokensDetails"),
    )


def _sound(told: Mapping[str, Any], *keys: str) -> int:
    details = [one for key in keys for one in told.get(key) or ()]
    return sum(one.get("tokenCount", 0) for one in details if one.get("modality") == "AUDIO")


def of_ollama(told: Mapping[str, Any]) -> Usage:
    """Two numbers."""
    return Usage(told["prompt_eval_count"], told["eval_count"])


def of_openai_chat(told: Mapping[str, Any]) -> Usage:
    """Everybody has another place for what was cached; xAI counts thoughts beside the answer."""
    given = told.get("prompt_tokens_details") or {}
    made = told.get("completion_tokens_details") or {}
    apart = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
    thought, output = made.get("reasoning_tokens") or 0, told["completion_tokens"]
    if told["total_tokens"] == told["prompt_tokens"] + output + thought:
        output += thought
    return Usage(
        told["prompt_tokens"],
        output,
        given.get("cached_tokens") or next((told[key] for key in apart if told.get(key)), 0),
        given.get("cache_write_tokens") or 0,
        thought,
        given.get("audio_tokens") or 0,
        made.get("audio_tokens") or 0,
    )


def of_openai_responses(told: Mapping[str, Any]) -> Usage:
    """Details stand below each number."""
    given = told.get("input_tokens_details") or {}
    made = told.get("output_tokens_details") or {}
    return Usage(
        told["input_tokens"],
        told["output_tokens"],
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
