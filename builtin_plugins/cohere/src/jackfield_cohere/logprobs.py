"""Log probabilities: per chunk of text in Cohere's API, per token in all others."""

import math
from collections.abc import Sequence
from typing import Any


def read_logprobs(items: Any) -> dict[str, Any] | None:
    """OpenAI's form of Cohere's items; a chunk of several tokens counts as one.

    None if there are none.
    """
    if not isinstance(items, list):
        return None
    content = [_entry(item) for item in items if isinstance(item, dict)]
    return {"content": content, "refusal": None} if content else None


def _entry(item: dict[str, Any]) -> dict[str, Any]:
    text = item.get("text") if isinstance(item.get("text"), str) else ""
    numbers = item.get("logprobs")
    found = [n for n in numbers if _is_number(n)] if isinstance(numbers, list) else []
    return {
        "token": text,
        "logprob": math.fsum(found),
        "bytes": list(str(text).encode("utf-8", "surrogatepass")),
        "top_logprobs": [],
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def write_logprobs(logprobs: Any) -> list[dict[str, Any]] | None:
    """Cohere's items for OpenAI's form; token ids are unknown."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list) or not content:
        return None
    return [_item(entry) for entry in content if isinstance(entry, dict)]


def _item(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "text": entry.get("token"),
        "token_ids": [],
        "logprobs": [entry.get("logprob")],
    }


def merged(all_of_them: Sequence[Any]) -> list[Any]:
    """The items of several deltas as one list; a delta has one item or a list of them."""
    return [item for one in all_of_them for item in (one if isinstance(one, list) else [one])]
