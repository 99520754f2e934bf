"""Answers that are too large, or grow when decompressed, and readers that are too slow."""

import asyncio
import resource

import pytest
from tests.faults.faultd import Faultd
from tests.faults.faultd.good import completion

from jackfield._client import Client, Origin
from jackfield._client.failure import Failure
from jackfield.errors import ProviderUnavailable

MIB = 1024 * 1024


async def read(origin: Origin) -> bytes:
    return await (await origin.send("POST", "/")).read()


@pytest.mark.parametrize("fault", ["huge", "huge-declared"])
async def test_a_huge_body_is_cut_at_the_limit(
    origin: Origin, upstream: Faultd, fault: str
) -> None:
    upstream.script(fault)
    with pytest.raises(ProviderUnavailable) as caught:
        await read(origin)
    assert caught.value.message == Failure.TOO_LARGE
    assert upstream.ledger.last().bytes_sent < 64 * MIB


async def test_the_limit_is_the_last_size_that_passes(client: Client, upstream: Faultd) -> None:
    origin = client.origin(upstream.base_url, name="acme", max_response=1000)
    upstream.script("size-1000", "size-1001")
    assert len(await read(origin)) == 1000
    with pytest.raises(ProviderUnavailable):
        await read(origin)


@pytest.mark.parametrize("fault", ["gzip", "gzip-members", "deflate", "deflate-raw"])
async def test_a_compressed_body_is_decompressed(
    origin: Origin, upstream: Faultd, fault: str
) -> None:
    upstream.script(fault, fault)
    assert await read(origin) == completion()
    answer = await origin.send("POST", "/")
    assert b"".join([piece async for piece in answer]) == completion()


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("gzip-bomb", Failure.BOMB),
        ("gzip-cut", Failure.BAD_COMPRESSION),
        ("gzip-lie", Failure.BAD_COMPRESSION),
        ("strange-encoding", Failure.ENCODING),
    ],
)
async def test_bad_compression_is_an_error(
    origin: Origin, upstream: Faultd, fault: str, failure: Failure
) -> None:
    upstream.script(fault, fault)
    with pytest.raises(ProviderUnavailable) as caught:
        await read(origin)
    assert caught.value.message == failure
    with pytest.raises(ProviderUnavailable):
        async for _ in await origin.send("POST", "/"):
            pass


async def test_a_bomb_does_not_fill_the_memory(origin: Origin, upstream: Faultd) -> None:
    upstream.script("gzip", "gzip-bomb")
    await read(origin)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ProviderUnavailable):
        await read(origin)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


async def test_a_reader_who_does_not_read_stops_the_provider(
    origin: Origin, upstream: Faultd
) -> None:
    upstream.script("huge-200")
    answer = await origin.send("POST", "/")
    record = upstream.ledger.last()
    sent = -1
    while record.bytes_sent != sent:
        sent = record.bytes_sent
        await asyncio.sleep(0.05)
    assert sent < 32 * MIB
    total = 0
    async for piece in answer:
        total += len(piece)
        assert len(piece) < MIB
    assert total == 200 * MIB
