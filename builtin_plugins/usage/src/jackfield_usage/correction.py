"""Corrections of records that were estimated or presumed, by an invoice."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec.structs import replace

from jackfield.adjustments import Adjustment
from jackfield.bounds import MOST
from jackfield.exchange import Principal
from jackfield.plan import Target

from .record import Record

Count = Annotated[int, msgspec.Meta(ge=0, le=MOST)]


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The actual usage of a request; None leaves a count as it is. `cost` is in nano-dollars."""

    id: str
    cost: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None


def corrected(kept: Sequence[Record], corrections: Iterable[Correction]) -> Iterator[Record]:
    """Records of the differences. Records that a provider has reported are not corrected."""
    by_id = {one.id: one for one in corrections}
    earlier: dict[str, list[Record]] = {}
    for record in kept:
        if record.corrects:
            earlier.setdefault(record.corrects, []).append(record)
    for record in kept:
        correction = by_id.get(record.id)
        if correction is None or record.corrects or record.basis == "reported":
            continue
        difference = _difference(record, earlier.get(record.id, ()), correction)
        if difference.cost or difference.tokens or difference.charged:
            yield difference


def adjustment_of(difference: Record, tenant: str) -> Adjustment:
    """The adjustment of the charge for a correction."""
    counts = difference.charged or difference.tokens
    return Adjustment(
        Principal(tenant, difference.key or None, scopes=difference.scopes),
        Target(difference.provider, difference.model),
        difference.requested_model,
        difference.tags,
        difference.time,
        difference.cost,
        counts.get("input_tokens", 0),
        counts.get("output_tokens", 0),
    )


def _difference(record: Record, earlier: Iterable[Record], correction: Correction) -> Record:
    known = [record, *earlier]
    cost = sum(one.cost for one in known)
    tokens, charged = {}, {}
    for name in ("input_tokens", "output_tokens"):
        counted = getattr(correction, name)
        if counted is not None:
            tokens[name] = counted - sum(one.tokens.get(name, 0) for one in known)
            charged[name] = counted - sum((one.charged or one.tokens).get(name, 0) for one in known)
    return replace(
        record,
        id=f"{record.id}.{len(known)}",
        corrects=record.id,
        tokens={name: count for name, count in tokens.items() if count},
        charged=charged if charged != tokens else {},
        units={},
        cost=0 if correction.cost is None else correction.cost - cost,
        price_missing=False,
        seconds=0.0,
    )
