"""The trail: whatever is done to it is found, and what cannot be written is not done."""

import asyncio
import os
import random
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield import Secret
from jackfield.admin import AuditUnavailable
from jackfield_audit.anchors import AnchorFile
from jackfield_audit.trail import Trail
from jackfield_audit.verification import Verification, verify

KEY = Secret("k" * 32)


def trail_in(folder: Path, every: int = 10) -> Trail:
    return Trail(folder / "trail.jsonl", AnchorFile(folder / "anchors.jsonl", KEY), every)


def checked(folder: Path) -> Verification:
    return verify(folder / "trail.jsonl", AnchorFile(folder / "anchors.jsonl", KEY))


async def written(folder: Path, records: int = 25) -> Trail:
    trail = trail_in(folder)
    await trail.open()
    for number in range(records):
        await trail.add({"kind": "admin", "action": "update", "id": f"key{number}"})
    return trail


async def test_a_trail_as_it_was_written_is_whole(tmp_path: Path) -> None:
    trail = await written(tmp_path)
    assert checked(tmp_path).unanchored == 5
    await trail.close()
    found = checked(tmp_path)
    assert (found.records, found.anchored, found.problems) == (25, 25, [])


async def test_the_last_record_is_anchored_although_none_follows(tmp_path: Path) -> None:
    trail = trail_in(tmp_path)
    trail.seconds = 0.01
    await trail.open()
    await trail.add({"kind": "admin"})
    while not (tmp_path / "anchors.jsonl").exists():  # noqa: ASYNC110 - a thread writes it
        await asyncio.sleep(0.01)
    await trail.close()
    assert checked(tmp_path).anchored == 1


@pytest.mark.parametrize(("seconds", "warns"), [(3600.0, False), (0.0, True)])
async def test_records_without_an_anchor_are_reported_once_one_is_overdue(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, seconds: float, warns: bool
) -> None:
    running, another = await written(tmp_path, 5), trail_in(tmp_path)
    another.seconds = seconds
    await another.open()
    assert ("no anchor vouches for" in caplog.text) == warns
    assert checked(tmp_path).anchored == 5
    await another.close()
    await running.close()


async def test_a_trail_goes_on_where_it_ended(tmp_path: Path) -> None:
    await (await written(tmp_path)).close()
    await (await written(tmp_path)).close()
    found = checked(tmp_path)
    assert (found.records, found.problems) == (50, [])


async def test_several_writers_make_one_chain(tmp_path: Path) -> None:
    writers = [trail_in(tmp_path) for _ in range(4)]
    await asyncio.gather(*(writer.open() for writer in writers))
    for number in range(50):
        await asyncio.gather(*(writer.add({"number": number}) for writer in writers))
    await asyncio.gather(*(writer.close() for writer in writers))
    found = checked(tmp_path)
    assert (found.records, found.problems) == (200, [])


def edited(lines: list[bytes], draw: random.Random) -> list[bytes]:
    place = draw.randrange(len(lines))
    line = bytearray(lines[place])
    at = draw.randrange(len(line) - 1)
    line[at] ^= 1 << draw.randrange(7)
    return [*lines[:place], bytes(line), *lines[place + 1 :]]


def removed(lines: list[bytes], draw: random.Random) -> list[bytes]:
    first = draw.randrange(len(lines))
    return lines[:first] + lines[first + draw.randint(1, 3) :]


def repeated(lines: list[bytes], draw: random.Random) -> list[bytes]:
    place = draw.randrange(len(lines))
    return [*lines[:place], draw.choice(lines), *lines[place:]]


def reordered(lines: list[bytes], draw: random.Random) -> list[bytes]:
    first, second = draw.sample(range(len(lines)), 2)
    swapped = list(lines)
    swapped[first], swapped[second] = lines[second], lines[first]
    return swapped


def cut(lines: list[bytes], draw: random.Random) -> list[bytes]:
    whole = b"".join(lines)
    return whole[: draw.randrange(len(whole))].splitlines(keepends=True)


@pytest.mark.parametrize("mutation", [edited, removed, repeated, reordered, cut])
@pytest.mark.parametrize("times", [100, pytest.param(2_000, marks=pytest.mark.slow)])
async def test_every_mutation_is_found(
    tmp_path: Path, mutation: Callable[[list[bytes], random.Random], list[bytes]], times: int
) -> None:
    await (await written(tmp_path)).close()
    path, draw = tmp_path / "trail.jsonl", random.Random(7)  # noqa: S311 - it need not surprise anybody
    lines = path.read_bytes().splitlines(keepends=True)
    for _ in range(times):
        path.write_bytes(b"".join(mutation(lines, draw)))
        assert checked(tmp_path).problems


async def test_a_trail_that_was_written_anew_is_found_by_its_anchors(tmp_path: Path) -> None:
    await (await written(tmp_path)).close()
    (tmp_path / "trail.jsonl").unlink()
    forger = Trail(tmp_path / "trail.jsonl", AnchorFile(tmp_path / "anchors.jsonl", Secret("x")))
    await forger.open()
    for number in range(30):
        await forger.add({"kind": "admin", "action": "update", "id": f"other{number}"})
    await forger.close()
    problems = "\n".join(map(str, checked(tmp_path).problems))
    assert "this anchor is forged" in problems
    assert "the trail was rewritten" in problems


async def test_a_trail_that_was_cut_and_went_on_to_the_same_number_is_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await (await written(tmp_path, 12)).close()
    path = tmp_path / "trail.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:11]))
    await (await written(tmp_path, 1)).close()  # the 12th again, and anchored again
    assert "it ends at record 11, and record 12 was anchored" in caplog.text
    problems = "\n".join(map(str, checked(tmp_path).problems))
    assert "anchors.jsonl:3: another record 12 was anchored before" in problems
    assert "trail.jsonl:12: record 12 is not the one that was anchored" in problems


async def test_half_a_line_that_a_crash_has_left_is_cut_off(tmp_path: Path) -> None:
    trail = await written(tmp_path, 9)  # none of them anchored yet
    path = tmp_path / "trail.jsonl"
    os.truncate(path, path.stat().st_size - 7)
    await (await written(tmp_path, 3)).close()
    found = checked(tmp_path)
    assert (found.records, found.problems) == (11, [])
    await trail.close()


async def test_what_cannot_be_written_is_refused_and_leaves_no_trace(tmp_path: Path) -> None:
    trail = await written(tmp_path)
    path = tmp_path / "trail.jsonl"
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
    try:
        with pytest.raises(AuditUnavailable):
            await trail.add({"kind": "admin"})
        assert trail.problem is not None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    await trail.add({"kind": "admin"})
    await trail.close()
    assert checked(tmp_path).problems == []


async def test_a_file_that_was_moved_or_replaced_is_not_written_to(tmp_path: Path) -> None:
    trail = await written(tmp_path)
    path, moved = tmp_path / "trail.jsonl", tmp_path / "moved.jsonl"
    before = path.read_bytes()
    path.rename(moved)
    for replacement in (None, b"", before):
        if replacement is not None:
            path.write_bytes(replacement)
        with pytest.raises(AuditUnavailable):
            await trail.add({"kind": "admin"})
        assert "moved or replaced" in (trail.problem or "")
    assert (moved.read_bytes(), path.read_bytes()) == (before, before)
    moved.rename(path)
    await trail.add({"kind": "admin"})
    await trail.close()
    assert (checked(tmp_path).records, checked(tmp_path).problems) == (26, [])


async def test_a_file_that_was_cut_is_not_continued(tmp_path: Path) -> None:
    trail = await written(tmp_path)
    path = tmp_path / "trail.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:12]))
    with pytest.raises(AuditUnavailable):
        await trail.add({"kind": "admin"})
    await trail.close()
    problems = "".join(map(str, checked(tmp_path).problems))
    assert "anchored and is gone" in problems


async def test_a_record_stands_although_it_could_not_be_anchored(tmp_path: Path) -> None:
    trail = trail_in(tmp_path, every=1)
    (tmp_path / "anchors.jsonl").mkdir()
    await trail.open()
    await trail.add({"kind": "admin"})
    problems = [trail.anchor_problem]
    (tmp_path / "anchors.jsonl").rmdir()
    await trail.add({"kind": "admin"})
    problems.append(trail.anchor_problem)
    await trail.close()
    assert problems == ["cannot be anchored: Is a directory", None]
    found = checked(tmp_path)
    assert (found.records, found.anchored, found.problems) == (2, 2, [])
