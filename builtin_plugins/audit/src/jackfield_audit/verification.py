"""Verifies the trail from its first line to its last, and reports what is wrong with it."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import define, field, frozen

from .anchors import AnchorFile
from .chain import FIRST, Link, read_line


@frozen
class Problem:
    """Something that is wrong, and in which line of which file."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


@define
class Verification:
    """The result. `anchored` is the last line that an anchor vouches for."""

    records: int = 0
    anchors: int = 0
    anchored: int = 0
    problems: list[Problem] = field(factory=list)

    @property
    def unanchored(self) -> int:
        """How many lines follow the last anchor: cutting them off could not be detected."""
        return max(0, self.records - self.anchored)


def verify(trail: Path, anchors: AnchorFile, due: float = 0.0) -> Verification:
    """Read the whole trail, keeping only the anchors in memory.

    Records older than `due` must be anchored by now.
    """
    found = Verification()
    anchored_hashes = _anchored_hashes(anchors, found)
    last, overdue = 0, None
    if not trail.exists():
        what = "there is no trail: it was removed, or no gateway has started here yet"
        found.problems.append(Problem(trail.name, 0, what))
    for link in _links(trail, found):
        found.records += 1
        last = link.seq
        expected = anchored_hashes.pop(link.seq, None)
        if expected is None:
            overdue = overdue or (found.records if link.time < due else None)
            continue
        if expected == link.hash:
            found.anchored, overdue = max(found.anchored, link.seq), None
        else:
            what = f"record {link.seq} is not the one that was anchored: the trail was rewritten"
            found.problems.append(Problem(trail.name, found.records, what))
    for seq in sorted(anchored_hashes)[:1]:
        end = f": the trail ends at record {last}" if seq > last else ""
        what = f"record {seq} was anchored and is gone{end}"
        found.problems.append(Problem(trail.name, min(seq, found.records), what))
    if overdue is not None:
        what = "no anchor vouches for it, though that was due: anchors were taken away, or not made"
        found.problems.append(Problem(trail.name, overdue, what))
    return found


def _anchored_hashes(anchors: AnchorFile, found: Verification) -> dict[int, str]:
    anchored_hashes: dict[int, str] = {}
    for number, anchor in anchors.read():
        if anchor is None:
            what = "this anchor is forged or damaged"
            found.problems.append(Problem(anchors.path.name, number, what))
            continue
        found.anchors += 1
        if anchored_hashes.setdefault(anchor.seq, anchor.hash) != anchor.hash:
            what = f"another record {anchor.seq} was anchored before: the trail was cut and went on"
            found.problems.append(Problem(anchors.path.name, number, what))
    return anchored_hashes


def _links(trail: Path, found: Verification) -> Iterator[Link]:
    """The unaltered lines. Problems in between are added to `found`."""
    seq, previous = 0, FIRST
    for number, line in enumerate(lines_of(trail), 1):
        try:
            link = read_line(line)
        except ValueError as error:
            found.problems.append(Problem(trail.name, number, str(error)))
            seq, previous = seq + 1, ""
            continue
        if link.seq != seq + 1:
            what = f"record {seq + 1} is expected here, and this is record {link.seq}"
            found.problems.append(Problem(trail.name, number, what))
        elif previous and link.prev != previous:
            what = f"record {link.seq} does not follow on the record before it"
            found.problems.append(Problem(trail.name, number, what))
        seq, previous = link.seq, link.hash
        yield link


def lines_of(trail: Path) -> Iterable[bytes]:
    """The lines of a trail, which may still be being written."""
    if not trail.exists():
        return
    with trail.open("rb") as file:
        left = _whole_size(file.fileno())
        for line in file:
            if left <= 0:
                return
            left -= len(line)
            yield line


def _whole_size(handle: int) -> int:
    """The size of the file while nobody writes to it; later additions are ignored."""
    fcntl.flock(handle, fcntl.LOCK_SH)
    try:
        return os.fstat(handle).st_size
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)
