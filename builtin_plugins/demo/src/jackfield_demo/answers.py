"""The answers of the chat models."""

import json
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from jackfield.errors import InvalidRequest
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    FinishReason,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)

from .conversation import Conversation
from .hints import Hints
from .schemas import instance
from .tokens import count, tokens_of
from .tool_calls import calls_for

MOST_CHOICES = 16

_LONG = (
    "A jackfield is the panel where an operator plugs one line into another with a short cord. "
    "Every line ends in a jack, every jack has a label, and whoever knows the labels can connect "
    "anyone with anyone. "
) * 9


def answer(
    base: str,
    request: ChatRequest,
    conversation: Conversation,
    *,
    id: str,
    created: int,
) -> ChatResponse:
    """The complete answer of a chat model. Raises InvalidRequest."""
    n = 1 if request.n is None else request.n
    if not 1 <= n <= MOST_CHOICES:
        raise InvalidRequest(f"n must be between 1 and {MOST_CHOICES}.", param="n")
    complete = list(_parts(base, request, conversation))
    parts, reason = _shortened(complete, request.stop, request.max_tokens)
    choices = tuple(
        Choice(Message("assistant", tuple(_identified(parts, id, at))), reason) for at in range(n)
    )
    return ChatResponse(
        id=id,
        model=request.model,
        choices=choices,
        usage=Usage(
            input_tokens=conversation.input_tokens,
            output_tokens=n * sum(count(_text_of(part)) for part in parts),
            reasoning_tokens=n * sum(count(p.text) for p in parts if isinstance(p, Reasoning)),
        ),
        created=created,
    )


def _parts(base: str, request: ChatRequest, conversation: Conversation) -> Iterator[Part]:
    if base == "refuse":
        yield Refusal("I would rather not: the model `refuse` declines whatever it is asked.")
        return
    if base == "think" or _requests_reasoning(request):
        message = conversation.message or "nothing"
        yield Reasoning(f"The user says: {message}. I know little, so I stay kind.")
    calls = [] if conversation.tool_outputs else calls_for(request, conversation.message)
    if calls:
        yield from calls
    else:
        yield Text(_formatted(request, conversation, _reply(base, conversation)))


def _requests_reasoning(request: ChatRequest) -> bool:
    reasoning = request.reasoning
    if reasoning is None or reasoning.effort == "none":
        return False
    return bool(reasoning.effort or reasoning.budget_tokens)


def _reply(base: str, conversation: Conversation) -> str:
    if conversation.tool_outputs:
        return " ".join(
            f"The tool {result.tool} {'failed' if result.is_error else 'says'}: {result.text}"
            for result in conversation.tool_outputs
        )
    attached = f" (with {conversation.attachments} attached)" if conversation.attachments else ""
    if base == "echo":
        return f"You said: {conversation.message}{attached}"
    if base == "long":
        return _LONG.strip()
    message = conversation.message
    greeting = f"You asked: “{message}”{attached}. " if message or attached else "Hello! "
    return greeting + (
        "I am a demo: I know nothing, but I answer in every dialect, without a key and without a"
        " network. Add a real provider, and the same request will reach it."
    )


def _formatted(request: ChatRequest, conversation: Conversation, text: str) -> str:
    format_ = request.response_format
    if format_ is None or format_.kind == "text":
        return text
    if format_.kind == "json_object" or format_.schema is None:
        return json.dumps({"answer": text}, ensure_ascii=False)
    try:
        value = instance(format_.schema, Hints(conversation.message))
    except ValueError as error:
        raise InvalidRequest(
            f"The response format's schema cannot be filled in: {error}.", param="response_format"
        ) from error
    return json.dumps(value, ensure_ascii=False)


def _shortened(
    parts: Sequence[Part], stops: Sequence[str], max_tokens: int | None
) -> tuple[list[Part], FinishReason]:
    """The parts up to a stop sequence in the text, or up to the limit."""
    kept: list[Part] = []
    reason: FinishReason = "stop"
    left = max_tokens
    for part in parts:
        text = _text_of(part)
        if isinstance(part, Text):
            text = text[
                : min((at for stop in stops if stop and (at := text.find(stop)) >= 0), default=None)
            ]
        tokens = tokens_of(text)
        if left is not None and len(tokens) > left:
            kept += _with_text(part, "".join(tokens[:left])) if left > 0 else ()
            return kept, "length"
        left = None if left is None else left - len(tokens)
        kept += _with_text(part, text)
        if isinstance(part, ToolCall):
            reason = "tool_calls"
    return kept, reason


def _text_of(part: Part) -> str:
    if isinstance(part, ToolCall):
        return part.arguments
    return part.text if isinstance(part, Text | Reasoning | Refusal) else ""


def _with_text(part: Part, text: str) -> Sequence[Part]:
    if isinstance(part, ToolCall):
        return (replace(part, arguments=text),)
    return (
        (replace(part, text=text),) if text and isinstance(part, Text | Reasoning | Refusal) else ()
    )


def _identified(parts: Sequence[Part], response: str, choice: int) -> Iterator[Part]:
    for at, part in enumerate(parts):
        if isinstance(part, ToolCall):
            yield replace(part, id=f"call_{response.removeprefix('demo-')}_{choice}_{at}")
        else:
            yield part
