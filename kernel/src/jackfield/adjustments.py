"""Adjustments: later corrections of the charge for a call."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from jackfield.exchange import Principal
from jackfield.plan import Target
from jackfield.store import Debit


class Adjustment(msgspec.Struct, frozen=True):
    """The differences to the charge; `at` is when the call began, by the store's clock.

    The principal is the caller as far as it was recorded: its tenant and its scopes.
    `requested_model` is the model as the client named it; `nano` is in nano-dollars.
    """

    principal: Principal
    target: Target
    requested_model: str
    tags: Mapping[str, str]
    at: float
    nano: int
    input_tokens: int
    output_tokens: int


Corrector = Callable[[Adjustment], Sequence[Debit]]
"""Returns the debits and refunds for an adjustment; posted together with its record."""
