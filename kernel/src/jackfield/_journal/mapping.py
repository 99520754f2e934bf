"""Where a journal may be written through memory, and where it takes a system call."""

import mmap
from pathlib import Path
from typing import Final

_KEEP_THEIR_WORD: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs", "overlay", "f2fs"})
"""File systems on which allocated space is there when it is written to.

On others, such as those that copy on write, the disk may be full in the midst of a write to memory,
of which a process dies; a system call only fails.
"""


def map_file(file: int, path: Path) -> mmap.mmap | None:
    """The bytes of an allocated file as memory, or None if it is better to call the system."""
    return mmap.mmap(file, 0) if _file_system(path) in _KEEP_THEIR_WORD else None


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
