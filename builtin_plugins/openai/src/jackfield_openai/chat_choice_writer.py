"""The state of one choice of a streamed chat answer while it is written."""

from collections import Counter
from typing import Any

from jackfield.events import ReasoningDelta

from .chat_google import KEY
from .chat_thoughts import DETAILS, ThoughtWriter


class ChoiceWriter:
    """The state of one choice: calls and texts by part, and what is still to be sent."""

    __slots__ = (
        "_listed",
        "_reasoning",
        "_thoughts",
        "bare",
        "calls",
        "extra_content",
        "finished",
        "kinds",
        "text",
        "texts",
    )

    def __init__(self) -> None:
        self.calls: dict[int, int] = {}
        self.bare: dict[int, None] = {}
        self.kinds: dict[int, str] = {}
        self.text = 0
        self.texts: dict[int, int] = {}
        self.extra_content: dict[str, Any] | None = None
        self.finished = False
        self._reasoning: int | None = None
        self._thoughts: ThoughtWriter | None = None
        self._listed: Counter[str] = Counter()

    def span(self, part: int) -> tuple[int, int]:
        """The offset of a part's text in the content so far, and its length."""
        begin = self.texts.get(part, self.text)
        end = min((other for other in self.texts.values() if other > begin), default=self.text)
        return begin, end - begin

    def listed(self, key: str, entry: dict[str, Any]) -> dict[str, Any]:
        """The delta that adds an entry to the list `key`.

        Clients that assemble a stream, including OpenAI's own, join lists by the `index`.
        """
        index = self._listed[key]
        self._listed[key] += 1
        return {key: [{"index": index, **entry}]}

    def think(self, event: ReasoningDelta) -> dict[str, Any]:
        """The delta that shows more of another vendor's thought; empty if there is nothing."""
        delta: dict[str, Any] = {}
        if event.text:
            apart = "\n\n" if self._reasoning not in (None, event.part) else ""
            delta["reasoning_content"] = apart + event.text
            self._reasoning = event.part
        if self._thoughts is None:
            self._thoughts = ThoughtWriter()
        details = self._thoughts.write(event, self.text, len(self.calls))
        return {**delta, DETAILS: details} if details else delta

    def signed(self) -> dict[str, Any]:
        """The `extra_content` waiting for the call that it signs."""
        extra, self.extra_content = self.extra_content, None
        return {} if extra is None else {KEY: extra}

    def closing_delta(self) -> dict[str, Any]:
        """The delta with what is only known once the choice is complete."""
        proofs = self._thoughts.close() if self._thoughts else []
        return self.signed() | ({DETAILS: proofs} if proofs else {})
