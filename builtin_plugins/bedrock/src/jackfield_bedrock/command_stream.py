"""Reads and writes the chunks of a streamed answer of Cohere's Command models."""

from collections.abc import Mapping
from typing import Any, ClassVar

from jackfield.events import Finished
from jackfield.messages import Usage

from .command_finish import read_finish, write_finish
from .invoke_usage import usage_of_any
from .text_stream import TextStreamParser, TextStreamRenderer


class CommandStreamParser(TextStreamParser):
    """The parser of one stream: pieces of text, and a last chunk with the finish reason."""

    text: ClassVar[str] = "text"

    def finished(self, chunk: Mapping[str, Any]) -> Finished | None:
        """The finish reason, if this is the last chunk."""
        if chunk.get("is_finished") is not True:
            return None
        word = chunk.get("finish_reason")
        word = word if isinstance(word, str) else None
        return Finished(read_finish(word), detail=word)

    def usage(self, chunk: Mapping[str, Any]) -> Usage | None:
        """The usage reported by the last chunk."""
        return usage_of_any(chunk)


class CommandStreamRenderer(TextStreamRenderer):
    """The renderer of one stream."""

    def piece(self, text: str) -> Mapping[str, Any]:
        """The chunk for a piece of text."""
        return {"event_type": "text-generation", "text": text, "is_finished": False}

    def last(self, finished: Finished, usage: Usage) -> Mapping[str, Any]:
        """The last chunk."""
        metrics = {"inputTokenCount": usage.input_tokens, "outputTokenCount": usage.output_tokens}
        return {
            "event_type": "stream-end",
            "is_finished": True,
            "finish_reason": write_finish(finished.reason, finished.detail),
            "amazon-bedrock-invocationMetrics": metrics,
        }
