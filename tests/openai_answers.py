"""Answers of an OpenAI API, for what clients of other vendors make of them."""

import json
from collections.abc import Mapping
from typing import Any, Final

from jackfield import sse

USAGE: Final = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}
_HEAD: Final = {"id": "chatcmpl-1", "created": 1, "model": "gpt"}


def completion(message: Mapping[str, Any], finish: str = "stop") -> bytes:
    """A whole answer with one choice."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    answer = {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}
    return json.dumps(answer).encode()


def chunks(*deltas: Mapping[str, Any], finish: str = "stop") -> list[bytes]:
    """The events of a stream with one choice, and its usage at the end."""
    choices: list[Any] = [{"index": 0, "delta": d, "finish_reason": None} for d in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    head = {**_HEAD, "object": "chat.completion.chunk"}
    values = [{**head, "choices": [choice]} for choice in choices]
    values.append({**head, "choices": [], "usage": USAGE})
    return [*(sse.encode(json.dumps(value).encode()) for value in values), b"data: [DONE]\n\n"]
