"""Limits on what a server accepts from its clients, and on how long it waits for them."""

import os
import resource
from contextlib import suppress
from itertools import accumulate, product
from pathlib import Path

from attrs import frozen

_FILES = 65_536
# Where versions 2 and 1 of control groups keep the limit of one of them, in bytes.
_LIMITS = ("/sys/fs/cgroup{}/memory.max", "/sys/fs/cgroup/memory{}/memory.limit_in_bytes")


@frozen(kw_only=True)
class Limits:
    """Sizes in bytes, times in seconds; the limit of a body belongs to its endpoint.

    `head_bytes` covers the request line and all header fields. `head_seconds` runs from the
    connect, and again from each request's first byte. A body has `body_seconds`, and one second
    more for each `body_rate` bytes that have arrived. Its sender is not authenticated yet, so large
    bodies are shed once all incoming ones exceed `bodies` bytes together, none may be larger, and
    none has more than `body_seconds` while they exceed half of that. `write_seconds` is for a
    client that does not read while more than `write_buffer` bytes wait for it. `linger_seconds` is
    how long a refused client may go on sending before it is cut off, so that it can read the
    answer. `greeting_seconds` is what a client that connected just before draining has to send its
    request. `ping_seconds` is how long a WebSocket may be silent before its client is pinged, and
    how long the client then has to reply.

    `connections_per_client` is off (0) by default: callers behind one proxy or NAT share an
    address, so only the operator knows the right number. `max_lag` is how late the event loop may
    run, twice in a row, before requests are shed; 0 turns that off. `sweep_seconds` is how often
    deadlines and lag are checked, and so how late a deadline may be enforced.
    """

    head_bytes: int = 16 * 1024
    headers: int = 100
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    body_rate: int = 1024
    bodies: int = 1 << 30
    idle_seconds: float = 75.0
    write_seconds: float = 30.0
    write_buffer: int = 32 * 1024
    linger_seconds: float = 2.0
    greeting_seconds: float = 0.5
    ping_seconds: float = 20.0
    connections: int = 4000
    connections_per_client: int = 0
    requests: int = 5000
    max_lag: float = 0.5
    sweep_seconds: float = 0.25
    backlog: int = 4096


def usable_memory(root: str = "") -> int:
    """Bytes that this process may use: the machine's, or what its control groups allow if less."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    with suppress(OSError):  # only Linux has control groups
        for line in Path(f"{root}/proc/self/cgroup").read_text().splitlines():
            names = line.split(":", 2)[2].rstrip("/").split("/")
            for group, limit in product(accumulate(names, "{}/{}".format), _LIMITS):
                with suppress(OSError, ValueError):  # it has none, or says "max"
                    sizes.append(int(Path(root + limit.format(group)).read_text()))
    return min(sizes)


def raise_file_limit() -> int:
    """Let this process open as many files as the system allows, up to 65,536; how many it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
