"""Reads and writes the chunks of a streamed answer of Titan."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from jackfield.events import Finished
from jackfield.messages import Usage

from .converse_stream_parser import decode_payload
from .text_stream import TextStreamParser, TextStreamRenderer
from .titan_finish import read_finish, write_finish
from .usage import count_of

_METRICS: Final = "amazon-bedrock-invocationMetrics"
_LAST: Final = "totalOutputTextTokenCount"


def is_last(data: bytes) -> bool:
    """Whether a chunk ends the answer: the last one has its token count."""
    return _LAST.encode() in data and decode_payload(data).get(_LAST) is not None


class TitanStreamParser(TextStreamParser):
    """The parser of one stream: each chunk has a piece of text, the last one the counts."""

    text: ClassVar[str] = "outputText"

    def finished(self, chunk: Mapping[str, Any]) -> Finished | None:
        """The finish reason, if this is the last chunk."""
        if chunk.get(_LAST) is None:
            return None
        word = chunk.get("completionReason")
        word = word if isinstance(word, str) else None
        blocked = chunk.get("amazon-bedrock-guardrailAction") == "INTERVENED"
        reason = read_finish(word) or ("content_filter" if blocked else "stop")
        return Finished(reason, detail=word)

    def usage(self, chunk: Mapping[str, Any]) -> Usage | None:
        """The usage reported by the last chunk."""
        return usage_of_chunk(chunk)


def usage_of_chunk(value: Any) -> Usage | None:
    """The usage that the last chunk reports."""
    if not isinstance(value, dict) or value.get(_LAST) is None:
        return None
    metrics = value.get(_METRICS)
    if isinstance(metrics, dict):
        given, made = count_of(metrics, "inputTokenCount"), count_of(metrics, "outputTokenCount")
        return Usage(given, made)
    return Usage(count_of(value, "inputTextTokenCount"), count_of(value, _LAST))


class TitanStreamRenderer(TextStreamRenderer):
    """The renderer of one stream."""

    def piece(self, text: str) -> Mapping[str, Any]:
        """The chunk for a piece of text."""
        return {"outputText": text, "index": 0}

    def last(self, finished: Finished, usage: Usage) -> Mapping[str, Any]:
        """The last chunk."""
        given, made = usage.input_tokens, usage.output_tokens
        return {
            "outputText": "",
            "index": 0,
            _LAST: made,
            "completionReason": write_finish(finished.reason, finished.detail),
            "inputTextTokenCount": given,
            _METRICS: {"inputTokenCount": given, "outputTokenCount": made},
        }
