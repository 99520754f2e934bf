"""The faulty upstream does what its README says, and its ledger tells the truth."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from tests.faults.faultd import FAULTS, Faultd
from tests.faults.faultd.catalogue import Choice

README = Path(__file__).parent / "README.md"


async def exchange(upstream: Faultd, body: bytes, *, until: bytes = b"") -> bytes:
    """Send one raw request; return what comes until the end, or until `until` has come."""
    reader, writer = await asyncio.open_connection(upstream.host, upstream.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    received = await (reader.readuntil(until) if until else reader.read())
    writer.close()
    await writer.wait_closed()
    return received


def request(model: str, *, stream: bool = False) -> bytes:
    return json.dumps({"model": model, "stream": stream}).encode()


def test_the_readme_names_every_fault() -> None:
    assert set(FAULTS) <= set(re.findall(r"`([a-z0-9-]+)`", README.read_text()))


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_requested_by_a_model_s_name(name: str) -> None:
    assert Choice.of_request(request(f"fault-{name}")) == Choice(name)
    assert Choice.of_request(request(f"fault-{name}-7")) == Choice(name, (7,))


def test_an_unknown_fault_is_an_error() -> None:
    with pytest.raises(KeyError):
        Choice.parse("nonsense-3")


async def test_a_good_answer_is_a_completion_or_a_stream() -> None:
    async with Faultd() as upstream:
        assert b"chat.completion" in await exchange(upstream, request("m"), until=b"}}")
        stream = await exchange(upstream, request("m", stream=True), until=b"0\r\n\r\n")
    assert b"data: [DONE]" in stream


async def test_the_ledger_counts_what_was_sent() -> None:
    async with Faultd() as upstream:
        received = await exchange(upstream, request("fault-cut-sse-3"))
        record = upstream.ledger.last()
    assert (record.fault, record.events_sent, record.bytes_sent) == ("cut-sse", 3, len(received))
    assert record.upstream_closed
    assert record.client_closed is None


async def test_the_ledger_knows_when_the_client_left() -> None:
    async with Faultd() as upstream:
        await exchange(upstream, request("fault-stall-1"), until=b"\n\n")
        await upstream.until(open_connections=0)
        record = upstream.ledger.last()
    assert record.client_closed is not None
    assert record.client_closed >= record.started


async def test_a_script_comes_before_the_model_s_name() -> None:
    async with Faultd() as upstream:
        upstream.script("status-503")
        assert b"503" in await exchange(upstream, request("fault-html"), until=b"}}")
        assert b"<html>" in await exchange(upstream, request("fault-html"), until=b"</html>")
