"""Parses the elements of a streamed answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from jackfield.errors import ProviderError
from jackfield.events import Ended, Finished, Started, StreamEvent, UsageReported
from jackfield.framing import Framing

from .candidate_reader import CandidateReader
from .failures import failed_event
from .fields import NAME, UNREADABLE, Fields
from .finish import finish_detail, read_finish
from .response import BLOCKED, block_reason, read_time
from .usage import read_usage

_decode = msgspec.json.Decoder().decode
_KNOWN = frozenset(
    ("candidates", "createTime", "modelVersion", "promptFeedback", "responseId", "usageMetadata")
)


class GenerateStreamParser:
    """The parser of one stream, in either framing.

    The API has no end marker: a finished answer ends with the connection.
    """

    def __init__(self, framing: Framing) -> None:
        self._data_of = framing.data_of
        self._started = False
        self._ended = False
        self._finished = False
        self._identity = ""
        self._candidates: dict[int, CandidateReader] = {}
        self._usage: Any = None
        self._rest: dict[str, Any] = {}

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one wire event. Raises ProviderError for a malformed one."""
        data = self._data_of(event)
        if not data or self._ended:
            return ()
        try:
            chunk = _decode(data)
        except UNREADABLE as error:
            raise ProviderError("The provider sent a stream event that is not JSON.") from error
        if not isinstance(chunk, dict):
            raise ProviderError("The provider sent a stream event that is not a JSON object.")
        if chunk.get("error"):
            self._ended = True
            return (failed_event(chunk),)
        return self._read(chunk)

    def close(self) -> Sequence[StreamEvent]:
        """The end of a stream that finished."""
        if self._ended or not self._finished:
            return ()
        self._ended = True
        usage = read_usage(self._usage)
        reports = () if usage is None else (UsageReported(usage),)
        return (*reports, Ended({NAME: self._rest} if self._rest else {}))

    def _read(self, chunk: Mapping[str, Any]) -> list[StreamEvent]:
        out: list[StreamEvent] = []
        if not self._started:
            out.append(self._start(Fields(chunk, strict=False)))
        usage = chunk.get("usageMetadata")
        if isinstance(usage, dict):
            self._usage = usage
        if not chunk.keys() <= _KNOWN:
            self._rest.update((k, v) for k, v in chunk.items() if k not in _KNOWN)
        if "promptFeedback" in chunk:
            self._read_feedback(chunk, out)
        candidates = chunk.get("candidates")
        for place, wire in enumerate(candidates if isinstance(candidates, list) else ()):
            if not isinstance(wire, dict):
                raise ProviderError("The provider sent a candidate that is not a JSON object.")
            self._read_candidate(wire, place, out)
        return out

    def _read_feedback(self, chunk: Mapping[str, Any], out: list[StreamEvent]) -> None:
        word = block_reason(chunk)
        if word is None or self._finished:
            self._rest["promptFeedback"] = chunk["promptFeedback"]
            return
        self._finished = True
        feedback = {"promptFeedback": chunk["promptFeedback"], BLOCKED: True}
        reason = read_finish("SAFETY", has_calls=False)
        out.append(Finished(reason, 0, finish_detail(word), {NAME: feedback}))

    def _start(self, fields: Fields) -> Started:
        self._started = True
        created = fields.rest.get("createTime")
        self._identity = fields.text("responseId") or ""
        extra = {} if created is None else {"createTime": created}
        model = fields.text("modelVersion") or ""
        return Started(self._identity, model, read_time(created), {NAME: extra})

    def _read_candidate(self, wire: dict[str, Any], place: int, out: list[StreamEvent]) -> None:
        index = wire.get("index")
        number = index if isinstance(index, int) else place
        reader = self._candidates.get(number)
        if reader is None:
            reader = self._candidates[number] = CandidateReader(number, self._identity)
        reader.read(wire, out)
        self._finished = self._finished or reader.finished
