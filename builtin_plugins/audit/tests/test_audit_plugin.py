"""The plugin in a gateway: what is audited, and what is refused if it cannot be."""

import hashlib
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jackfield.admin import AdminChange, AuditUnavailable
from jackfield.testing import run_gateway
from jackfield_audit.chain import read_line

CHANGE = AdminChange(
    time=1.0,
    request_id="r1",
    actor="k1",
    role="admin",
    tenant="acme",
    client="unix",
    action="update",
    collection="keys",
    id="k2",
    before="00",
    after="ff",
    fields=("expires",),
)


def events(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "jackfield-state/audit/trail.jsonl").read_bytes().splitlines(keepends=True)
    return [read_line(line).event for line in lines]


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    trail = folder / "jackfield-state/audit/trail.jsonl"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (trail.stat().st_size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_a_change_is_on_the_disk_before_it_is_made(tmp_path: Path) -> None:
    async with run_gateway("[plugins.audit]", directory=tmp_path) as client:
        await client.plugin("audit").audit(CHANGE)
        (event,) = events(tmp_path)
    assert event["kind"] == "admin"
    assert (event["actor"], event["collection"], event["id"]) == ("k1", "keys", "k2")


async def test_a_change_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    async with run_gateway("[plugins.audit]", directory=tmp_path) as client:
        await client.plugin("audit").audit(CHANGE)
        with full_disk(tmp_path), pytest.raises(AuditUnavailable):
            await client.plugin("audit").audit(CHANGE)
        await client.plugin("audit").audit(CHANGE)
    assert len(events(tmp_path)) == 2


async def test_traffic_is_audited_without_its_words(tmp_path: Path) -> None:
    toml = '[plugins.audit]\ntraffic = "open"\ndigests = true'
    async with run_gateway(toml, directory=tmp_path) as client:
        body = await (await client.chat("the secret of the house")).read()
        await (await client.chat("the secret of the house", stream=True)).read()
    whole, streamed = events(tmp_path)
    assert (whole["kind"], whole["outcome"], whole["status"]) == ("exchange", "answered", 200)
    assert whole["response_sha256"] == hashlib.sha256(body).hexdigest()
    assert streamed["response_sha256"] != whole["response_sha256"]
    assert "secret" not in json.dumps([whole, streamed])


async def test_a_closed_tenant_is_refused_when_the_disk_is_full(tmp_path: Path) -> None:
    toml = '[plugins.audit]\ntenants = { local = "closed" }'
    async with run_gateway(toml, directory=tmp_path) as client:
        assert (await client.chat()).status == 200
        with full_disk(tmp_path):
            answer = await client.chat()
            assert answer.status == 503
            assert (await client.get("/ready")).status == 503
        assert len(client.fake.requests) == 1
        await client.get("/ready")
        assert (await client.chat()).status == 200
    kinds = [event["kind"] for event in events(tmp_path)]
    assert kinds[:2] == ["request", "exchange"]
    assert kinds[-2:] == ["request", "exchange"]


async def test_an_open_tenant_is_served_when_the_disk_is_full(tmp_path: Path) -> None:
    async with run_gateway('[plugins.audit]\ntraffic = "open"', directory=tmp_path) as client:
        assert (await client.chat()).status == 200
        with full_disk(tmp_path):
            assert (await client.chat()).status == 200
            assert (await client.get("/ready")).status == 200
