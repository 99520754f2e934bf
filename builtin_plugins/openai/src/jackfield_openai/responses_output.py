"""The output items of a Responses answer, each made from canonical parts."""

from jackfield.dialects import Loss
from jackfield.events import ReasoningDelta
from jackfield.messages import Image, Reasoning, Refusal, Text, ToolCall
from jackfield.proofs import seal

from .responses_content import JSON, NAME, NOTES, drops_quote, own, render_citation, rest
from .responses_namespaces import Tools, called

AUDIO_AS_TEXT = Loss("messages.audio", "choices[0]", "approximated", "its transcript as text")
"""The loss of an answer's audio when it has a transcript."""


def begins_reasoning(thought: Reasoning | ReasoningDelta) -> bool:
    """Whether a thought is the first of its item; foreign thoughts are items of their own."""
    return NAME not in thought.extensions or "$item" in own(thought.extensions)


def reasoning_item(thought: Reasoning | ReasoningDelta) -> JSON:
    """The item that a thought begins, without its text. Foreign ids are dropped."""
    item: JSON = {"type": "reasoning", "summary": []}
    if thought.id is not None and NAME in thought.extensions:
        item["id"] = thought.id
    note = own(thought.extensions).get("$item")
    return {**item, **note} if isinstance(note, dict) else item


def encrypted_content(thought: Reasoning | ReasoningDelta) -> str | None:
    """The proof of a thought: OpenAI's own, or another provider's, sealed."""
    return thought.encrypted if NAME in thought.extensions else seal(thought)


def add_reasoning(item: JSON, part: Reasoning) -> None:
    """Add one part's text and proof to its item."""
    own_summary = part.summary and NAME in part.extensions  # which may be empty
    if own_summary or (part.text and NAME not in part.extensions):
        item["summary"].append({"type": "summary_text", "text": part.text})
    elif part.text:
        block = {"type": "reasoning_text", "text": part.text}
        item["content"] = [*item.get("content", ()), block]
    if (encrypted := encrypted_content(part)) is not None:
        item["encrypted_content"] = encrypted


def output_text(part: Text, path: str, losses: list[Loss]) -> JSON:
    """An output_text part with its annotations."""
    annotations = []
    for index, citation in enumerate(part.citations):
        annotation = render_citation(citation, len(part.text))
        if annotation is None:
            losses.append(Loss("citations.document", f"{path}.citations[{index}]", "dropped"))
            continue
        annotations.append(annotation)
        if drops_quote(citation, part.text):
            losses.append(Loss("citations.cited_text", f"{path}.citations[{index}]", "dropped"))
    extra = rest(own(part.extensions), *NOTES)
    return {"type": "output_text", "text": part.text, "annotations": annotations, **extra}


def refusal(part: Refusal) -> JSON:
    """A refusal part."""
    return {"type": "refusal", "refusal": part.text, **rest(own(part.extensions), *NOTES)}


def call_item(call: ToolCall, tools: Tools = ()) -> JSON:
    """The item of a call; without an id unless the call came with one."""
    if call.kind == "custom":
        kind, body = "custom_tool_call", "input"
    else:
        kind, body = "function_call", "arguments"
    return {
        "type": kind,
        "call_id": call.id,
        **called(call.name, call.extensions, tools),
        body: call.arguments,
        **own(call.extensions),
    }


def image_item(image: Image) -> JSON:
    """The item of an image made by the model."""
    return {
        "type": "image_generation_call",
        "status": "completed",
        "result": image.data,
        **own(image.extensions),
    }
