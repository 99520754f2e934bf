"""The usage in bodies of InvokeModel that nobody reads otherwise."""

from typing import Any, Final

from jackfield.messages import Usage

from .usage import count_of

_COUNTS: Final = (
    # where, input, output
    ("amazon-bedrock-invocationMetrics", "inputTokenCount", "outputTokenCount"),
    ("usage", "input_tokens", "output_tokens"),
    ("usage", "inputTokens", "outputTokens"),
    ("usage", "prompt_tokens", "completion_tokens"),
    ("", "prompt_token_count", "generation_token_count"),
)


def usage_of_any(value: Any) -> Usage | None:
    """The usage in an answer or a chunk, if it says any."""
    if not isinstance(value, dict):
        return None
    for where, given, made in _COUNTS:
        inner = value.get(where) if where else value
        if isinstance(inner, dict) and (given in inner or made in inner):
            return Usage(count_of(inner, given), count_of(inner, made))
    return None
