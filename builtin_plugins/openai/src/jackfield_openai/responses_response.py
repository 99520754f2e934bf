"""Complete Responses answers, to and from the canonical form."""

from typing import Any

import msgspec

from jackfield.dialects import Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import json_object
from jackfield.losses import lost_part
from jackfield.messages import (
    Audio,
    ChatRequest,
    ChatResponse,
    Choice,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)

from .chat_tools import NO_ARGUMENTS
from .custom_calls import restored_choice
from .losses import LOST_REASON
from .moderations import response_moderation
from .responses_answer import INCOMPLETE, Answer, finish_of
from .responses_content import JSON, NAME, own, rest
from .responses_items import model_parts
from .responses_namespaces import Tools
from .responses_output import (
    AUDIO_AS_TEXT,
    add_reasoning,
    begins_reasoning,
    call_item,
    image_item,
    output_text,
    reasoning_item,
    refusal,
)
from .responses_shapes import AnswerShape, check
from .responses_usage import read_usage

_MAPPED = ("id", "model", "created_at", "output", "usage", "status", "incomplete_details")


def parse_response(body: bytes) -> ChatResponse:
    """The canonical form. Raises ValueError if `body` is not a response."""
    tree = json_object(body)
    try:
        check(tree, AnswerShape, "")
        parts = [part for index, item in enumerate(tree["output"]) for part in _parts(item, index)]
    except InvalidRequest as error:
        raise ValueError(f"The provider's answer is not a response: {error.message}") from error
    if tree.get("status") == "failed":
        raise ValueError("the provider failed to answer")
    reason, detail = finish_of(
        tree.get("status"), tree.get("incomplete_details"), calls=has_calls(parts)
    )
    message = Message("assistant", tuple(parts))
    created = tree.get("created_at")
    return ChatResponse(
        id=str(tree.get("id") or ""),
        model=str(tree.get("model") or ""),
        choices=(Choice(message, reason, detail, _logprobs(parts)),),
        usage=read_usage(tree.get("usage")),
        created=None if created is None else int(created),
        extensions={NAME: response_extra(tree)},
    )


def _parts(item: JSON, index: int) -> list[Part]:
    parts = model_parts(item, f"output[{index}]")
    return [Opaque(NAME, str(item.get("type")), item)] if parts is None else parts


def response_extra(tree: JSON) -> JSON:
    """The members of a response that have no canonical form."""
    return rest(tree, *_MAPPED)


def has_calls(parts: list[Part]) -> bool:
    """Whether the model asks the caller to run a tool."""
    return any(isinstance(part, ToolCall) for part in parts)


def _logprobs(parts: list[Part]) -> JSON | None:
    content = [
        entry
        for part in parts
        if isinstance(part, Text)
        for entry in own(part.extensions).get("logprobs") or ()
    ]
    return {"content": content, "refusal": None} if content else None


def render_response(response: ChatResponse, request: ChatRequest) -> Rendered:
    """The response as a client of this dialect expects it."""
    losses: list[Loss] = []
    if len(response.choices) > 1:
        losses.append(Loss("n", "choices[1]", "dropped", "one answer instead of several"))
    kept = response.extensions.get(NAME)
    moderation = response_moderation(response.extensions, losses)
    answer = Answer(request, response.id, response.model, response.created, _dict(kept))
    output = _Output(answer, request.tools, losses)
    choice = response.choices[0] if response.choices else Choice(Message("assistant", ()), "error")
    choice = restored_choice(choice, request.tools)
    for index, part in enumerate(choice.message.parts):
        output.add(part, f"choices[0].message.parts[{index}]")
    output.set_logprobs(choice.logprobs)
    if kept is None and choice.finish_reason in INCOMPLETE:
        output.cut_short()
    if kept is None and choice.finish_reason == "other":
        losses.append(LOST_REASON)
    members = {**(kept or {}), **moderation}
    body = answer.final(
        output.items, choice.finish_reason, choice.finish_detail, response.usage, members
    )
    return Rendered(msgspec.json.encode(body), tuple(losses))


def _dict(extra: Any) -> JSON | None:
    return None if extra is None else dict(extra)


class _Output:
    def __init__(self, answer: Answer, tools: Tools, losses: list[Loss]) -> None:
        self.items: list[JSON] = []
        self._answer = answer
        self._tools = tools
        self._losses = losses

    def add(self, part: Part, path: str) -> None:
        match part:
            case Text() | Refusal():
                self._message(part)["content"].append(
                    output_text(part, path, self._losses)
                    if isinstance(part, Text)
                    else refusal(part)
                )
            case Opaque(dialect, kind, value) if dialect == NAME:
                if kind.startswith("content."):
                    self._message(part)["content"].append(value)
                else:
                    self.items.append(value)
            case Reasoning():
                self._reasoning(part)
            case ToolCall():
                self._append(call_item(part, self._tools))
            case Image() if part.data is not None:
                self._append(image_item(part))
            case Audio() if part.transcript:
                self._losses.append(AUDIO_AS_TEXT)
                self.add(Text(part.transcript), path)
            case _:
                self._losses.append(lost_part(part, path, "assistant"))

    def _append(self, item: JSON) -> JSON:
        index = len(self.items)
        made = {"id": self._answer.item_id(str(item.get("type")), index), "status": "completed"}
        if item["type"] == "reasoning":
            del made["status"]
        if not item.get("call_id", True):
            item["call_id"] = f"call_{made['id']}"
        if item.get("arguments") == "":
            item["arguments"] = NO_ARGUMENTS
        self.items.append(made | item)
        return self.items[-1]

    def _message(self, part: Text | Refusal | Opaque) -> JSON:
        extra = None if isinstance(part, Opaque) else own(part.extensions).get("$item")
        if extra is None and self.items and self.items[-1].get("type") == "message":
            return self.items[-1]
        item = {"type": "message", "role": "assistant", "content": [], **(extra or {})}
        return self._append(item)

    def _reasoning(self, part: Reasoning) -> None:
        last = self.items[-1] if self.items else {}
        if last.get("type") != "reasoning" or begins_reasoning(part):
            last = self._append(reasoning_item(part))
        add_reasoning(last, part)

    def cut_short(self) -> None:
        last = self.items[-1] if self.items else {}
        if "status" in last and last["type"] != "image_generation_call":  # an image is there whole
            last["status"] = "incomplete"

    def set_logprobs(self, logprobs: Any) -> None:
        content = logprobs.get("content") if isinstance(logprobs, dict) else None
        texts = [
            block
            for item in self.items
            if item.get("type") == "message"
            for block in item["content"]
            if block.get("type") == "output_text"
        ]
        for block in texts:
            block.setdefault("logprobs", content or [] if block is texts[0] else [])
