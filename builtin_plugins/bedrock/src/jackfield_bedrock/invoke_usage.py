"""The usage in InvokeModel bodies that are not parsed otherwise."""

from typing import Any, Final

from jackfield.messages import Usage

from .usage import count_of

_COUNTS: Final = (
    # path, input, output
    ("amazon-bedrock-invocationMetrics", "inputTokenCount", "outputTokenCount"),
    ("usage", "input_tokens", "output_tokens"),
    ("usage", "inputTokens", "outputTokens"),
    ("usage", "prompt_tokens", "completion_tokens"),
    ("", "prompt_token_count", "generation_token_count"),
)

_CACHES: Final = {
    # not included in the input count: cache reads, cache writes
    "inputTokenCount": ("cacheReadInputTokenCount", "cacheWriteInputTokenCount"),
    "input_tokens": ("cache_read_input_tokens", "cache_creation_input_tokens"),
    "inputTokens": ("cacheReadInputTokenCount", "cacheWriteInputTokenCount"),
    "prompt_tokens": ("", ""),
    "prompt_token_count": ("", ""),
}
_HOUR: Final = "ephemeral_1h_input_tokens"


def usage_of_any(value: Any) -> Usage | None:
    """The usage in an answer or a chunk, if it reports any."""
    if not isinstance(value, dict):
        return None
    for where, given, made in _COUNTS:
        inner = value.get(where) if where else value
        if isinstance(inner, dict) and (given in inner or made in inner):
            cached, written = (count_of(inner, key) for key in _CACHES[given])
            return Usage(
                count_of(inner, given) + cached + written,
                count_of(inner, made),
                cached_input_tokens=cached,
                cache_write_tokens=written,
                cache_write_1h_tokens=count_of(inner.get("cache_creation"), _HOUR),
            )
    return None
