"""Tricks with the path: none leads to another endpoint, provider or permission than it says."""

import pytest
from tests.security.wire import Wire

from jackfield.endpoints import EndpointTable
from jackfield.errors import NotFound
from jackfield.testing import FakeUpstream
from jackfield_openai.endpoints import endpoints

TABLE = EndpointTable(endpoints())
DISGUISES = [
    "/v1/%6frganization/admin_api_keys",
    "/v1/organization%2fadmin_api_keys",
    "/v1/organization%2Fadmin_api_keys",
    "/v1//organization/admin_api_keys",
    "//v1/organization/admin_api_keys",
    "/v1/./organization/admin_api_keys",
    "/v1/%2e/organization/admin_api_keys",
    "/v1/files/../organization/admin_api_keys",
    "/v1/files/%2e%2e/organization/admin_api_keys",
    "/v1/files/.%2e/organization/admin_api_keys",
    "/v1/files%2f..%2forganization/admin_api_keys",
    "/v1/files%2f%2e%2e%2forganization%2fadmin_api_keys",
    "/v1/files/..%5corganization/admin_api_keys",
    "/v1/files/..\\organization\\admin_api_keys",
    "/v1/files/..;/organization/admin_api_keys",
    "/v1/files/%252e%252e/organization/admin_api_keys",
    "/v1/files/%252e%252e%252forganization/admin_api_keys",
    "/v1/%256frganization/admin_api_keys",
    "/v1/Organization/admin_api_keys",
    "/v1/ORGANIZATION/admin_api_keys",
    "/v1/organization;x=1/admin_api_keys",
    "/v1/organization%20/admin_api_keys",
    "/v1/organization./admin_api_keys",
    "/v1/organization%00/admin_api_keys",
    "/v1/organization%0a/admin_api_keys",
    "/v1/%c0%ae%c0%ae/organization/admin_api_keys",
]
CHAT_IN_DISGUISE = [
    "/v1/chat/completions/",
    "/v1/chat%2fcompletions",
    "/v1/chat//completions",
    "/v1/%63hat/completions",
    "/v1/Chat/Completions",
    "/v1/chat/completions;a=b",
    "/v1/chat/completions%20",
    "/v1/chat/completions.",
    "/v1/chat/completions%3bx",
    "/v1/chat/./completions",
    "/v1/x/../chat/completions",
    "/openai/v1/chat/completions/",
    "/openai/v1/%43hat/completions",
]
TARGETS = [
    *(b"/v1/../health", b"/v1/%2e%2e/%2e%2e/etc/passwd", b"//169.254.169.254/latest/meta-data"),
    *(b"@169.254.169.254/", b"http://169.254.169.254/v1/models", b"https://evil.example/v1/x"),
    *(b"http://evil.example@127.0.0.1/v1/models", b"*", b"evil.example:443", b"v1/models"),
    *(b"/\\169.254.169.254", b"/v1/x?url=http://169.254.169.254/", b"/v1/x#@evil.example"),
    *(
        b"/v1/%0d%0aX-Injected:%20yes",
        b"/v1/x%00",
        b"/v1/\xff\xfe",
        b"/v1/\xe2\x80\xae",
        b"/v1/x\t",
    ),
    *(
        b"file:///etc/passwd",
        b"gopher://127.0.0.1:6379/_x",
        b"/v1/x%0d%0a%0d%0aGET%20/",
        b"http://",
    ),
    *(b"http://[::1", b"http://[", b"/v1/[", b"/v1/%", b"/v1/%zz", b"/v1/" + b"a" * 9000),
]


@pytest.mark.parametrize("path", DISGUISES)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_guarded_path_in_disguise_stays_guarded(method: str, path: str) -> None:
    with pytest.raises(NotFound):
        TABLE.find(method, path)


@pytest.mark.parametrize("path", CHAT_IN_DISGUISE)
def test_a_chat_in_disguise_does_not_pass_for_something_unread(path: str) -> None:
    with pytest.raises(NotFound, match=r"is not served|There is no endpoint"):
        TABLE.find("POST", path)


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/v1/models/openai%2Fgpt-4o", {"model": "openai/gpt-4o"}),
        ("/v1/models/openai/gpt-4o", {"model": "openai/gpt-4o"}),
        ("/v1/files/file-AbC123/content", {"rest": "file-AbC123/content"}),
        ("/v1/vector_stores/vs_1/files", {"rest": "vector_stores/vs_1/files"}),
        ("/v1/models/ft:gpt-4o-mini:Acme::x", {"model": "ft:gpt-4o-mini:Acme::x"}),
    ],
)
def test_an_honest_path_with_escapes_and_capitals_works(path: str, param: dict[str, str]) -> None:
    assert TABLE.find("GET", path)[1] == param


@pytest.mark.parametrize("target", TARGETS)
async def test_a_strange_target_gets_an_error_or_stays_below_the_base_url(
    wire: Wire, upstream: FakeUpstream, target: bytes
) -> None:
    for method in ("GET", "POST"):
        reply = await wire.request(target, b"{}", method=method)
        assert 200 <= reply.status < 500, reply.raw
        assert "X-Injected" not in reply.headers
    for request in upstream.requests:
        assert request.path.startswith("/v1/")
        assert request.headers["host"] in upstream.base_url
        assert "/.." not in request.path
        assert request.head.count(b"\r\nHost:") == 1
