"""Connects a socket to a host name, through allowed addresses only."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from functools import cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import aiohappyeyeballs
from aiohappyeyeballs import AddrInfoType

from .failure import Failure

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# IETF protocol assignments and Azure's metadata service, which `is_global` counts as global.
_SPECIAL = (IPv4Network("192.0.0.0/24"), IPv4Network("168.63.129.16/32"))
_NEXT_ADDRESS_AFTER = 0.25
_MOST_LOOKUPS = 8


class Reach(Enum):
    """Which addresses an origin may lead to."""

    ANY = "any"
    PUBLIC = "public"
    LOOPBACK = "loopback"

    def allows(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether connecting to `address` is allowed."""
        if self is Reach.PUBLIC:
            return is_public(address)
        return self is Reach.ANY or address.is_loopback


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether `address` is on the public internet; an IPv4 address embedded in it counts too."""
    if isinstance(address, IPv4Address):
        special = address.is_multicast or any(address in network for network in _SPECIAL)
        return address.is_global and not special
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour is not None:
        return is_public(address.sixtofour)
    return address in _GLOBAL_UNICAST and address.is_global and address.teredo is None


@cache
def _threads_of(provider: str) -> ThreadPoolExecutor:
    """Threads to wait in for name servers, which may not answer, at nobody else's expense."""
    return ThreadPoolExecutor(_MOST_LOOKUPS, thread_name_prefix=f"names of {provider}")


async def resolve(host: str, port: int, reach: Reach, provider: str) -> list[AddrInfoType]:
    """The allowed addresses of `host`. Raises ProviderUnavailable if there are none."""
    lookup = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.get_running_loop().run_in_executor(_threads_of(provider), lookup)
    except (OSError, UnicodeError) as error:
        raise Failure.DNS.error(provider) from error
    allowed: list[AddrInfoType] = []
    for family, kind, protocol, name, address in found:
        if reach.allows(ip_address(address[0])):
            allowed.append((family, kind, protocol, name, address))
    if not allowed:
        raise (Failure.FORBIDDEN_ADDRESS if found else Failure.DNS).error(provider)
    return allowed


async def connect(host: str, port: int, reach: Reach, provider: str) -> socket.socket:
    """A socket connected to the first allowed address that accepts. Raises ProviderUnavailable."""
    addresses = await resolve(host, port, reach, provider)
    try:
        connected = await aiohappyeyeballs.start_connection(
            addresses, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER, interleave=1
        )
    except OSError as error:
        raise Failure.CONNECT.error(provider) from error
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected
