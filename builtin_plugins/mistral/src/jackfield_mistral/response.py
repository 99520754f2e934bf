"""Reads and writes complete chat answers, through OpenAI's dialect."""

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import CanonicalRequest, Loss, Rendered, installed
from jackfield.messages import (
    Audio,
    ChatResponse,
    Choice,
    Image,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)

from .calls import sealed_proof, written_call
from .names import CHAT, exchanged, renamed_feature

_OPENAI: Final = installed("openai.chat")
_NO_USAGE: Final = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def read_response(body: bytes) -> ChatResponse:
    """The canonical form. Raises ValueError if the body is not a chat completion."""
    response = _OPENAI.parse_response(body)
    if not isinstance(response, ChatResponse):
        raise TypeError("a chat answers with a ChatResponse")
    return exchanged(response)


def write_response(response: ChatResponse, request: CanonicalRequest) -> Rendered:
    """The answer as a client of Mistral expects it."""
    losses: list[Loss] = []
    choices = tuple(_written(choice, losses) for choice in response.choices)
    openai_response = exchanged(replace(response, choices=choices))
    rendered = _OPENAI.render_response(openai_response, exchanged(request))
    losses += [replace(one, feature=renamed_feature(one.feature)) for one in rendered.losses]
    tree = msgspec.json.decode(rendered.body)
    tree.setdefault("usage", _NO_USAGE)
    for choice in tree["choices"]:
        _mistral_choice(choice)
    return Rendered(msgspec.json.encode(tree), tuple(losses))


def _written(choice: Choice, losses: list[Loss]) -> Choice:
    """The choice in Mistral's form."""
    reason = choice.finish_reason
    if reason == "content_filter":
        reason = "error"
        losses.append(Loss("finish_reason.content_filter", "choices", "approximated", "error"))
    made = (written_part(part, losses) for part in choice.message.parts)
    parts = tuple(part for part in made if part is not None)
    message = replace(choice.message, parts=parts)
    logprobs = choice.logprobs
    if isinstance(logprobs, dict) and CHAT not in choice.extensions:
        logprobs = {"content": logprobs.get("content") or []}
    return replace(choice, message=message, finish_reason=reason, logprobs=logprobs)


def written_part(part: Part, losses: list[Loss]) -> Part | None:
    """An answer's part in Mistral's form: thoughts as content, short ids, no refusals."""
    match part:
        case Reasoning() if CHAT not in part.extensions:
            return shown_thought(part)
        case ToolCall():
            return written_call(part, losses)
        case Text() if part.citations:
            losses.append(Loss("citations", "choices", "dropped"))
            return replace(part, citations=())
        case Image():
            losses.append(Loss("images.output", "choices", "dropped"))
            return None
        case Refusal() | Audio():
            return _as_text(part, losses)
    return part


def _as_text(part: Refusal | Audio, losses: list[Loss]) -> Text | None:
    if isinstance(part, Refusal):
        losses.append(Loss("refusals", "choices", "approximated", "as text"))
        return Text(part.text)
    losses.append(Loss("audio", "choices", "approximated", "its transcript as text"))
    return Text(part.transcript) if part.transcript else None


def shown_thought(thought: Reasoning) -> Reasoning | None:
    """Another vendor's thought in Mistral's form, with its proof sealed in the signature."""
    proof = sealed_proof(thought)
    if not thought.text and proof is None:
        return None
    empty: dict[str, Any] = {} if thought.text else {"$thinking": []}
    note = {CHAT: {"$in": "content", **empty}}
    return Reasoning(thought.text, signature=proof, extensions=note)


def _mistral_choice(choice: dict[str, Any]) -> None:
    if choice.get("logprobs") is None:
        choice.pop("logprobs", None)
    message = choice["message"]
    if message.get("content") is None:
        message["content"] = ""
    calls = message.get("tool_calls")
    message["tool_calls"] = calls if isinstance(calls, list) else None
    for index, call in enumerate(message["tool_calls"] or ()):
        call.setdefault("index", index)
