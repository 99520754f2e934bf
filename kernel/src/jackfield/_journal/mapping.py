"""Chooses between writing a journal through a memory map and through system calls."""

import mmap
from pathlib import Path
from typing import Final

_GUARANTEEING: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs", "overlay", "f2fs"})
"""File systems that guarantee allocated space when it is written to.

On others, such as copy-on-write file systems, the disk may be full when mapped memory is written,
which kills the process; a system call only fails.
"""


def map_file(file: int, path: Path) -> mmap.mmap | None:
    """Memory map of an allocated file, or None if system calls are the better choice."""
    return mmap.mmap(file, 0) if _file_system(path) in _GUARANTEEING else None


def _file_system(path: Path) -> str:
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    found, longest = "", -1
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        where = fields.split(" ")[4].replace("\\040", " ")
        if len(where) >= longest and path.resolve().is_relative_to(where):
            found, longest = rest.split(" ", 1)[0], len(where)
    return found
