"""What has been written of one choice of a streamed chat answer."""

from collections import Counter
from typing import Any

from jackfield.events import ReasoningDelta

from .chat_google import KEY
from .chat_thoughts import DETAILS, ThoughtWriter


class ChoiceWriter:
    """The state of one choice: its calls and texts by their parts, and what waits to be said."""

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

    def listed(self, key: str, entry: dict[str, Any]) -> dict[str, Any]:
        """The delta that adds an entry to the list `key`.

        Clients that put a stream together, OpenAI's own among them, join lists by the `index`.
        """
        index = self._listed[key]
        self._listed[key] += 1
        return {key: [{"index": index, **entry}]}

    def think(self, event: ReasoningDelta) -> dict[str, Any]:
        """The delta that shows more of another vendor's thought; empty when there is nothing."""
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
        """The `extra_content` that waits for the call that it signs."""
        extra, self.extra_content = self.extra_content, None
        return {} if extra is None else {KEY: extra}

    def last_words(self) -> dict[str, Any]:
        """The delta of what is known only when the choice is complete."""
        proofs = self._thoughts.close() if self._thoughts else []
        return self.signed() | ({DETAILS: proofs} if proofs else {})
