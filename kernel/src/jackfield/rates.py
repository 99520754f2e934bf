"""What is billed, in which units, and the rates for it; and what a usage costs at such rates."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs
from attrs import frozen

from jackfield._config.options import option
from jackfield.messages import Usage
from jackfield.money import Dollars, dollars

_MILLION: Final = 1_000_000
_HOUR: Final = 3_600_000  # milliseconds
_WHOLE: Final = 18 * _MILLION
"""The common multiple of all denominators, so that a cost is one sum of integers."""

AUDIO: Final = "audio_ms"
"""The unit of sound, in milliseconds; its rate is for an hour."""

CHARACTERS: Final = "characters"
"""The unit of text that is billed by its length; its rate is for a million."""

UNITS: Final = (
    "request",
    "image",
    "page",
    "annotated_page",
    "rerank_search",
    "web_search",
    "x_search",
    "file_search",
    "code_execution",
    "maps",
)
"""What is billed by the piece: each is the name of a rate, and of a count in `Usage.units`."""

Amount = Dollars | float | None


@frozen
class Rates:
    """What a provider asks for each of what it bills. What is left out is not known."""

    input: Amount = option(None, "Tokens of input, a million.")
    output: Amount = option(None, "Tokens of output, a million.")
    cached: Amount = option(None, "Tokens of input that a cache held, a million.")
    cache_write: Amount = option(
        None, "Tokens of input that are put into a cache for some minutes, a million."
    )
    cache_write_1h: Amount = option(
        None, "Tokens of input that are put into a cache for an hour, a million."
    )
    reasoning: Amount = option(
        None, "Tokens of reasoning, where they are not billed as output, a million."
    )
    audio_input: Amount = option(None, "Tokens of sound in the input, a million.")
    audio_output: Amount = option(None, "Tokens of sound in the output, a million.")
    audio_cached: Amount = option(None, "Tokens of sound that a cache held, a million.")
    image_input: Amount = option(None, "Tokens of images in the input, a million.")
    image_output: Amount = option(None, "Tokens of images in the output, a million.")
    image_cached: Amount = option(None, "Tokens of images that a cache held, a million.")
    characters: Amount = option(None, "Characters of text that is spoken or read, a million.")
    audio_hour: Amount = option(None, "An hour of sound.")
    request: Amount = option(None, "A request, besides all else.")
    image: Amount = option(None, "An image that is made, where it is not billed in tokens.")
    page: Amount = option(None, "A page that is read.")
    annotated_page: Amount = option(None, "A page that is read and annotated.")
    rerank_search: Amount = option(None, "A search that ranks documents.")
    web_search: Amount = option(None, "A search of the web by the provider's own tool.")
    x_search: Amount = option(None, "A search of posts by the provider's own tool.")
    file_search: Amount = option(None, "A search of stored files by the provider's own tool.")
    code_execution: Amount = option(None, "A run of code by the provider's own tool.")
    maps: Amount = option(None, "A look-up of places by the provider's own tool.")

    def nano(self) -> dict[str, int]:
        """The rates that are known, in nano-dollars."""
        return {
            name: amount.nano if isinstance(amount, Dollars) else dollars(amount)
            for name in NAMES
            if (amount := getattr(self, name)) is not None
        }

    def __attrs_post_init__(self) -> None:
        self.nano()  # an amount below 0 is refused here, under the path of the table


NAMES: Final = tuple(one.name for one in attrs.fields(Rates))
_FALLBACK: Final = {
    # A class of tokens that has no rate of its own is billed as these.
    "cached": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "reasoning": "output",
    "audio_input": "input",
    "audio_output": "output",
    "audio_cached": "audio_input",
    "image_input": "input",
    "image_output": "output",
    "image_cached": "cached",
}


class Tariff:
    """Known rates in nano-dollars, ready to be multiplied.

    A class of tokens without a rate is billed like its kind: sound in the input as input, say.
    """

    __slots__ = ("_base", "_given", "_made", "factors", "rates")

    def __init__(self, rates: Mapping[str, int]) -> None:
        full = dict(rates)
        for name, other in _FALLBACK.items():
            if name not in full and other in full:
                full[name] = full[other]
        self.rates: Mapping[str, int] = full
        """Nano-dollars for a million tokens or characters, for an hour, or for one piece."""
        self.factors: Mapping[str, int] = {name: rate * _scale(name) for name, rate in full.items()}
        """What one of each is multiplied by; `in_nano` makes nano-dollars of the sum."""
        self._base = self.factors.get("request", 0)
        self._given, self._made = self.factors.get("input"), self.factors.get("output")

    def cost(self, usage: Usage) -> tuple[int, tuple[str, ...]]:
        """Nano-dollars, rounded up once, and the names of what was used and has no rate."""
        given, made = self._given, self._made
        if given is not None and made is not None and _is_usual(usage):
            return in_nano(self._base + usage.input_tokens * given + usage.output_tokens * made), ()
        total = self._base
        unpriced: tuple[str, ...] = ()
        for name, count in _billed(usage):
            factor = self.factors.get(name)
            if factor is not None:
                total += count * factor
            elif count:
                unpriced += (name,)
        return in_nano(total), unpriced

    def sum_of(self, counts: Mapping[str, int]) -> int:
        """The sum of counts by the names of rates, without what has none, for `in_nano`."""
        factors = self.factors
        return sum([count * factors.get(name, 0) for name, count in counts.items()])

    def dearest(self, *names: str) -> str:
        """The name of the highest of some rates; the first where none is known."""
        return max(names, key=lambda name: self.rates.get(name, -1))


def in_nano(total: int) -> int:
    """Nano-dollars of a sum of what factors gave, rounded up."""
    return -(-total // _WHOLE)


def _scale(name: str) -> int:
    if name == "audio_hour":
        return _WHOLE // _HOUR
    return _WHOLE if name in UNITS else _WHOLE // _MILLION


def _is_usual(usage: Usage) -> bool:
    """Whether all input is billed alike, and all output, and nothing else."""
    return not (
        usage.cached_input_tokens
        or usage.cache_write_tokens
        or usage.audio_input_tokens
        or usage.image_input_tokens
        or usage.reasoning_tokens
        or usage.audio_output_tokens
        or usage.image_output_tokens
        or usage.units
    )


def _billed(usage: Usage) -> Iterator[tuple[str, int]]:
    """Counts by the names of rates, of which no two count the same token."""
    hour = min(usage.cache_write_1h_tokens, usage.cache_write_tokens)
    cached_audio, cached_image = usage.cached_audio_tokens, usage.cached_image_tokens
    given = {
        "cache_write_1h": hour,
        "cache_write": usage.cache_write_tokens - hour,
        "audio_input": usage.audio_input_tokens - cached_audio,
        "image_input": usage.image_input_tokens - cached_image,
        "audio_cached": cached_audio,
        "image_cached": cached_image,
        "cached": usage.cached_input_tokens - cached_audio - cached_image,
    }
    made = {
        "audio_output": usage.audio_output_tokens,
        "image_output": usage.image_output_tokens,
        "reasoning": usage.reasoning_tokens,
    }
    yield from _shares(given, "input", usage.input_tokens)
    yield from _shares(made, "output", usage.output_tokens)
    for name, count in usage.units.items():
        yield ("audio_hour" if name == AUDIO else name), count


def _shares(counts: Mapping[str, int], rest: str, total: int) -> Iterator[tuple[str, int]]:
    # What a provider reports may overlap more than it should: no token is billed twice, and what
    # is dearer goes first.
    for name, count in counts.items():
        if count > 0:
            taken = min(count, total)
            total -= taken
            yield name, taken
    yield rest, total
