"""Simple values in a message: quoted texts, named values and numbers."""

import re
from typing import Any

_QUOTED = re.compile(r"[\"“]([^\"”\n]{1,200})[\"”]|(?<!\w)'([^'\n]{1,200})'(?!\w)")
_NAME = re.compile(r"(?<=[^\s.!?:] )(?!I\b)[A-Z][\w-]*(?: [A-Z][\w-]*)*")
_NUMBER = re.compile(r"(?<![\w.-])-?\d{1,15}(?:\.\d{1,15})?(?![\w])")


class Hints:
    """The values of one message. Each text and each number is returned once, in order."""

    def __init__(self, text: str) -> None:
        self.text = text
        quoted = [a or b for a, b in _QUOTED.findall(text)]
        self._texts = quoted + _NAME.findall(_QUOTED.sub("", text))
        self._numbers = [float(number) for number in _NUMBER.findall(text)]

    def take_text(self) -> str | None:
        """The next text, or None."""
        return self._texts.pop(0) if self._texts else None

    def take_number(self) -> float | None:
        """The next number, or None."""
        return self._numbers.pop(0) if self._numbers else None

    def mentioned(self, values: list[Any]) -> Any:
        """The first of some values that the message mentions, else the first of them."""
        text = self.text.casefold()
        for value in values:
            if isinstance(value, str) and value and value.casefold() in text:
                return value
        return values[0]
