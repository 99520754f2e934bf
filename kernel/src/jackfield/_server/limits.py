"""How much a server takes from its clients, and for how long it waits for them."""

from attrs import frozen


@frozen(kw_only=True)
class Limits:
    """Sizes in bytes, times in seconds; the limit of a body is the endpoint's own.

    `head_bytes` is the request line and all header fields together. `head_seconds` runs from the
    connect and anew from a request's first byte. A body has `body_seconds`, and one second more
    for each `body_rate` bytes that have come. Nobody knows yet who sends it: once the bodies that
    are coming have `bodies` bytes together, large ones are shed. `write_seconds` is for a client
    that does not read while more than `write_buffer` bytes wait for it. `linger_seconds` is how
    long a refused client may go on sending before it is cut off, so that it can read the answer.
    `greeting_seconds` is what a client that connected just before draining has to send its request.
    `ping_seconds` is for how long nothing may come over a WebSocket before its client is asked for
    a sign of life, and how long it then has for one.

    `connections_per_client` is off (0) by default: callers behind one proxy or NAT share an
    address, so only who runs the gateway knows a right number. `max_lag` is how late the event
    loop may run, twice in a row, before requests are shed; 0 turns that off. `sweep_seconds` is
    how often deadlines and lag are looked at, hence how late a deadline may be.
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
