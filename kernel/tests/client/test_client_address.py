"""Which hosts and addresses a connection may be made to."""

import socket
from ipaddress import ip_address
from typing import Any

import pytest
from tests.faults.faultd import Faultd

from jackfield._client import Client
from jackfield._client.address import Reach, is_public
from jackfield._client.failure import Failure
from jackfield._client.url import parse_base_url
from jackfield.errors import ConfigError, ProviderTimeout, ProviderUnavailable
from jackfield.timeouts import Timeouts

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.9.9.9",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:8.8.8.8",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%2",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "104.18.7.192",
    "2606:4700::6812:7c0",
    "64:ff9b::8.8.8.8",
    "2002:808:808::",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not Reach.PUBLIC.allows(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


async def test_a_public_origin_connects_to_nothing_inside(client: Client, upstream: Faultd) -> None:
    origin = client.origin(upstream.base_url, name="acme", public=True)
    with pytest.raises(ProviderUnavailable) as caught:
        await origin.send("POST", "/")
    assert caught.value.message == Failure.FORBIDDEN_ADDRESS
    assert not upstream.ledger.connections


async def test_the_address_that_was_checked_is_the_one_connected_to(
    client: Client, upstream: Faultd, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo
    lookups: list[str] = []

    def rebind(host: str, port: int, *more: Any, **options: Any) -> list[Any]:
        if host != "localhost":
            return resolve(host, port, *more, **options)
        lookups.append(host)
        address = "127.0.0.1" if len(lookups) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    origin = client.origin(f"http://localhost:{upstream.port}", name="acme")
    assert (await origin.send("POST", "/")).status == 200
    assert lookups == ["localhost"]


async def test_a_refused_connection_is_an_error_without_an_address(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ProviderUnavailable) as caught:
        await client.origin(f"http://127.0.0.1:{port}", name="acme").send("POST", "/")
    assert caught.value.message == Failure.CONNECT
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert caught.value.provider == "acme"


async def test_an_unknown_host_is_a_dns_failure(client: Client) -> None:
    origin = client.origin("https://nowhere.invalid", name="acme")
    with pytest.raises(ProviderUnavailable) as caught:
        await origin.send("POST", "/")
    assert caught.value.message == Failure.DNS


@pytest.mark.parametrize(
    ("url", "host_header", "path"),
    [
        ("https://api.example/v1/", "api.example", "/v1"),
        ("https://api.example:443", "api.example", ""),
        ("https://api.example:8443/", "api.example:8443", ""),
        ("http://localhost:11434/api", "localhost:11434", "/api"),
        ("http://127.0.0.1", "127.0.0.1", ""),
        ("http://[::1]:8080", "[::1]:8080", ""),
        ("https://bücher.example", "xn--bcher-kva.example", ""),
    ],
)
def test_a_base_url_is_taken_apart(url: str, host_header: str, path: str) -> None:
    base = parse_base_url(url, name="acme", allow_http=False)
    assert (base.host_header, base.path) == (host_header, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example",
        "ftp://api.example",
        "http://api.example",
        "http://10.0.0.1",
        "http://0x7f.1",
        "http://2130706433",
        "http://127.0.0.1.evil.example",
        "https://",
        "https://user:secret@api.example",
        "https://api.example/?a=b",
        "https://api.example/#x",
        "https://api.example/v1/chat/completions",
        "https://api.example:0",
        "https://api.example:99999",
        "https://api example",
        "https://api.example/a b",
        "https://[::1",
    ],
)
def test_a_base_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="provider 'acme': base_url") as caught:
        parse_base_url(url, name="acme", allow_http=False)
    assert "secret" not in str(caught.value)


def test_plain_http_to_another_machine_needs_permission() -> None:
    assert parse_base_url("http://10.0.0.1", name="acme", allow_http=True).port == 80


async def test_a_host_that_never_accepts_is_a_connect_timeout(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        origin = client.origin(url, name="acme", timeouts=Timeouts(connect=0.1))
        with pytest.raises(ProviderTimeout) as caught:
            await origin.send("POST", "/")
        assert caught.value.phase == "connect"
        for filler in fillers:
            filler.close()
