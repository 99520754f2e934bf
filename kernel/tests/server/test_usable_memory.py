"""How much memory a process may use: the machine's, or what its control groups leave of it."""

from pathlib import Path

import pytest

from jackfield._server.limits import usable_memory

GIB = 1 << 30


def system(root: Path, groups: str, files: dict[str, str]) -> str:
    """A system whose process is in these groups, with the limits in these files."""
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


@pytest.mark.parametrize(
    ("groups", "files", "size"),
    [
        ("0::/\n", {"sys/fs/cgroup/memory.max": f"{GIB}\n"}, GIB),
        ("0::/a.slice/b:c\n", {"sys/fs/cgroup/a.slice/b:c/memory.max": "4096\n"}, 4096),
        ("0::/a/b\n", {"sys/fs/cgroup/a/memory.max": "9\n"}, 9),
        ("4:cpu:/x\n3:memory:/y\n", {"sys/fs/cgroup/memory/y/memory.limit_in_bytes": "8\n"}, 8),
        ("3:memory:/gone\n", {"sys/fs/cgroup/memory/memory.limit_in_bytes": "7\n"}, 7),
        (
            "0::/a/b\n",
            {"sys/fs/cgroup/a/memory.max": "max\n", "sys/fs/cgroup/a/b/memory.max": "6\n"},
            6,
        ),
    ],
)
def test_the_limit_of_a_control_group_counts(
    tmp_path: Path, groups: str, files: dict[str, str], size: int
) -> None:
    assert usable_memory(system(tmp_path, groups, files)) == size


def test_without_a_limit_it_is_the_machine_s(tmp_path: Path) -> None:
    whole = usable_memory(str(tmp_path))
    assert whole > 1 << 26
    text = {"sys/fs/cgroup/memory.max": "max\n"}
    assert usable_memory(system(tmp_path, "0::/\n", text)) == whole
