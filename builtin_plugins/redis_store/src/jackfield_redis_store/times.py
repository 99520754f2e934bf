"""Times as bytes, with which the places of records begin."""

import struct
from typing import Final

HOUR: Final = 3600


def encoded_time(time: float) -> bytes:
    """Encode a time as bytes that sort by time. No time is before 1970."""
    # The bits of non-negative floats sort like the numbers.
    return struct.pack(">d", max(0.0, time)).hex().encode()


def time_of(place: bytes) -> float:
    """The time at the beginning of a place."""
    (time,) = struct.unpack(">d", bytes.fromhex(place[:16].decode()))
    return float(time)
