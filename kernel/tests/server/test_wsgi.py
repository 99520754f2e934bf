"""The WSGI application under gunicorn and inside Flask."""

import http.client
import io
import json
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from jackfield.wsgi import JackfieldWSGI

from .conftest import open_sample

if TYPE_CHECKING:
    from kernel.tests.server.conftest import Host

GUNICORN = ("gunicorn", "--bind", "127.0.0.1:PORT", "--threads", "4", "--log-level", "critical")
FORKED = (*GUNICORN, "--preload", "--workers", "2", "conftest:wsgi_app")
ALONE = (*GUNICORN, "conftest:wsgi_app")
MOUNTED = (*GUNICORN, "conftest:flask_app")


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request(method, path, body, {"User-Agent": "probe"})
    answer = client.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        client.close()


@pytest.mark.parametrize("command", [ALONE, FORKED], ids=["one worker", "preloaded and forked"])
def test_a_request_reaches_the_gateway_whole(host: "Host", command: tuple[str, ...]) -> None:
    port = host(*command)
    for _ in range(4):
        status, body = ask(port, "POST", "/a%20b?c=d", b"x" * 100_000)
        seen = json.loads(body)
        assert status == 200
        assert (seen["method"], seen["path"], seen["query"]) == ("POST", "/a%20b", "c=d")
        assert (seen["size"], seen["agent"], seen["client"]) == (100_000, "probe", "127.0.0.1")


def test_errors_and_streams_pass(host: "Host") -> None:
    port = host(*ALONE)
    assert ask(port, "GET", "/refuse")[0] == 400
    assert ask(port, "GET", "/empty") == (204, b"")
    assert ask(port, "POST", "/small", b"x" * 2000)[0] == 413
    assert ask(port, "GET", "/stream?5") == (200, b"data: part\n\n" * 5)


@pytest.mark.parametrize("kind", ["whole", "stream", "number"])
def test_an_answer_with_a_header_that_cannot_be_sent_is_an_error(host: "Host", kind: str) -> None:
    status, body = ask(host(*ALONE), "GET", f"/unsafe?{kind}")
    assert (status, json.loads(body)["error"]) == (500, "internal_error")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_refused_upload_can_still_read_why(host: "Host", chunked: bool) -> None:
    client = http.client.HTTPConnection("127.0.0.1", host(*ALONE), timeout=10)
    parts = [b"x" * 1_000_000] * 8
    client.request("POST", "/small", iter(parts) if chunked else b"".join(parts))
    assert client.getresponse().status == 413
    client.close()


def test_a_chunked_body_is_read(host: "Host") -> None:
    port = host(*ALONE)
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request("POST", "/", iter([b"ab", b"cd"]), encode_chunked=True)
    assert json.loads(client.getresponse().read())["body"] == "abcd"
    client.close()


def test_a_body_that_ends_early_is_no_request(host: "Host") -> None:
    port = host(*ALONE)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"POST /cut HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        client.shutdown(socket.SHUT_WR)
        assert client.makefile("rb").readline().startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("sent", "status", "body"),
    [
        ({"REQUEST_METHOD": "TRACE"}, "405 Method Not Allowed", True),
        ({"HTTP_CONTENT_ENCODING": "gzip"}, "415 Unsupported Media Type", True),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, "411 Length Required", True),
        ({"REQUEST_METHOD": "HEAD"}, "200 OK", False),
    ],
)
def test_what_no_server_has_to_look_at_is_looked_at(
    sent: dict[str, Any], status: str, body: bool
) -> None:
    with closing(JackfieldWSGI(open_sample)) as application:
        answers: list[str] = []
        environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", **sent}
        parts = application(environ, lambda status, headers: answers.append(status))
    assert (answers, bool(b"".join(parts))) == ([status], body)


def test_no_header_makes_a_client_one_of_a_unix_socket() -> None:
    with closing(JackfieldWSGI(open_sample)) as gateway:
        client = Client(ProxyFix(gateway))
        seen = client.get("/", headers={"X-Forwarded-For": "unix"}).get_json()
        assert seen["client"] == "unknown"
        assert client.get("/", environ_overrides={"REMOTE_ADDR": ""}).get_json()["client"] == "unix"


@pytest.mark.parametrize("length", ["-1", "+1", "1.0", "a", "٣", "9" * 5000])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    sent = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": length, "wsgi.input": io.BytesIO(b"abc")}
    with closing(JackfieldWSGI(open_sample)) as application:
        statuses: list[str] = []
        application(sent, lambda status, headers: statuses.append(status))
    assert statuses == ["400 Bad Request"]


def test_a_broken_stream_never_ends_cleanly(host: "Host") -> None:
    port = host(*ALONE)
    with pytest.raises(http.client.IncompleteRead):
        ask(port, "GET", "/broken")


def test_a_client_that_leaves_a_stream_aborts_the_request(host: "Host") -> None:
    port = host(*ALONE)
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request("GET", "/flood")
    assert client.getresponse().read(4) == b"xxxx"
    client.close()
    while not json.loads(ask(port, "GET", "/seen")[1])["closed"]:
        continue
    assert json.loads(ask(port, "GET", "/seen")[1])["aborted"]


def test_below_a_mount_the_path_is_the_gateways_own(host: "Host") -> None:
    port = host(*MOUNTED)
    assert json.loads(ask(port, "GET", "/llm/v1/chat")[1])["path"] == "/v1/chat"
    assert ask(port, "GET", "/llm/stream?2") == (200, b"data: part\n\n" * 2)
    assert ask(port, "GET", "/elsewhere")[0] == 404
