"""What providers bill, in which units and at which rates, and the cost of a usage at such rates."""

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
"""A common multiple of all denominators: a cost is a single sum of integers."""

AUDIO: Final = "audio_ms"
"""The unit of audio, in milliseconds; its rate is per hour."""

CHARACTERS: Final = "characters"
"""The unit of text that is billed by length; its rate is per million."""

IMAGE_TOOL: Final = "gpt-image-2.6-sunburst"
"""The model that OpenAI's tool for images uses if a request names none."""

Amount = Dollars | float | None


@frozen
class Rates:
    """The rates of a provider for what it bills. Rates that are left out are unknown."""

    input: Amount = option(None, "A million input tokens.")
    output: Amount = option(None, "A million output tokens.")
    cached: Amount = option(None, "A million input tokens read from a cache.")
    cache_write: Amount = option(None, "A million input tokens written to a cache for minutes.")
    cache_write_1h: Amount = option(None, "A million input tokens written to a cache for an hour.")
    reasoning: Amount = option(None, "A million reasoning tokens, if not billed as output.")
    audio_input: Amount = option(None, "A million audio tokens of input.")
    audio_output: Amount = option(None, "A million audio tokens of output.")
    audio_cached: Amount = option(None, "A million audio tokens read from a cache.")
    image_input: Amount = option(None, "A million image tokens of input.")
    image_output: Amount = option(None, "A million image tokens of output.")
    image_cached: Amount = option(None, "A million image tokens read from a cache.")
    characters: Amount = option(None, "A million characters of text that is spoken or read.")
    audio_hour: Amount = option(None, "An hour of audio.")
    request: Amount = option(None, "A request, in addition to everything else.")
    image: Amount = option(None, "A generated image, if it is not billed in tokens.")
    page: Amount = option(None, "A page that is processed.")
    annotated_page: Amount = option(None, "A page that is processed and annotated.")
    rerank_search: Amount = option(None, "A search of a reranking request.")
    web_search: Amount = option(None, "A web search by the provider's own tool.")
    web_search_preview: Amount = option(None, "A web search by OpenAI's earlier tool.")
    x_search: Amount = option(None, "A search of posts on X by the provider's own tool.")
    file_search: Amount = option(None, "A search of stored files by the provider's own tool.")
    code_execution: Amount = option(
        None, "A code execution by the provider's own tool; at OpenAI a container of 1 GB."
    )
    maps: Amount = option(None, "A lookup of places by the provider's own tool.")

    def nano(self) -> dict[str, int]:
        """The known rates, in nano-dollars."""
        return {
            name: amount.nano if isinstance(amount, Dollars) else dollars(amount)
            for name in NAMES
            if (amount := getattr(self, name)) is not None
        }

    def __attrs_post_init__(self) -> None:
        self.nano()  # reports a negative amount here, with the path of the table


NAMES: Final = tuple(one.name for one in attrs.fields(Rates))
UNITS: Final = NAMES[NAMES.index("request") :]
"""What is billed per piece. Each name is that of a rate and of a count in `Usage.units`."""

_FALLBACK: Final = {
    # What has no rate of its own is billed at this one.
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
    "web_search_preview": "web_search",
}


class Tariff:
    """Known rates in nano-dollars, prepared for multiplication.

    Tokens of a class without its own rate are billed like their kind, such as audio input as input.
    """

    __slots__ = ("_base", "_given", "_made", "factors", "rates")

    def __init__(self, rates: Mapping[str, int]) -> None:
        full = dict(rates)
        for name, other in _FALLBACK.items():
            if name not in full and other in full:
                full[name] = full[other]
        self.rates: Mapping[str, int] = full
        """Nano-dollars per million tokens or characters, per hour, or per piece."""
        self.factors: Mapping[str, int] = {name: rate * _scale(name) for name, rate in full.items()}
        """The factor for a count of each; `in_nano` converts the sum to nano-dollars."""
        self._base = self.factors.get("request", 0)
        self._given, self._made = self.factors.get("input"), self.factors.get("output")

    def cost(self, usage: Usage) -> tuple[int, tuple[str, ...]]:
        """Nano-dollars, rounded up once, and the names of what was used but has no rate."""
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
        """The sum for counts by names of rates, for `in_nano`, without those that have no rate."""
        factors = self.factors
        return sum([count * factors.get(name, 0) for name, count in counts.items()])

    def dearest(self, *names: str) -> str:
        """The name of the highest of some rates; the first name if none is known."""
        return max(names, key=lambda name: self.rates.get(name, -1))


def in_nano(total: int) -> int:
    """A sum of counts multiplied by factors as nano-dollars, rounded up."""
    return -(-total // _WHOLE)


def _scale(name: str) -> int:
    if name == "audio_hour":
        return _WHOLE // _HOUR
    return _WHOLE if name in UNITS else _WHOLE // _MILLION


def _is_usual(usage: Usage) -> bool:
    """Whether the usage has only plain input and output tokens."""
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
    """Counts by names of rates, with each token counted once."""
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
    # Classes that a provider reports may overlap more than they should. No token is billed twice,
    # and more expensive classes come first.
    for name, count in counts.items():
        if count > 0:
            taken = min(count, total)
            total -= taken
            yield name, taken
    yield rest, total
