"""Networks as sets of addresses, and the address behind proxies."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from jackfield.exchange import Request
from jackfield_virtual_keys.client_address import client_address
from jackfield_virtual_keys.networks import common, is_in, is_within, problem_of

ADDRESSES = [f"10.0.0.{last}" for last in range(16)]
NETWORKS = st.builds(
    lambda last, bits: str(ip_network(f"10.0.0.{last}/{bits}", strict=False)),
    st.integers(0, 15),
    st.integers(28, 32),
)
SETS = st.lists(NETWORKS, max_size=3).map(tuple)


def members(networks: tuple[str, ...]) -> set[str]:
    return {
        address
        for address in ADDRESSES
        if any(ip_address(address) in ip_network(network) for network in networks)
    }


@given(NETWORKS, SETS)
def test_a_network_is_within_others_exactly_when_its_addresses_are(
    network: str, allowed: tuple[str, ...]
) -> None:
    assert is_within(network, allowed) == (members((network,)) <= members(allowed))


@given(SETS, SETS)
def test_what_two_sets_share_is_exactly_that(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert members(common(one, other)) == members(one) & members(other)


def test_the_two_kinds_of_addresses_do_not_mix() -> None:
    assert not is_within("0.0.0.0/0", ("::/0",))
    assert common(("0.0.0.0/0",), ("::/0",)) == ()
    assert is_in("::ffff:10.0.0.1", ("10.0.0.0/8",))
    assert is_in("fe80::1%eth0", ("fe80::/10",))
    assert is_in("10.0.0.1", ("::ffff:10.0.0.0/104",))
    assert is_within("::ffff:10.1.0.0/112", ("10.0.0.0/8",))
    assert is_within("::/64", ("::/0",))
    assert not is_in("", ("0.0.0.0/0", "::/0"))


def test_a_socket_of_this_machine_is_loopback() -> None:
    assert is_in("unix", ("127.0.0.0/8",))
    assert not is_in("unix", ("10.0.0.0/8",))


@pytest.mark.parametrize("network", ["10.0.0.1/8", "300.0.0.0/8", "10.0.0.0/33", "home", ""])
def test_what_is_no_network_is_reported(network: str) -> None:
    assert problem_of(network)


def test_a_network_with_host_bits_is_shown_without_them() -> None:
    assert problem_of("10.0.0.1/8") == "has host bits set; write 10.0.0.0/8"
    assert problem_of("10.0.0.1") is None


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.2.3.4, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.2.3.4", "198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("10.0.0.1", ["10.0.0.9"], "10.0.0.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "unknown"),
    ],
)
def test_only_proxies_that_are_trusted_are_believed(
    peer: str, forwarded: list[str], address: str
) -> None:
    headers = CIMultiDict([("x-forwarded-for", line) for line in forwarded])
    request: Any = Request("GET", "/", "", CIMultiDictProxy(headers), b"", {}, peer)
    assert client_address(request, ("10.0.0.0/8",)) == address
    assert client_address(request, ()) == peer
