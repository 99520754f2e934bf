"""Where nobody authenticates, no web page may ask: not by another name, not from elsewhere."""

import pytest
from tests.security.wire import Wire

FOREIGN_HOSTS = [
    *(
        "evil.example",
        "evil.example:4747",
        "127.evil.example",
        "127.0.0.1.nip.io",
        "127.0.0.1.evil",
    ),
    *("localhost.evil.example", "evil.example@localhost", "localhost@evil.example", "10.0.0.7"),
    *("169.254.169.254", "[fe80::1]", "[::1", "[::1]evil.example", "::1", "", " ", "localhost/x"),
    *(
        "0x7f000001",
        "2130706433",
        "127.1",
        "localhost,evil.example",
        "0.0.0.0",
        "[::ffff:10.0.0.1]",
    ),
]
OWN_HOSTS = ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:4747", "127.8.9.1", "[::1]:4747"]
FOREIGN_ORIGINS = [
    *("https://evil.example", "null", "http://127.0.0.1.evil.example", "http://localhost.evil"),
    *("http://evil.example:80", "file://", "chrome-extension://abcdef", "http://[", "http://"),
    *("http://localhost@evil.example", "http://192.168.0.1", "localhost", "data:"),
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("target", ["/v1/models", "/health", "/nowhere", "/jackfield/explain"])
async def test_a_request_under_a_foreign_name_is_refused(
    wire: Wire, host: str, target: str
) -> None:
    reply = await wire.request(target, headers={"Host": host}, method="GET")
    assert reply.status in (400, 403), reply.raw


async def test_a_request_without_a_host_or_with_two_is_refused(wire: Wire) -> None:
    for hosts in (b"", b"Host: localhost\r\nHost: evil.example\r\n"):
        head = b"GET /v1/models HTTP/1.1\r\n%bConnection: close\r\n\r\n" % hosts
        assert (await wire.send(head)).status in (400, 403)
    assert (await wire.send(b"GET /v1/models HTTP/1.0\r\n\r\n")).status in (400, 403)


@pytest.mark.parametrize("host", OWN_HOSTS)
async def test_a_request_under_a_name_of_this_machine_is_served(wire: Wire, host: str) -> None:
    assert (await wire.request("/health", headers={"Host": host}, method="GET")).status == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_page_from_elsewhere_is_refused(wire: Wire, origin: str) -> None:
    reply = await wire.request(body=b'{"model": "m", "messages": []}', headers={"Origin": origin})
    assert reply.status == 403
    assert reply.error["code"] == "forbidden"


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:1"])
async def test_a_page_from_this_machine_is_served(wire: Wire, origin: str) -> None:
    reply = await wire.request("/health", headers={"Origin": origin}, method="GET")
    assert reply.status == 200


async def test_a_page_that_embeds_the_gateway_is_refused(wire: Wire) -> None:
    for site in ("cross-site", "same-site"):
        reply = await wire.request("/v1/models", headers={"Sec-Fetch-Site": site}, method="GET")
        assert reply.status == 403


async def test_no_answer_invites_a_page(wire: Wire) -> None:
    preflight = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    for method in ("OPTIONS", "GET", "POST"):
        for target in ("/v1/chat/completions", "/v1/models", "/health", "/nowhere"):
            reply = await wire.request(target, b"{}", preflight, method)
            assert not [name for name in reply.headers if name.lower().startswith("access-control")]
