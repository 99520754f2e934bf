"""Finds the features that a request uses and its model is known not to support."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from jackfield.capabilities import Capabilities, Modality
from jackfield.dialects import CanonicalRequest, Loss
from jackfield.messages import Audio, ChatRequest, Document, Image, Message, Part, ToolResult

_MEDIA: Mapping[type, tuple[Modality, str]] = {
    Image: ("image", "images"),
    Audio: ("audio", "audio"),
    Document: ("document", "documents"),
}
_OUTPUTS: tuple[tuple[Modality, str], ...] = (("audio", "audio"), ("image", "modalities.image"))
"""The modalities of answers besides text that can be requested, with the names of the losses."""


def shortfalls(request: CanonicalRequest, model: Capabilities) -> tuple[Loss, ...]:
    """One loss for each feature of the request that the model does not support.

    The request is sent nevertheless: the provider knows its models best.
    """
    unsupported = _unsupported_parts(model)
    if unsupported is None or not isinstance(request, ChatRequest):
        return ()
    found = dict.fromkeys([*_in_parts(request, unsupported), *_in_settings(request, model)])
    why = f"{request.model} is not known to take it"
    return tuple(Loss(feature, path, "dropped", why) for feature, path in found)


def named_once(*groups: Sequence[Loss]) -> tuple[Loss, ...]:
    """The losses of all groups; what an earlier group names is not repeated by a later one."""
    named: dict[tuple[str, str], Loss] = {}
    for group in groups:
        known = {feature for feature, _ in named}
        for loss in group:
            key = (loss.feature, loss.path)
            if loss.feature not in known and (key not in named or loss.breaks):
                named[key] = loss
    return tuple(named.values())


@lru_cache(maxsize=1024)
def _unsupported_parts(model: Capabilities) -> Mapping[type, str] | None:
    """The kinds of parts that a model does not support; None if nothing is known to be lacking."""
    media = {
        kind: name for kind, (modality, name) in _MEDIA.items() if model.takes(modality) is False
    }
    others = (model.tools, model.parallel_tools, model.json_schema, model.reasoning != "none")
    outputs = (model.gives(modality) for modality, _ in _OUTPUTS)
    return media if media or False in (*others, *outputs) else None


def parts_of(*messages: Message) -> list[Part]:
    """All parts of the messages, and then those within tool results."""
    parts = [part for message in messages for part in message.parts]
    return parts + [one for part in parts if type(part) is ToolResult for one in part.parts]


def _in_parts(request: ChatRequest, unsupported: Mapping[type, str]) -> Iterator[tuple[str, str]]:
    if not unsupported:
        return
    for part in parts_of(*request.messages):
        name = unsupported.get(type(part))
        if name is not None and not _needs_no_support(part):
            yield name, "messages"


def _needs_no_support(part: Part) -> bool:
    """Whether it is a document in text, or audio that the model itself has produced."""
    if isinstance(part, Document):
        return part.text is not None
    return isinstance(part, Audio) and part.data is None


def _in_settings(request: ChatRequest, model: Capabilities) -> Iterator[tuple[str, str]]:
    if request.tools and model.tools is False:
        yield "tools", "tools"
    if request.parallel_tool_calls and model.parallel_tools is False:
        yield "parallel_tool_calls", "parallel_tool_calls"
    form = request.response_format
    if form is not None and form.kind == "json_schema" and model.json_schema is False:
        yield "response_format.json_schema", "response_format"
    if model.reasoning == "none" and _requests_reasoning(request):
        yield "reasoning", "reasoning"
    for modality, name in _OUTPUTS:
        if modality in request.modalities and model.gives(modality) is False:
            yield name, "modalities"


def _requests_reasoning(request: ChatRequest) -> bool:
    value = request.reasoning
    return value is not None and (bool(value.budget_tokens) or value.effort not in (None, "none"))
