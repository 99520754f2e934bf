"""Moments: times as bytes, with which the places of records begin."""

import struct
from typing import Final

HOUR: Final = 3600


def moment(time: float) -> bytes:
    """A time as bytes that sort like times; none is before 1970."""
    # The bits of non-negative floats are in their order.
    return struct.pack(">d", max(0.0, time)).hex().encode()


def time_of(place: bytes) -> float:
    """The time that a place begins with."""
    (time,) = struct.unpack(">d", bytes.fromhex(place[:16].decode()))
    return float(time)
