"""Adjustments: what turned out to be more, or less, than was charged for a call."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from jackfield.exchange import Principal
from jackfield.plan import Target
from jackfield.store import Debit


class Adjustment(msgspec.Struct, frozen=True):
    """The differences to what was charged; `at` is when the call began, by the store's clock.

    The principal is who asked, as far as it was recorded: its tenant and its scopes. `asked` is
    the model as the client named it, `nano` nano-dollars.
    """

    principal: Principal
    target: Target
    asked: str
    tags: Mapping[str, str]
    at: float
    nano: int
    input_tokens: int
    output_tokens: int


Corrector = Callable[[Adjustment], Sequence[Debit]]
"""What is debited, or refunded, for an adjustment; posted with the record that says so."""
