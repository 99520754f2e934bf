"""Complete answers: parsing and rendering."""

import msgspec

from jackfield.dialects import Loss, Rendered
from jackfield.messages import (
    Audio,
    ChatRequest,
    ChatResponse,
    Choice,
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)

from .finish import reason_of, word_for
from .logprobs import logprobs_of, tokens_of
from .shape import Shape, shape_of
from .usage import usage_of
from .wire import Answer, Details, read_answer

_LOST: dict[type, str] = {
    Reasoning: "reasoning",
    ToolCall: "tool_calls",
    Image: "images",
    Audio: "audio",
    Document: "documents",
}


def usage_in(body: bytes) -> Usage | None:
    """The reported usage of an answer. Raises ValueError if it is malformed."""
    details = read_answer(body).details
    return usage_of(details.generated_tokens, len(details.prefill)) if details else None


def read_response(body: bytes) -> ChatResponse:
    """The canonical answer. TGI sends neither an id nor the model's name."""
    answer = read_answer(body)
    message = Message("assistant", (Text(answer.generated_text),))
    details = answer.details
    if details is None:
        return ChatResponse("", "", (Choice(message, "stop"),))
    word = details.finish_reason
    logprobs = logprobs_of(details.tokens, details.top_tokens)
    choice = Choice(message, reason_of(word), word, logprobs)
    return ChatResponse("", "", (choice,), usage_of(details.generated_tokens, len(details.prefill)))


def write_response(response: ChatResponse, request: ChatRequest, *, listed: bool) -> Rendered:
    """The answer as a client of TGI expects it; if `listed`, in an array of one."""
    losses: list[Loss] = []
    shape = shape_of(request)
    text, details = "", None
    if response.choices:
        choice = response.choices[0]
        text = "".join(_text_in(part, losses) for part in choice.message.parts)
        details = _details_of(choice, response.usage, shape)
    if len(response.choices) > 1:
        losses.append(Loss("n", "choices", "dropped", "one answer instead of several"))
    answer = Answer(shape.before + text, details)
    return Rendered(msgspec.json.encode([answer] if listed else answer), tuple(losses))


def _details_of(choice: Choice, usage: Usage | None, shape: Shape) -> Details | None:
    if not shape.details:
        return None
    tokens, tops = tokens_of(choice.logprobs)
    return Details(
        finish_reason=word_for(choice.finish_reason, choice.finish_detail),
        generated_tokens=usage.output_tokens if usage else len(tokens),
        tokens=tokens,
        top_tokens=tops or None,
    )


def _text_in(part: Part, losses: list[Loss]) -> str:
    if isinstance(part, Text):
        return part.text
    path = "choices[0].message"
    if isinstance(part, Refusal):
        losses.append(Loss("refusals", path, "approximated", "as text"))
        return part.text
    losses.append(Loss(_LOST.get(type(part), "parts"), path, "dropped"))
    return ""
