"""A record: an exchange with a provider, its caller, its usage and its cost."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield.charges import Charge
from jackfield.estimates import Basis
from jackfield.money import show

CLASSES: Final = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "image_input_tokens",
    "image_output_tokens",
)
"""The recorded classes of tokens, by their names in `jackfield.messages.Usage`."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record of one exchange. Times are seconds of the store's clock, `cost` is nano-dollars.

    `scopes` are those of the caller, outermost first. `requested_model` is as the
    client named it, `tier` the service tier. If several attempts of a request may be billed, each
    has a record; all but the first have the id of the request in `request`. `charged` are the
    tokens that count in budgets, if they differ from those that are known. A correction has the id
    of the record that it corrects in `corrects`, and only the differences in its counts.
    """

    id: str
    time: float
    scopes: tuple[str, ...] = ()
    key: str = ""
    provider: str = ""
    model: str = ""
    requested_model: str = ""
    operation: str = ""
    dialect: str = ""
    tags: Mapping[str, str] = {}
    tokens: Mapping[str, int] = {}
    units: Mapping[str, int] = {}
    tier: str = ""
    cost: int = 0
    price_missing: bool = False
    basis: Basis = "reported"
    status: int = 200
    outcome: str = "answered"
    seconds: float = 0.0
    stream: bool = False
    corrects: str = ""
    request: str = ""
    charged: Mapping[str, int] = {}

    def encoded(self) -> bytes:
        """The bytes in the store."""
        return _encode(self)

    def shown(self) -> dict[str, Any]:
        """The record for JSON, with the cost in dollars as well."""
        members = {name: getattr(self, name) for name in self.__struct_fields__}
        return {**members, "cost_dollars": show(self.cost)}


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


def decoded(data: bytes) -> Record:
    """Parse a record. Raises msgspec.DecodeError."""
    return _decode(data)


def with_charge(record: Record, charge: Charge) -> Record:
    """The record with its usage and its charge."""
    usage, cost = charge.usage, charge.cost
    tokens = {name: count for name in CLASSES if (count := getattr(usage, name))}
    given, made = charge.input_tokens, charge.output_tokens
    known = usage.input_tokens == given and usage.output_tokens == made
    return msgspec.structs.replace(
        record,
        tokens=tokens,
        units=usage.units,
        tier=usage.service_tier or "",
        cost=cost.nano,
        price_missing=cost.missing,
        basis=charge.basis,
        charged={} if known else {"input_tokens": given, "output_tokens": made},
    )
