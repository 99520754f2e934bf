"""Anchors: signed records of how far the trail had got, kept away from the trail.

Whoever can write to the trail could rewrite all of it, including the hashes, or cut off its end. An
anchor reveals that: it has the number and the hash of a line, and an HMAC-SHA256 that requires the
key.
"""

import hashlib
import hmac
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from attrs import define

from jackfield import Secret

_LONGEST: Final = 1_024
"""More bytes than an anchor has."""


class Anchor(msgspec.Struct, frozen=True):
    """States that the line `seq` had this hash at a time, in seconds since 1970."""

    seq: int
    hash: str
    time: float
    mac: str = ""

    def signed(self, key: Secret) -> "Anchor":
        """The anchor with its proof."""
        return msgspec.structs.replace(self, mac=self._mac(key))

    def is_genuine(self, key: Secret) -> bool:
        """Whether it was signed with the key."""
        return hmac.compare_digest(self.mac.encode(), self._mac(key).encode())

    def _mac(self, key: Secret) -> str:
        content = f"{self.seq}\n{self.hash}\n{self.time!r}".encode()
        return hmac.new(key.reveal().encode(), content, hashlib.sha256).hexdigest()


@define
class AnchorFile:
    """Anchors, one JSON object per line."""

    path: Path
    key: Secret

    def add(self, seq: int, digest: str, time: float) -> None:
        """Write an anchor and sync it to disk. Raises OSError."""
        line = msgspec.json.encode(Anchor(seq, digest, time).signed(self.key)) + b"\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(handle).st_size
            if os.write(handle, line) != len(line):
                os.ftruncate(handle, size)
                raise OSError("the disk is full")
            os.fdatasync(handle)
        finally:
            os.close(handle)

    def reached(self) -> int:
        """The line number of the last genuine anchor; 0 if there is none."""
        if not self.path.exists():
            return 0
        with self.path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST))
            last = file.read().splitlines()[-1:]
        anchor = self._genuine(last[0]) if last else None
        return anchor.seq if anchor is not None else 0

    def read(self) -> Iterator[tuple[int, Anchor | None]]:
        """Each anchor with its line number in the file; None if it is invalid or forged."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield number, self._genuine(line)

    def _genuine(self, line: bytes) -> Anchor | None:
        try:
            anchor = msgspec.json.decode(line, type=Anchor)
        except (msgspec.DecodeError, UnicodeError):
            return None
        return anchor if anchor.is_genuine(self.key) else None
