"""How many tokens an attempt holds while it runs."""

from typing import Final, NamedTuple

from jackfield.bounds import is_billable
from jackfield.exchange import Exchange

from .rate import Amounts, LimitAccount, needed

_BYTES_A_TOKEN: Final = 4
_LARGE: Final = 64 << 10
"""Bytes: a longer body may consist of images or audio for the most part."""
_SILENT: Final = frozenset({"embeddings", "rerank"})
"""Operations without output tokens."""


class Demand(NamedTuple):
    """The tokens that an attempt needs. If it `yields`, it accepts what is left."""

    input_tokens: int
    output_tokens: int
    yields: bool

    def amounts(self) -> Amounts:
        """The amount of each measure."""
        return needed(self.input_tokens, self.output_tokens)

    def least_of(self, member: LimitAccount) -> int:
        """The minimum of a limit that lets it begin: room for its input, or the whole limit."""
        if not self.yields:
            return self.amounts()[member.at]
        least = needed(self.input_tokens, 1)[member.at]
        return max(1, min(least, member.limit.amount))


def expected(exchange: Exchange, output_tokens: int) -> Demand:
    """What an attempt will probably use: a token per few bytes, and an answer of typical length."""
    if not is_billable(exchange):
        return ONE
    size, requested = len(exchange.request.body), exchange.max_tokens
    if size > _LARGE and exchange.dialect.request_texts:  # the rest may be media
        size = sum(len(span.value) for span in exchange.texts())
    made = requested if requested and 0 < requested < output_tokens else output_tokens
    if exchange.operation in _SILENT:
        made = 0
    return Demand(size // _BYTES_A_TOKEN + 1, made, True)


ONE: Final = Demand(0, 0, False)
"""The demand of a request whose tokens are not counted."""
