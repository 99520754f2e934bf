"""The client address of a request, also behind trusted proxies."""

from collections.abc import Sequence

from multidict import MultiMapping

from jackfield.exchange import Request

from .networks import Networks, is_in

_HEADER = "x-forwarded-for"


def client_address(request: Request, trusted: Networks) -> str:
    """The address of the nearest peer that is not a trusted proxy; "" if a proxy does not know it.

    Earlier addresses in the header may be forged.
    """
    if not trusted or not is_in(request.client, trusted):
        return request.client
    address = request.client
    for hop in reversed(_hops(request)):
        address = _without_port(hop)
        if not is_in(address, trusted):
            break
    return address


def _hops(request: Request) -> Sequence[str]:
    headers = request.headers
    lines = headers.getall(_HEADER, []) if isinstance(headers, MultiMapping) else []
    return [hop.strip() for line in lines for hop in line.split(",")]


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
