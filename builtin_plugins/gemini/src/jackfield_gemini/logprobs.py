"""Log probabilities: Google's `logprobsResult` and the form of all other APIs."""

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any


def read_logprobs(wire: Any) -> dict[str, Any] | None:
    """The canonical form, a list of tokens under `content`; None if there is none."""
    if not isinstance(wire, dict):
        return None
    chosen, tops = _list(wire, "chosenCandidates"), _list(wire, "topCandidates")
    content = []
    pairs: Iterable[tuple[Any, Any]] = zip_longest(chosen, tops[: len(chosen)])
    for token, top in pairs:
        others = _list(top, "candidates") if isinstance(top, dict) else []
        read = _read_token(token)
        content.append(read | {"top_logprobs": [_read_token(other) for other in others]})
    return {"content": content}


def _list(wire: Mapping[str, Any], key: str) -> list[Any]:
    value = wire.get(key)
    return value if isinstance(value, list) else []


def _read_token(wire: Any) -> dict[str, Any]:
    known = wire if isinstance(wire, dict) else {}
    token, probability = known.get("token"), known.get("logProbability")
    text = token if isinstance(token, str) else ""
    return {
        "token": text,
        "logprob": probability if isinstance(probability, float | int) else 0.0,
        "bytes": list(text.encode("utf-8", "replace")),
    }


def write_logprobs(value: Any) -> dict[str, Any] | None:
    """Google's form."""
    content = value.get("content") if isinstance(value, dict) else None
    if not isinstance(content, list):
        return None
    tokens = [token for token in content if isinstance(token, dict)]
    return {
        "chosenCandidates": [_write_token(token) for token in tokens],
        "topCandidates": [
            {"candidates": [_write_token(other) for other in _list(token, "top_logprobs")]}
            for token in tokens
        ],
    }


def _write_token(token: Any) -> dict[str, Any]:
    known = token if isinstance(token, dict) else {}
    return {"token": known.get("token", ""), "logProbability": known.get("logprob", 0.0)}
