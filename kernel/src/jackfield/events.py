"""The canonical stream: small events that together make up a `ChatResponse`.

`part` numbers the parts of one choice's message from 0 in the order in which they begin, so that a
renderer knows when one text ends and another begins. A stream is `Started`, any number of deltas,
one `Finished` for each choice, at most one `UsageReported`, `Ended`; or it breaks off in `Failed`.
"""

from typing import Any, Literal

import msgspec

from jackfield.messages import Citation, Extensions, FinishReason, Part, Usage


class Started(msgspec.Struct, frozen=True):
    """The answer begins."""

    id: str
    model: str
    created: int | None = None
    extensions: Extensions = {}


class TextDelta(msgspec.Struct, frozen=True):
    """More text."""

    part: int
    text: str
    choice: int = 0
    logprobs: Any = None
    extensions: Extensions = {}


class RefusalDelta(msgspec.Struct, frozen=True):
    """More of a refusal."""

    part: int
    text: str
    choice: int = 0
    extensions: Extensions = {}


class ReasoningDelta(msgspec.Struct, frozen=True):
    """More reasoning, or the proof that belongs to it."""

    part: int
    text: str = ""
    choice: int = 0
    id: str | None = None
    signature: str | None = None
    encrypted: str | None = None
    summary: bool = False
    extensions: Extensions = {}


class ToolCallStarted(msgspec.Struct, frozen=True):
    """A tool call begins; its arguments follow."""

    part: int
    id: str
    name: str
    choice: int = 0
    kind: Literal["function", "custom"] = "function"
    extensions: Extensions = {}


class ToolCallDelta(msgspec.Struct, frozen=True):
    """More of a tool call's arguments."""

    part: int
    arguments: str
    choice: int = 0


class AudioDelta(msgspec.Struct, frozen=True):
    """More of a spoken answer: base64 `data`, its transcript, or its id."""

    part: int
    data: str = ""
    transcript: str = ""
    choice: int = 0
    id: str | None = None
    expires_at: int | None = None


class CitationAdded(msgspec.Struct, frozen=True):
    """A citation of the text in `part`."""

    part: int
    citation: Citation
    choice: int = 0


class PartAdded(msgspec.Struct, frozen=True):
    """A whole part without deltas: an image, audio, or a block only its own dialect knows."""

    part: int
    value: Part
    choice: int = 0


class Finished(msgspec.Struct, frozen=True):
    """A choice is complete."""

    reason: FinishReason | None
    choice: int = 0
    detail: str | None = None
    extensions: Extensions = {}


class UsageReported(msgspec.Struct, frozen=True):
    """The usage so far; a later report replaces an earlier one."""

    usage: Usage


class Failed(msgspec.Struct, frozen=True):
    """The provider broke the answer off with an error."""

    message: str
    type: str | None = None
    code: str | None = None
    status: int | None = None


class Ended(msgspec.Struct, frozen=True):
    """The terminal marker: nothing follows."""

    extensions: Extensions = {}


StreamEvent = (
    Started
    | TextDelta
    | RefusalDelta
    | ReasoningDelta
    | ToolCallStarted
    | ToolCallDelta
    | AudioDelta
    | CitationAdded
    | PartAdded
    | Finished
    | UsageReported
    | Failed
    | Ended
)
