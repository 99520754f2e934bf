"""Models that the bodies of other endpoints name within: they are routed and renamed."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI

from jackfield.asgi import JackfieldASGI
from jackfield.errors import InvalidRequest
from jackfield.testing import FakeUpstream, run_gateway
from jackfield_openai.resource import ResourceDialect

RESOURCE = ResourceDialect()
FORM = "multipart/form-data; boundary=b"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def tables(upstream: FakeUpstream) -> str:
    """Of two providers the named one is the second."""
    table = '[providers.{}]\nuse = "openai"\nbase_url = "{}/v1"\n'
    return table.format("other", "http://127.0.0.1:9") + table.format("up", upstream.base_url)


def form(**fields: str) -> bytes:
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return "".join([*parts, "--b--\r\n"]).encode()


def session(model: str, transcriber: str) -> dict[str, Any]:
    audio = {"input": {"transcription": {"model": transcriber}}}
    return {"type": "realtime", "model": model, "audio": audio}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/realtime/client_secrets", {"session": session("{}gpt-realtime", "{}whisper-1")}),
        ("/realtime/transcription_sessions", {"input_audio_transcription": {"model": "{}w"}}),
        ("/evals/e/runs", {"name": "model", "data_source": {"type": "x", "model": "{}gpt-5"}}),
        ("/evals", {"testing_criteria": [{"type": "x"}, {"type": "label_model", "model": "{}g"}]}),
        ("/fine_tuning/alpha/graders/run", {"grader": {"type": "score_model", "model": "{}g"}}),
        (
            "/fine_tuning/jobs",
            {"model": "{}g", "method": {"reinforcement": {"grader": {"model": "{}h"}}}},
        ),
    ],
)
async def test_a_model_within_a_body_is_routed_and_renamed(
    upstream: FakeUpstream, path: str, body: dict[str, Any]
) -> None:
    upstream.reply(b"{}", headers={"Content-Type": "application/json"})
    text = json.dumps(body, indent=1)
    async with run_gateway(tables(upstream)) as gateway:
        answer = await gateway.post(
            f"/v1{path}",
            body=text.replace("{}", "up/").encode(),
            headers={"content-type": "application/json"},
        )
    assert (answer.status, upstream.requests[0].path) == (200, f"/v1{path}")
    assert upstream.requests[0].body == text.replace("{}", "").encode()


async def test_the_official_client_opens_a_call_with_the_model_of_its_session(
    upstream: FakeUpstream, tmp_path: Path
) -> None:
    upstream.reply(b"v=0", headers={"Content-Type": "application/sdp", "Location": "/v1/c/rtc_1"})
    config = tmp_path / "jackfield.toml"
    config.write_text(tables(upstream))
    async with JackfieldASGI(config) as gateway:
        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(gateway))
        async with AsyncOpenAI(
            base_url="http://localhost/v1", api_key="none", http_client=http
        ) as client:
            call = await client.realtime.calls.create(
                sdp="v=0", session={"type": "realtime", "model": "up/gpt-realtime"}
            )
            assert call.text == "v=0"
    sent = upstream.requests[0].body
    assert b'{"type":"realtime","model":"gpt-realtime"}' in sent
    assert b"up/" not in sent


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        ({"session": json.dumps(session("up/a", "up/a"))}, "up/a"),
        ({"session": json.dumps(session("up/a", "up/b"))}, None),
        ({"session": json.dumps(session("up/a", "up/a")), "model": "up/b"}, None),
        ({"session": "{}"}, None),
        ({"model": " up/b "}, "up/b"),
    ],
)
def test_a_form_names_a_model_only_if_it_names_one(
    fields: dict[str, str], model: str | None
) -> None:
    assert RESOURCE.peek_form(form(**fields), FORM, {}).model == model


def test_the_session_of_a_form_is_renamed_within() -> None:
    body = form(sdp="v=0", session='{ "model": "up/a" }', more="up/a")
    changed = RESOURCE.with_model(body, FORM, "up/a", "a")
    assert changed == form(sdp="v=0", session='{ "model": "a" }', more="up/a")


def test_a_session_that_can_be_read_in_two_ways_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        RESOURCE.peek_form(form(session='{"model": "a", "model": "b"}'), FORM, {})


def test_an_alias_leaves_other_models_alone() -> None:
    body = json.dumps({"session": session("fast", "whisper-1")}).encode()
    assert RESOURCE.with_model(body, "", "fast", "gpt") == body.replace(b"fast", b"gpt")
