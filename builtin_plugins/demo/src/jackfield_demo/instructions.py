"""Instructions in a request that make the demo fail or delay."""

import re
from collections.abc import Iterable

from attrs import evolve, frozen

FORMS = "fail-<400 to 599>, delay-<n>s, delay-<n>ms, cut-<events>, stall"

_INSTRUCTION = re.compile(
    r"fail-(?P<status>[45]\d\d)"
    r"|delay-(?P<delay>\d{1,4}(?:\.\d{1,3})?)(?P<unit>m?s)"
    r"|cut-(?P<cut>\d{1,6})"
    r"|(?P<stall>stall)"
)
_IN_TEXT = re.compile(r"\[demo:([^\]\n]*)\]")


@frozen
class Instructions:
    """`delay` is in seconds; after `cut` deltas a stream ends without its terminal marker."""

    status: int | None = None
    delay: float = 0.0
    cut: int | None = None
    stall: bool = False

    def extended_by(self, words: Iterable[str]) -> "Instructions":
        """These instructions and further ones. Raises ValueError for an unknown one."""
        result = self
        for word in words:
            match = _INSTRUCTION.fullmatch(word)
            if match is None:
                raise ValueError(f"There is no instruction {word[:40]!r}; there are {FORMS}.")
            if match["status"]:
                result = evolve(result, status=int(match["status"]))
            elif match["delay"]:
                seconds = float(match["delay"]) / (1000 if match["unit"] == "ms" else 1)
                result = evolve(result, delay=result.delay + seconds)
            elif match["cut"]:
                result = evolve(result, cut=int(match["cut"]))
            else:
                result = evolve(result, stall=True)
        return result


def words_in(text: str) -> list[str]:
    """The words in every `[demo: …]` of a text."""
    return [word for match in _IN_TEXT.finditer(text) for word in split_words(match[1])]


def split_words(words: str) -> list[str]:
    """The words of a list separated by commas or spaces."""
    return words.replace(",", " ").split()


def without_instructions(text: str) -> str:
    """The text without its instructions."""
    return _IN_TEXT.sub("", text).strip() if "[demo:" in text else text
