"""Addresses of listeners."""

from pathlib import Path

import pytest

from jackfield.address import Address


@pytest.mark.parametrize(
    ("text", "address", "is_loopback"),
    [
        ("127.0.0.1:4747", Address("127.0.0.1", 4747), True),
        ("127.9.9.9:1", Address("127.9.9.9", 1), True),
        ("localhost:0", Address("localhost", 0), True),
        ("[::1]:65535", Address("::1", 65535), True),
        ("unix:/run/j.sock", Address(path="/run/j.sock"), True),
        ("unix:j.sock", Address(path="j.sock"), True),
        ("0.0.0.0:80", Address("0.0.0.0", 80), False),
        ("[::]:80", Address("::", 80), False),
        ("gateway.example.com:443", Address("gateway.example.com", 443), False),
        ("10.0.0.1:443", Address("10.0.0.1", 443), False),
    ],
)
def test_an_address_reads_and_prints_alike(text: str, address: Address, is_loopback: bool) -> None:
    assert Address.from_text(text) == address
    assert str(address) == text
    assert address.is_loopback is is_loopback


@pytest.mark.parametrize(
    "text", ["::ffff:127.0.0.1", "1.2.3.4.5:1", "-a:1", "a:-1", "a:+1", "a:\uff11"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|brackets"):
        Address.from_text(text)


def test_a_socket_in_a_deep_folder_has_a_relative_path_if_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.chdir(deep)
    assert Address.from_text("unix:a.sock", str(deep)) == Address(path="a.sock")
    monkeypatch.chdir("/")
    with pytest.raises(ValueError, match="up to 107 bytes"):
        Address.from_text("unix:a.sock", str(deep))
