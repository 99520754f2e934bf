"""The output items of a Responses answer, each made from the canonical parts it stands for."""

from collections.abc import Mapping
from typing import Any

from jackfield.dialects import Loss
from jackfield.messages import Image, Reasoning, Refusal, Text, ToolCall

from .responses_content import JSON, NAME, own, render_citation, rest

SPOKEN = Loss("messages.audio", "choices[0]", "approximated", "what was spoken is given as text")
"""The loss of an answer's audio when it has a transcript."""


def begins_reasoning(part: Reasoning) -> bool:
    """Whether the part is the first of its item."""
    return NAME not in part.extensions or "$item" in own(part.extensions)


def reasoning_item(item_id: str | None, extra: Mapping[str, Any] | None) -> JSON:
    """A reasoning item without text yet."""
    item: JSON = {"type": "reasoning", "summary": []}
    if item_id is not None:
        item["id"] = item_id
    return {**item, **(extra or {})}


def add_reasoning(item: JSON, part: Reasoning) -> None:
    """Put one part's text and proof into its item."""
    if part.text:
        if part.summary or NAME not in part.extensions:
            item["summary"].append({"type": "summary_text", "text": part.text})
        else:
            block = {"type": "reasoning_text", "text": part.text}
            item.setdefault("content", []).append(block)
    if (encrypted := seal(part)) is not None:
        item["encrypted_content"] = encrypted


def output_text(part: Text, path: str, losses: list[Loss]) -> JSON:
    """An output_text part with its annotations."""
    annotations = []
    for index, citation in enumerate(part.citations):
        annotation = render_citation(citation)
        if annotation is None:
            losses.append(Loss("citations.document", f"{path}.citations[{index}]", "dropped"))
        else:
            annotations.append(annotation)
    extra = rest(own(part.extensions), "$item")
    return {"type": "output_text", "text": part.text, "annotations": annotations, **extra}


def refusal(part: Refusal) -> JSON:
    """A refusal part."""
    return {"type": "refusal", "refusal": part.text, **rest(own(part.extensions), "$item")}


def call_item(call: ToolCall) -> JSON:
    """The item of a tool call, without an id of its own unless it came with one."""
    if call.kind == "custom":
        kind, body = "custom_tool_call", "input"
    else:
        kind, body = "function_call", "arguments"
    return {
        "type": kind,
        "call_id": call.id,
        "name": call.name,
        body: call.arguments,
        **own(call.extensions),
    }


def image_item(image: Image) -> JSON:
    """The item of an image that the model made."""
    return {
        "type": "image_generation_call",
        "status": "completed",
        "result": image.data,
        **own(image.extensions),
    }
