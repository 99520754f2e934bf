"""CR, LF, NUL and their kin stay inside: in no header, event or log line do they begin another."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.security.wire import CHAT, Wire

from jackfield import sse
from jackfield._answer_head import printable
from jackfield.testing import FakeUpstream, GatewayClient, UpstreamReply

BREAKS = [
    *("\r\nX-Injected: yes", "\nX-Injected: yes", "\rX-Injected: yes", "\r\n\r\n<h1>", "\0"),
    *("\r\n X-Injected: yes", "\n\tX-Injected: yes", "\v", "\f", "\x1b[2J", "\x7f", "\x85", "\x9b"),
    *("\u2028X-Injected: yes", "\u2029", "\u202e", "\r\n\r\ndata: {}\r\n\r\n"),
    *("\n\nevent: error\ndata: x\n\n", "\nid: 1", "\nretry: 1", "%0d%0aX-Injected: yes"),
]
HOSTILE = st.one_of(st.sampled_from(BREAKS), st.text(max_size=40), st.binary(max_size=20).map(str))


def log_lines(client: GatewayClient, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of both logs as the most eager of readers splits them."""
    records = [record.getMessage() for record in caplog.records]
    return [*client.log().rstrip("\n").split("\n"), *records]


@pytest.mark.parametrize("name", BREAKS)
async def test_a_name_of_a_model_breaks_nothing(
    wire: Wire, client: GatewayClient, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level("INFO")
    for path in (CHAT, "/v1/responses", "/v1/embeddings", "/v1/completions", "/v1/moderations"):
        for model in (f"openai/m{name}", f"{name}/m", f"m{name}"):
            reply = await wire.request(path, json.dumps({"model": model, "input": "x"}).encode())
            assert reply.status in (200, 400, 404, 502), reply.raw
            assert "x-injected" not in reply.headers
            assert reply.raw.count(b"HTTP/1.1") == 1
    assert all(len(line.splitlines()) <= 1 for line in log_lines(client, caplog))


@pytest.mark.parametrize("name", BREAKS)
async def test_an_id_of_a_request_is_a_plain_word_or_not_taken(
    client: GatewayClient, name: str
) -> None:
    for given_id in (f"req{name}", "a" * 129, "", "a b", "ключ"):
        answer = await client.get("/health", headers={"X-Request-Id": given_id})
        assert answer.headers["x-request-id"].startswith("req_")


async def test_a_path_breaks_no_log_line(
    wire: Wire, client: GatewayClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for name in BREAKS:
        escaped = "".join(f"%{byte:02x}" for byte in name.encode())
        await wire.request(f"/nowhere/{escaped}", method="GET")
        await client.get(f"/nowhere/{name}")
    assert all(len(line.splitlines()) <= 1 for line in log_lines(client, caplog))


@pytest.mark.parametrize("name", BREAKS)
async def test_what_a_provider_says_breaks_nothing(
    wire: Wire,
    client: GatewayClient,
    upstream: FakeUpstream,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    caplog.set_level("INFO")
    provider_error = {
        "message": f"m{name}",
        "type": f"t{name}",
        "code": f"c{name}",
        "param": f"p{name}",
    }
    reply = UpstreamReply(400, (json.dumps({"error": provider_error}).encode(),), framing="length")
    upstream.always(reply)
    for path in (CHAT, "/v1/responses"):
        answer = await wire.request(path, b'{"model": "m", "messages": [], "input": "x"}')
        assert answer.status == 400
        assert "x-injected" not in answer.headers
        assert answer.error["message"]
    assert all(len(line.splitlines()) <= 1 for line in log_lines(client, caplog))


@given(value=HOSTILE)
def test_a_value_made_printable_is_one_line_of_ascii(value: str) -> None:
    shown = printable(value)
    assert shown.isascii()
    assert len(shown.splitlines()) <= 1
    assert not shown or shown.isprintable()


@given(data=st.binary(max_size=200), name=st.text(st.characters(codec="utf-8"), max_size=10))
def test_an_encoded_event_is_one_event_whatever_it_holds(data: bytes, name: str) -> None:
    if "\r" in name or "\n" in name:
        with pytest.raises(ValueError, match="line break"):
            sse.encode(data, name)
        return
    encoded = sse.encode(data, name)
    assert len([event for event in sse.split(encoded) if event.strip()]) == 1
    assert sse.parse(encoded).event == name
    assert (sse.parse(encoded).data or b"").split() == data.split()


@given(model=HOSTILE)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_line_of_the_log_is_broken_by_a_word(model: str) -> None:
    from jackfield._access_log import word  # noqa: PLC0415 - private, and only here

    assert len(word(model).splitlines()) <= 1
    assert word(model).isascii()
