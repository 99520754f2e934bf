"""Gives access to an exchange's usage once it is over."""

from collections.abc import Callable
from typing import Final

from jackfield._mistakes import fault_of, logger
from jackfield.messages import Usage

_MOST: Final = (1 << 40) - 1
"""Tokens, or pieces of anything else, that no single answer takes: about 10**12."""

_DEAREST: Final = 10**16
"""Nano-dollars that none costs: ten million dollars."""


class Tap:
    """Reports the usage of one exchange on request.

    `is_complete` says whether the answer was read to its end, and `seen` how many of its events
    have arrived.
    """

    __slots__ = ("_believed", "_usage", "is_complete", "seen")

    def __init__(
        self,
        usage: Callable[[], Usage | None],
        is_complete: Callable[[], bool] = lambda: True,
        seen: Callable[[], int] = lambda: 0,
    ) -> None:
        self._usage = usage
        self._believed: Usage | None = None
        self.is_complete = is_complete
        self.seen = seen

    @classmethod
    def known(cls, usage: Usage | None) -> "Tap":
        """A tap for a usage that is already known."""
        return cls(lambda: usage)

    def usage(self) -> Usage | None:
        """The usage that the provider reports; None if it reports none, or an impossible one."""
        try:
            usage = self._usage()
            if usage is None or usage is self._believed:  # several plugins ask for the same
                return usage
            self._believed = usage if can_be(usage) else None
        except Exception as error:  # noqa: BLE001 - a plugin's dialect may raise anything
            logger.warning("the usage of an answer cannot be read: %s", fault_of(error))
            return None
        return self._believed


def can_be(usage: Usage) -> bool:
    """Whether a usage is plausible: nothing below 0, nothing beyond all measure.

    Otherwise a provider could grant refunds, or report numbers that no store can hold.
    """
    # All bits of all counts: negative if one of them is, and longer than 40 bits if one is.
    bits = usage.input_tokens | usage.cached_input_tokens | usage.cache_write_tokens
    bits |= usage.output_tokens | usage.reasoning_tokens | usage.cache_write_1h_tokens
    bits |= usage.audio_input_tokens | usage.audio_output_tokens | usage.cached_audio_tokens
    bits |= usage.image_input_tokens | usage.image_output_tokens | usage.cached_image_tokens
    if not 0 <= bits <= _MOST:
        return False
    if usage.units and not all(0 <= count <= _MOST for count in usage.units.values()):
        return False
    if usage.cost is not None and not 0 <= usage.cost <= _DEAREST:
        return False
    return not usage.bills or all(can_be(bill.usage) for bill in usage.bills)


NO_TAP: Final = Tap.known(None)
"""That of an exchange for which no provider was asked."""
