"""The ASGI application under real servers and inside a real framework."""

import http.client
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from jackfield.asgi import JackfieldASGI

from .conftest import open_sample

if TYPE_CHECKING:
    from kernel.tests.server.conftest import Host

UVICORN = ("uvicorn", "--port", "PORT", "--log-level", "error")
GRANIAN = ("granian", "--interface", "asgi", "--port", "PORT", "--no-log")
SERVERS = [
    (*UVICORN, "conftest:asgi_app"),
    (*UVICORN, "--http", "h11", "conftest:asgi_app"),
    (*GRANIAN, "conftest:asgi_app"),
]
MOUNTED = [
    (*UVICORN, "conftest:starlette_app"),
    (*UVICORN, "conftest:lazy_app"),
    (*GRANIAN, "conftest:starlette_app"),
]
NO_HEADERS: Mapping[str, str] = {}
each_server = pytest.mark.parametrize("command", SERVERS, ids=["httptools", "h11", "granian"])


def call(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
) -> tuple[int, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request(method, path, body, {"User-Agent": "probe", **headers})
    answer = client.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        client.close()


@each_server
def test_a_request_reaches_the_gateway_whole(host: "Host", command: tuple[str, ...]) -> None:
    port = host(*command)
    status, body = call(port, "POST", "/a%2Fb?c=d", b"x" * 100_000)
    seen = json.loads(body)
    assert status == 200
    assert (seen["method"], seen["path"], seen["query"]) == ("POST", "/a%2Fb", "c=d")
    assert (seen["size"], seen["agent"], seen["client"]) == (100_000, "probe", "127.0.0.1")


@each_server
def test_no_header_makes_a_client_one_of_a_unix_socket(
    host: "Host", command: tuple[str, ...]
) -> None:
    port = host(*command)
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        for value in ("unix", "for=unix", "unix, 127.0.0.1"):
            seen = json.loads(call(port, "GET", "/", headers={header: value})[1])
            assert seen["client"] in ("127.0.0.1", "unknown", "for=unknown")


@each_server
def test_errors_and_streams_pass(host: "Host", command: tuple[str, ...]) -> None:
    port = host(*command)
    assert call(port, "GET", "/refuse")[0] == 400
    assert call(port, "GET", "/empty") == (204, b"")
    assert call(port, "POST", "/small", b"x" * 2000)[0] == 413
    assert call(port, "GET", "/stream?5") == (200, b"data: part\n\n" * 5)


@each_server
@pytest.mark.parametrize("kind", ["whole", "stream", "number"])
def test_an_answer_with_a_header_that_cannot_be_sent_is_an_error(
    host: "Host", command: tuple[str, ...], kind: str
) -> None:
    status, body = call(host(*command), "GET", f"/unsafe?{kind}")
    assert (status, json.loads(body)["error"]) == (500, "internal_error")


@each_server
def test_a_refused_upload_can_still_read_why(host: "Host", command: tuple[str, ...]) -> None:
    assert call(host(*command), "POST", "/small", b"x" * 8_000_000)[0] == 413


@each_server
def test_what_no_server_should_pass_on_is_refused(host: "Host", command: tuple[str, ...]) -> None:
    port = host(*command)
    assert call(port, "TRACE", "/")[0] == 405
    assert call(port, "POST", "/", b"x", {"Content-Encoding": "gzip"})[0] == 415
    assert call(port, "POST", "/", b"x", {"Content-Encoding": "identity"})[0] == 200


@each_server
def test_a_client_that_leaves_aborts_the_request(host: "Host", command: tuple[str, ...]) -> None:
    port = host(*command)
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request("GET", "/endless")
    assert client.getresponse().read(4) == b"data"
    client.close()
    while not json.loads(call(port, "GET", "/seen")[1])["closed"]:
        continue
    assert json.loads(call(port, "GET", "/seen")[1])["aborted"]


@pytest.mark.parametrize("command", MOUNTED, ids=["lifespan", "lazy", "granian"])
def test_below_a_mount_the_path_is_the_gateways_own(host: "Host", command: tuple[str, ...]) -> None:
    port = host(*command)
    assert json.loads(call(port, "GET", "/llm/v1/chat")[1])["path"] == "/v1/chat"
    assert call(port, "GET", "/llm/stream?2") == (200, b"data: part\n\n" * 2)
    assert call(port, "GET", "/elsewhere")[0] == 404


def test_a_mount_may_have_a_path_that_urls_encode(host: "Host") -> None:
    port = host(*UVICORN, "conftest:starlette_app")
    seen = json.loads(call(port, "GET", "/of/caf%C3%A9%20acme/a%2Fb")[1])
    assert seen["path"] == "/a%2Fb"


async def test_lifespan_starts_and_stops_the_gateway() -> None:
    opened = Opened()
    app = JackfieldASGI(lambda: opened)
    sent = await run(app, {"type": "lifespan"}, ["lifespan.startup", "lifespan.shutdown"])
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert opened.log == ["start", "stop"]


async def test_a_gateway_that_cannot_start_fails_the_lifespan() -> None:
    app = JackfieldASGI(lambda: Opened(RuntimeError("no store")))
    with pytest.raises(RuntimeError, match="no store"):
        await run(app, {"type": "lifespan"}, ["lifespan.startup"])


def test_a_gateway_of_another_event_loop_says_so() -> None:
    gateway = JackfieldASGI(open_sample)
    client = TestClient(gateway)  # a loop for each request
    assert client.get("/").status_code == 200
    with pytest.raises(RuntimeError, match="with TestClient"):
        client.get("/")
    with TestClient(JackfieldASGI(open_sample)) as client:
        assert [client.get("/").status_code for _ in range(2)] == [200, 200]


class Opened:
    """A gateway's life, written down."""

    def __init__(self, error: Exception | None = None) -> None:
        self.log: list[str] = []
        self._error = error

    async def __aenter__(self) -> Any:
        if self._error is not None:
            raise self._error
        self.log.append("start")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.log.append("stop")


async def run(app: JackfieldASGI, scope: dict[str, Any], incoming: list[str]) -> list[str]:
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        return {"type": incoming.pop(0)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await app(scope, receive, send)
    return sent
