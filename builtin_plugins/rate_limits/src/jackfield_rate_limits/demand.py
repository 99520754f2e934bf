"""How many tokens an attempt holds while it runs."""

from typing import Final, NamedTuple

from jackfield.bounds import is_billable
from jackfield.exchange import Exchange

from .rate import Amounts, Share, needed

_BYTES_A_TOKEN: Final = 4
_LARGE: Final = 64 << 10
"""Bytes of a body that may be images or sound for the most part."""
_SILENT: Final = frozenset({"embeddings", "rerank"})
"""Operations whose answers have no tokens."""


class Demand(NamedTuple):
    """The tokens that an attempt is to hold. If it `yields`, it makes do with what is left."""

    input_tokens: int
    output_tokens: int
    yields: bool

    def amounts(self) -> Amounts:
        """What it holds of each measure."""
        return needed(self.input_tokens, self.output_tokens)

    def least_of(self, share: Share) -> int:
        """With how much of a limit it may begin: with room for its input, or all there ever is."""
        if not self.yields:
            return self.amounts()[share.at]
        least = needed(self.input_tokens, 1)[share.at]
        return max(1, min(least, share.limit.amount))


def expected(exchange: Exchange, output_tokens: int) -> Demand:
    """What an attempt is likely to use: a token for some bytes, and an answer of some length."""
    if not is_billable(exchange):
        return ONE
    size, asked = len(exchange.request.body), exchange.max_tokens
    if size > _LARGE and exchange.dialect.request_texts:  # the rest may be media
        size = sum(len(span.value) for span in exchange.texts())
    made = asked if asked and 0 < asked < output_tokens else output_tokens
    if exchange.operation in _SILENT:
        made = 0
    return Demand(size // _BYTES_A_TOKEN + 1, made, True)


ONE: Final = Demand(0, 0, False)
"""That of a request whose tokens nobody counts."""
