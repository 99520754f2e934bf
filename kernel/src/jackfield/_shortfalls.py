"""Finds what a request asks for and a model is known to lack."""

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
_SPOKEN: tuple[tuple[Modality, str], ...] = (("audio", "audio"), ("image", "modalities.image"))
"""What an answer may be asked to hold besides text, with the names of the losses."""


def shortfalls(request: CanonicalRequest, able: Capabilities) -> tuple[Loss, ...]:
    """One loss for each feature of the request that the model does not support.

    The request is sent nevertheless: the provider knows its models best.
    """
    lacking = _lacking(able)
    if lacking is None or not isinstance(request, ChatRequest):
        return ()
    found = dict.fromkeys([*_of_parts(request, lacking), *_of_settings(request, able)])
    if not found:
        return ()
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
def _lacking(able: Capabilities) -> Mapping[type, str] | None:
    """The kinds of parts that a model does not support; None if no lack of any sort is known."""
    media = {
        kind: name for kind, (modality, name) in _MEDIA.items() if able.takes(modality) is False
    }
    others = (
        *(able.tools, able.parallel_tools, able.json_schema, able.reasoning != "none"),
        *(able.gives(modality) for modality, _ in _SPOKEN),
    )
    return media if media or any(one is False for one in others) else None


def parts_of(message: Message) -> Iterator[Part]:
    """All parts of a message, including those within tool results."""
    for part in message.parts:
        yield part
        if isinstance(part, ToolResult):
            yield from part.parts


def _of_parts(request: ChatRequest, lacking: Mapping[type, str]) -> Iterator[tuple[str, str]]:
    if not lacking:
        return
    for part in (part for message in request.messages for part in parts_of(message)):
        name = lacking.get(type(part))
        if name is not None and not _is_said_in_words(part):
            yield name, "messages"


def _is_said_in_words(part: Part) -> bool:
    """Whether it is text after all, or something that the model itself has produced."""
    if isinstance(part, Document):
        return part.text is not None
    return isinstance(part, Audio) and part.data is None


def _of_settings(request: ChatRequest, able: Capabilities) -> Iterator[tuple[str, str]]:
    if request.tools and able.tools is False:
        yield "tools", "tools"
    if request.parallel_tool_calls and able.parallel_tools is False:
        yield "parallel_tool_calls", "parallel_tool_calls"
    form = request.response_format
    if form is not None and form.kind == "json_schema" and able.json_schema is False:
        yield "response_format.json_schema", "response_format"
    if able.reasoning == "none" and _asks_to_think(request):
        yield "reasoning", "reasoning"
    for modality, name in _SPOKEN:
        if modality in request.modalities and able.gives(modality) is False:
            yield name, "modalities"


def _asks_to_think(request: ChatRequest) -> bool:
    asked = request.reasoning
    if asked is None:
        return False
    return bool(asked.budget_tokens) or asked.effort not in (None, "none")
