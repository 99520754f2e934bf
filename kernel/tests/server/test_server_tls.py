"""TLS towards clients: the certificate that is shown, and the one that is required."""

import asyncio
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield._server.tls import renew, tls_context

if TYPE_CHECKING:
    from kernel.tests.server.conftest import SampleGateway

POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"


async def test_tls_is_served_with_a_context(sample: "SampleGateway") -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    listeners = bind_all(["127.0.0.1:0"])
    port = listeners[0].getsockname()[1]
    server = Server(sample)
    await server.start(listeners, tls=context)
    reader, writer = await asyncio.open_connection("localhost", port, ssl=trust)
    writer.write(POST)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.close()
    await server.drain(0)


async def test_a_certificate_is_renewed_while_it_serves(
    sample: "SampleGateway", tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issue(cert, key)
    context = tls_context(cert, key)
    listeners = bind_all(["127.0.0.1:0"])
    port = listeners[0].getsockname()[1]
    server = Server(sample)
    await server.start(listeners, tls=context)
    shown = [await shown_at(port)]
    issue(cert, key)
    renew(context, cert, key)
    shown.append(await shown_at(port))
    key.write_text("half of it")
    renew(context, cert, key)
    assert "the certificate stays as it was: server.tls: " in caplog.text
    shown.append(await shown_at(port))
    assert shown[0] != shown[1] == shown[2]
    await server.drain(0)


async def test_only_who_shows_a_certificate_is_served_where_one_is_required(
    sample: "SampleGateway", tmp_path: Path
) -> None:
    cert, key, ca = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    issue(cert, key)
    trusted, added = trustme.CA(), trustme.CA()
    trusted.cert_pem.write_to_path(ca)
    context = tls_context(cert, key, ca)
    listeners = bind_all(["127.0.0.1:0"])
    port = listeners[0].getsockname()[1]
    server = Server(sample)
    await server.start(listeners, tls=context)
    assert await answers_at(port, trusted)
    assert not await answers_at(port, None)
    assert not await answers_at(port, added)
    ca.write_bytes(trusted.cert_pem.bytes() + added.cert_pem.bytes())
    renew(context, cert, key, ca)
    assert await answers_at(port, added)
    await server.drain(0)


async def answers_at(port: int, authority: trustme.CA | None) -> bool:
    """Whether a client is served there with a certificate of an authority, or with none."""
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    if authority is not None:
        authority.issue_cert("someone@example.com").configure_cert(trust)
    _, writer = streams = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
    try:
        writer.write(POST)
        return (await streams[0].read(15)).startswith(b"HTTP/1.1 200")
    except (ssl.SSLError, ConnectionError):
        return False
    finally:
        writer.close()


def issue(cert: Path, key: Path) -> None:
    issued = trustme.CA().issue_cert("localhost")
    cert.write_bytes(issued.cert_chain_pems[0].bytes())
    key.write_bytes(issued.private_key_pem.bytes())


async def shown_at(port: int) -> bytes:
    """The certificate that a client sees there."""
    nothing = ssl.create_default_context()
    nothing.check_hostname, nothing.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("localhost", port, ssl=nothing)
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return shown
