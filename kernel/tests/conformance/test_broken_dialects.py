"""Dialects that break a law, each found by the kit under that law's name."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from jackfield import json_spans, sse
from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Loss,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
    Terminal,
    UpstreamFailure,
    UsageMeter,
)
from jackfield.events import StreamEvent
from jackfield.messages import ChatRequest, Tool, Usage
from jackfield.testing import TESTING_CHAT, ChatDialect, check_dialect
from jackfield.testing.dialect_law import Samples
from jackfield.testing.dialect_laws import LAWS
from jackfield.testing.dialect_stream import ChatStreamParser, ChatStreamRenderer
from jackfield.testing.law import LawBrokenError

REQUEST = {
    "model": "m",
    "messages": [{"role": "system", "text": "Be brief."}, {"role": "user", "text": "Hé 🙂?"}],
    "max_tokens": 5,
    "stream": True,
}
ANSWER = {"model": "m", "text": "Yes.", "finish": "stop", "usage": {"input": 3, "output": 2}}
FACTS = [
    {"model": "m"},
    {"text": "Jä, "},
    {"text": "日本"},
    {"finish": "stop"},
    {"usage": {"input": 3, "output": 2}},
    {"end": True},
]
STREAM = b"".join(sse.encode(msgspec.json.encode(fact)) for fact in FACTS)

test_the_kits_own_dialect = check_dialect(
    TESTING_CHAT, requests=[REQUEST], answers=[ANSWER], streams=[STREAM]
)


class DropsTheLimit(ChatDialect):
    """Drops the output limit and reports no loss."""

    def render_request(self, request: CanonicalRequest) -> Rendered:
        assert isinstance(request, ChatRequest)
        return super().render_request(replace(request, max_tokens=None))


class ReportsALoss(ChatDialect):
    """Reports a loss of what it has just parsed."""

    def render_request(self, request: CanonicalRequest) -> Rendered:
        body = super().render_request(request).body
        return Rendered(body, (Loss("stream", "stream", "dropped"),))


class HidesALoss(ChatDialect):
    """Reports no loss of what it leaves out."""

    def render_request(self, request: CanonicalRequest) -> Rendered:
        rendered = super().render_request(request)
        losses = [loss for loss in rendered.losses if loss.feature != "temperature"]
        return Rendered(rendered.body, tuple(losses))


class HidesImages(ChatDialect):
    """Reads only the texts of a message."""

    def render_request(self, request: CanonicalRequest) -> Rendered:
        rendered = super().render_request(request)
        losses = [loss for loss in rendered.losses if loss.feature != "messages.image"]
        return Rendered(rendered.body, tuple(losses))


class AcceptsShortNamesAlone(ChatDialect):
    """Accepts no name that could take another's place."""

    tool_names = "[a-z]{1,8}"


class RenamesTools(ChatDialect):
    """Reads another name than it has written."""

    tool_names = "[a-z0-9_]+"

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        return replace(super().parse_request(tree, params), tools=(Tool("other"),))


class CannotReplaceModels(ChatDialect):
    """Replaces a member that its requests do not have."""

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return json_spans.splice(body, ("engine",), new)


class KeepsItsModel(ChatDialect):
    """Leaves the model as it is, although it is in the body."""

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return body


class OverlooksErrors(ChatDialect):
    """Looks for errors in another form than its own."""

    def is_error(self, tree: Any) -> bool:
        return "fault" in tree


class LosesMessages(ChatDialect):
    """Parses another member of its errors."""

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return UpstreamFailure("The provider failed.")


class AddsAMemberEachTime(ChatDialect):
    """Renders something more each time."""

    def render_request(self, request: CanonicalRequest) -> Rendered:
        tree = msgspec.json.decode(super().render_request(request).body)
        return Rendered(msgspec.json.encode({**tree, "n": id(request)}))


class ReadsRequestsUnchecked(ChatDialect):
    """Reads members without checking their types."""

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(tree["model"], tree.get("stream", False))


class OmitsTheFinishReason(ChatDialect):
    """Renders an answer without its finish reason."""

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        tree = msgspec.json.decode(super().render_response(response, request).body)
        return Rendered(msgspec.json.encode({**tree, "finish": None}))


class ReadsAnswersUnchecked(ChatDialect):
    """Parses an answer without checking its shape."""

    def usage(self, body: bytes) -> Usage | None:
        counts = msgspec.json.decode(body)["usage"]
        return Usage(counts["input"], counts["output"])


class ReadsErrorsUnchecked(ChatDialect):
    """Expects every error body to have its own shape."""

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return UpstreamFailure(msgspec.json.decode(body)["error"]["message"])


class _TextDroppingRenderer(ChatStreamRenderer):
    def render(self, event: StreamEvent) -> bytes:
        return super().render(event).replace("日本".encode(), "日".encode())


class SkipsText(ChatDialect):
    """Leaves out some text of a stream."""

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return _TextDroppingRenderer()


class _BatchMeter:
    def feed(self, events: bytes) -> None:
        self._seen = events

    def usage(self) -> Usage | None:
        return Usage(len(getattr(self, "_seen", b"")), 0)


class CountsBatches(ChatDialect):
    """Its meter depends on how the bytes arrive."""

    def usage_meter(self) -> UsageMeter:
        return _BatchMeter()


class NeverEnds(ChatDialect):
    """Has no terminal marker, and no event that finishes."""

    def terminal(self, event: bytes) -> Terminal | None:
        return None


class HasUselessHints(ChatDialect):
    """Its terminal hints are in no event."""

    terminal_hints = (b"fin",)


class _UncheckedParser(ChatStreamParser):
    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        fact = msgspec.json.decode(sse.data_of(event) or b"{}")
        return super().feed(event) if fact.keys() else ()


class ReadsEventsUnchecked(ChatDialect):
    """Takes every event for a JSON object."""

    def stream_parser(self) -> StreamParser:
        return _UncheckedParser()


class RaisesInTerminal(ChatDialect):
    """Raises in a method that only inspects an event."""

    def terminal(self, event: bytes) -> Terminal | None:
        return "end" if "end" in msgspec.json.decode(sse.data_of(event) or b"") else None


CASES: list[tuple[str, type[ChatDialect], str]] = [
    ("requests-come-back", DropsTheLimit, "max_tokens: 5 is now None"),
    ("requests-come-back", ReportsALoss, "it loses stream dropped"),
    ("requests-come-back", AddsAMemberEachTime, "the second time"),
    ("losses-are-named", HidesALoss, "leaves out the setting 'temperature', and reports no loss"),
    ("losses-are-named", HidesImages, "leaves out a part of kind 'image', and reports no loss"),
    (
        "tool-names-come-back",
        AcceptsShortNamesAlone,
        "its tool_names do not accept 'calendar_find_",
    ),
    ("tool-names-come-back", RenamesTools, "comes back as ['other']"),
    ("models-are-replaced", CannotReplaceModels, "its with_model finds no 'engine' in"),
    ("models-are-replaced", KeepsItsModel, "it reads the model 'm', not 'another-model'"),
    ("errors-come-back", OverlooksErrors, "its is_error does not recognize its error"),
    ("errors-come-back", LosesMessages, "it parses the message 'The provider failed.'"),
    ("odd-requests", ReadsRequestsUnchecked, "makes it raise TypeError"),
    ("answers-come-back", OmitsTheFinishReason, "choices[0].finish_reason: 'stop' is now None"),
    ("odd-answers", ReadsAnswersUnchecked, "makes it raise KeyError"),
    ("odd-answers", ReadsErrorsUnchecked, "makes it raise"),
    ("streams-come-back", SkipsText, "[2].text: '日本' is now '日'"),
    ("cuts-change-nothing", CountsBatches, "are read as something else"),
    ("ends-are-marked", NeverEnds, "ends with its events [] of 6"),
    ("ends-are-marked", HasUselessHints, "holds none of its terminal_hints"),
    ("odd-events", ReadsEventsUnchecked, "AttributeError"),
    ("odd-events", RaisesInTerminal, "makes it raise"),
]


@pytest.mark.parametrize(
    ("law_id", "kind", "what"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_kit_names_the_law_that_a_dialect_breaks(
    law_id: str, kind: type[ChatDialect], what: str
) -> None:
    (law,) = [law for law in LAWS if law.id == law_id]
    with pytest.raises(LawBrokenError) as broken:
        law.hold(Samples(kind(), [REQUEST], [ANSWER], [STREAM]))
    message = str(broken.value)
    assert message.startswith(f"{law.id}: {law.statement}\ndialect 'testing.chat': ")
    assert what in message


def test_a_law_that_does_not_exist_cannot_be_skipped() -> None:
    with pytest.raises(ValueError, match="there is no law nonsense"):
        check_dialect(TESTING_CHAT, requests=[REQUEST], skip={"nonsense": "it is none"})


def test_laws_without_samples_are_not_tried() -> None:
    binding = [law.id for law in LAWS if law.binds(Samples(TESTING_CHAT, [REQUEST]))]
    own_form = ["tool-names-come-back", "models-are-replaced", "errors-come-back"]
    assert binding == ["requests-come-back", "losses-are-named", *own_form, "odd-requests"]
