"""Money in nano-dollars: integers, so that sums are exact."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import ClassVar, Final, Self

from attrs import frozen

NANO: Final = 1_000_000_000
"""Nano-dollars in a dollar."""

_DECIMALS: Final = 9
_MOST: Final = Decimal(10) ** 12
_FORM: Final = 'write dollars, such as "12.50"'


def dollars(amount: str | float | Decimal, *, cents: bool = False) -> int:
    """Convert an amount in dollars to nano-dollars; with `cents`, it may have at most two decimals.

    Raises ValueError for a negative amount, for one that is not a number, and for fractions of a
    nano-dollar.
    """
    text = str(amount).strip().removeprefix("$")
    try:
        value = Decimal(text if text.isascii() else "")
    except InvalidOperation:
        raise ValueError(f"not an amount of money: {amount!r}; {_FORM}") from None
    if not value.is_finite() or value > _MOST or "_" in text:
        raise ValueError(f"not an amount of money: {amount!r}; {_FORM}")
    if value < 0:
        raise ValueError(f"an amount must not be negative: {amount!r}; {_FORM}")
    if cents and value != value.quantize(Decimal("0.01"), ROUND_HALF_EVEN):
        raise ValueError(f"{amount!r} has a fraction of a cent; {_FORM}")
    nano = value * NANO
    if nano != int(nano):
        raise ValueError(f"finer than a billionth of a dollar: {amount!r}; {_FORM}")
    return int(nano)


def show(nano: int) -> str:
    """An amount in dollars as text, with two decimals or as many as it needs."""
    sign, digits = ("-", str(-nano)) if nano < 0 else ("", str(nano))
    if len(digits) <= _DECIMALS:
        digits = digits.rjust(_DECIMALS + 1, "0")
    return f"{sign}{digits[:-9]}.{digits[-9:-7]}{digits[-7:].rstrip('0')}"


@frozen
class Dollars:
    """An amount of money in the configuration."""

    toml_name: ClassVar[str] = "dollars"

    nano: int

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Parse `12.50`. Raises ValueError."""
        return cls(dollars(text))

    def __str__(self) -> str:
        return show(self.nano)
