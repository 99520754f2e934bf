"""Tokens with their probabilities: TGI's form and the canonical one, which is OpenAI's."""

from collections.abc import Mapping, Sequence
from typing import Any

from .wire import Token


def logprobs_of(tokens: Sequence[Token], tops: Sequence[Sequence[Token]] | None) -> Any:
    """The canonical form, or None if not requested: `tops` needs `top_n_tokens`."""
    if not tops:
        return None
    content = [
        {**_entry(token), "top_logprobs": [_entry(one) for one in top]}
        for token, top in zip(tokens, tops, strict=False)
        if not token.special
    ]
    return {"content": content}


def tokens_of(logprobs: Any) -> tuple[list[Token], list[list[Token]]]:
    """Tokens and the most likely alternatives; other vendors do not report token ids."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    entries = [one for one in content or () if isinstance(one, Mapping)]
    tops = [[_token(one) for one in entry.get("top_logprobs") or ()] for entry in entries]
    return [_token(entry) for entry in entries], tops


def _entry(token: Token) -> dict[str, Any]:
    text = token.text
    return {"token": text, "logprob": token.logprob or 0.0, "bytes": list(text.encode())}


def _token(entry: Mapping[str, Any]) -> Token:
    return Token(0, str(entry.get("token", "")), float(entry.get("logprob", 0.0)))
