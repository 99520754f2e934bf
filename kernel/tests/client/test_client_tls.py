"""TLS is verified, always."""

from pathlib import Path

import pytest
from tests.faults.faultd import Certificates, Faultd

from jackfield._client import Client
from jackfield._client.failure import Failure
from jackfield.errors import (
    ConfigError,
    ProviderTimeout,
    ProviderUnavailable,
    ProviderUntrusted,
)
from jackfield.timeouts import Timeouts


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("ca"))


async def test_a_trusted_certificate_is_accepted(
    client: Client, certificates: Certificates
) -> None:
    async with Faultd(tls=certificates.server_context("good")) as upstream:
        origin = client.origin(upstream.base_url, name="acme", ca_file=certificates.ca_file)
        for _ in range(2):
            answer = await origin.send("POST", "/")
            assert b"Hello" in await answer.read()
        assert upstream.ledger.connections == 1
        upstream.script("cut-sse")
        answer = await origin.send("POST", "/")
        with pytest.raises(ProviderUnavailable):
            await answer.read()
        await client.close()


@pytest.mark.parametrize("mode", ["expired", "wrong-host", "untrusted"])
async def test_a_bad_certificate_is_refused(
    client: Client, certificates: Certificates, mode: str
) -> None:
    async with Faultd(tls=certificates.server_context(mode)) as upstream:
        origin = client.origin(upstream.base_url, name="acme", ca_file=certificates.ca_file)
        with pytest.raises(ProviderUnavailable) as caught:
            await origin.send("POST", "/")
        assert caught.value.message == Failure.TLS
        assert not upstream.ledger.records


async def test_the_system_does_not_trust_a_private_authority(
    client: Client, certificates: Certificates
) -> None:
    async with Faultd(tls=certificates.server_context("good")) as upstream:
        with pytest.raises(ProviderUnavailable):
            await client.origin(upstream.base_url, name="acme").send("POST", "/")


async def test_plain_text_instead_of_tls_is_a_tls_failure(
    client: Client, certificates: Certificates
) -> None:
    async with Faultd(handshake="plain") as upstream:
        with pytest.raises(ProviderUnavailable) as caught:
            await client.origin(upstream.base_url, name="acme").send("POST", "/")
        assert caught.value.message == Failure.TLS


@pytest.mark.parametrize(("handshake", "again"), [("close", True), ("plain", False)])
async def test_only_a_handshake_that_was_cut_off_may_succeed_a_little_later(
    client: Client, handshake: str, again: bool
) -> None:
    async with Faultd(handshake=handshake) as upstream:
        with pytest.raises(ProviderUntrusted) as caught:
            await client.origin(upstream.base_url, name="acme").send("POST", "/")
        assert caught.value.again is again


async def test_a_stalled_handshake_is_cut_at_the_connect_deadline(client: Client) -> None:
    async with Faultd(handshake="stall") as upstream:
        origin = client.origin(upstream.base_url, name="acme", timeouts=Timeouts(connect=0.1))
        with pytest.raises(ProviderTimeout) as caught:
            await origin.send("POST", "/")
        assert caught.value.phase == "connect"
        await upstream.until(open_connections=0)


def test_a_ca_file_that_cannot_be_used_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for path in (tmp_path / "missing.pem", tmp_path / "empty.pem"):
        with pytest.raises(ConfigError, match="ca_file"):
            Client().origin("https://api.example", name="acme", ca_file=path)
