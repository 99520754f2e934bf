"""Sets of client addresses as networks, with subset and intersection."""

from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from typing import Final

Networks = tuple[str, ...]
Network = IPv4Network | IPv6Network

_MAPPED_BITS: Final = 96
"""Bits before an IPv4 address that is dressed up as one of IPv6."""

LOOPBACK: Final = ("127.0.0.0/8", "::1/128")


def problem_of(network: str) -> str | None:
    """What is wrong with a network, or None."""
    try:
        whole = ip_network(network, strict=False)
    except ValueError:
        return "is no network; write it like 10.0.0.0/8 or 2001:db8::/32"
    begins = ip_address(network.partition("/")[0])
    return None if begins == whole.network_address else f"has host bits set; write {whole}"


@lru_cache(maxsize=1024)
def is_within(network: str, allowed: Networks) -> bool:
    """Whether all addresses of a network are allowed, by one network or several together."""
    left = _read(network)
    return any(_is_part(left, whole) for whole in _collapsed(allowed))


@lru_cache(maxsize=1024)
def common(one: Networks, other: Networks) -> Networks:
    """The networks of the addresses that are in both sets."""
    found: dict[str, None] = {}
    for left in _collapsed(one):
        for right in _collapsed(other):
            if _is_part(left, right):
                found[str(left)] = None
            elif _is_part(right, left):
                found[str(right)] = None
    return tuple(found)


@lru_cache(maxsize=8192)
def is_in(address: str, allowed: Networks) -> bool:
    """Whether an address is in one of the networks; a Unix socket counts as loopback."""
    if address == "unix":
        return any(is_within(loopback, allowed) for loopback in LOOPBACK)
    try:
        there = _plain(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    return any(
        network.version == there.version and there in network for network in _collapsed(allowed)
    )


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 address, also if a dual-stack socket has mapped it to IPv6."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=1024)
def _collapsed(networks: Networks) -> tuple[Network, ...]:
    read = [_read(text) for text in networks]
    fours = [network for network in read if isinstance(network, IPv4Network)]
    sixes = [network for network in read if isinstance(network, IPv6Network)]
    return (*collapse_addresses(fours), *collapse_addresses(sixes))


def _read(network: str) -> Network:
    """The network, as IPv4 if it is mapped to IPv6."""
    read = ip_network(network)
    plain = _plain(read.network_address)
    bits = read.prefixlen - _MAPPED_BITS
    if read.version == plain.version or bits < 0:
        return read
    return IPv4Network(f"{plain}/{bits}")


def _is_part(small: Network, large: Network) -> bool:
    if isinstance(small, IPv4Network):
        return isinstance(large, IPv4Network) and small.subnet_of(large)
    return isinstance(large, IPv6Network) and small.subnet_of(large)
