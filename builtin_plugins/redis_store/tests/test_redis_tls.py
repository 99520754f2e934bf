"""TLS: which servers are trusted, and who the gateway says that it is."""

import shutil
from pathlib import Path

import pytest
import trustme
from builtin_plugins.redis_store.tests.redis_servers import Process, running

from jackfield import ConfigError
from jackfield.testing import run_gateway

Files = tuple[str, ...]


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """Its certificate is in `ca.pem`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


def server_of(
    authority: trustme.CA, folder: Path, name: str = "127.0.0.1", clients: str = "no"
) -> Process:
    """A server with TLS on the port above its own."""
    if shutil.which("redis-server") is None:
        pytest.skip("the Valkey of the package has no TLS; run: apt-get install redis-server")
    certificate = authority.issue_cert(name)
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    own = Process("redis-server", folder / "own")
    files: Files = ("--tls-cert-file", f"{folder}/cert.pem", "--tls-key-file", f"{folder}/key.pem")
    files += ("--tls-ca-cert-file", f"{folder}/ca.pem", "--tls-auth-clients", clients)
    own.arguments = ("--tls-port", str(own.port + 1), *files)
    return own


async def status(server: Process, folder: Path, *more: str) -> int:
    """What `/ready` answers."""
    url = f"rediss://127.0.0.1:{server.port + 1}/0"
    # A busy machine is no failure of the server.
    settings = ("recovery_seconds = 0", "answer_ms = 5000", *more)
    table = (f'[plugins.redis_store]\nurl = "{url}"', *settings)
    async with run_gateway("\n".join(table), directory=folder) as client:
        return (await client.get("/ready")).status


async def test_a_server_is_trusted_whose_authority_is(
    authority: trustme.CA, tmp_path: Path
) -> None:
    with running(server_of(authority, tmp_path)) as own:
        assert await status(own, tmp_path, 'ca_file = "ca.pem"') == 200
        with pytest.raises(ConfigError, match="has a certificate that is not trusted"):
            await status(own, tmp_path)


async def test_a_file_of_authorities_takes_the_place_of_the_systems(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    with running(server_of(authority, tmp_path)) as own:
        assert await status(own, tmp_path) == 200
        with pytest.raises(ConfigError, match="has a certificate that is not trusted"):
            await status(own, tmp_path, 'ca_file = "other.pem"')


async def test_a_certificate_for_another_name_is_reported(
    authority: trustme.CA, tmp_path: Path
) -> None:
    own = server_of(authority, tmp_path, "redis.example.com")
    with running(own), pytest.raises(ConfigError, match="has a certificate for another name"):
        await status(own, tmp_path, 'ca_file = "ca.pem"')


async def test_a_server_that_asks_for_a_certificate_is_shown_one(
    authority: trustme.CA, tmp_path: Path
) -> None:
    authority.issue_cert("gateway").private_key_and_cert_chain_pem.write_to_path(
        tmp_path / "gateway.pem"
    )
    own = server_of(authority, tmp_path, clients="yes")
    with running(own):
        assert await status(own, tmp_path, 'ca_file = "ca.pem"') == 503
        options = ('ca_file = "ca.pem"', 'cert_file = "gateway.pem"')
        assert await status(own, tmp_path, *options) == 200
        apart = ('cert_file = "cert.pem"', 'key_file = "key.pem"')
        assert await status(own, tmp_path, options[0], *apart) == 200
