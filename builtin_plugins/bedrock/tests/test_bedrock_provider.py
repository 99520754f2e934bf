"""The provider behind a real HTTP upstream: its configuration, requests and signatures."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.errors import ConfigError
from jackfield.messages import Reasoning
from jackfield.proofs import seal
from jackfield.testing import FakeUpstream, GatewayClient, UpstreamReply, run_gateway
from jackfield_bedrock.endpoints import CONVERSE, INVOKE
from jackfield_bedrock.event_stream import encode_event, encode_exception

KEYS = {"ACCESS": "AKIAMADEUPFORTHETEST", "SECRET": "made-up-secret-access-key-of-forty-chars"}
CONFIGURED = 'credentials = { access_key = "env:ACCESS", secret_key = "env:SECRET" }'
STREAM = {"Content-Type": "application/vnd.amazon.eventstream"}
HI = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1%3A0"
CLAUDES = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
    "metrics": {"latencyMs": 1},
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def table(upstream: FakeUpstream, more: str = CONFIGURED) -> str:
    return f"""
[upstream]
retries = 0
[providers.up]
use = "bedrock"
region = "eu-central-1"
base_url = "{upstream.base_url}"
{more}
"""


def streamed(upstream: FakeUpstream, wire: bytes, size: int = 0) -> None:
    step = size or len(wire)
    parts = tuple(wire[at : at + step] for at in range(0, len(wire), step))
    upstream.always(UpstreamReply(200, parts, STREAM))


async def send_converse(gateway: GatewayClient, model: str = "up%2Famazon.nova-lite-v1%3A0") -> Any:
    return await gateway.post(f"/bedrock/model/{model}/converse", json=HI)


async def test_a_request_is_signed_as_aws_would_sign_it(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps(ANSWER).encode())
    async with run_gateway(table(upstream)) as gateway:
        assert (await send_converse(gateway)).status == 200
    (got,) = upstream.requests
    assert got.path == "/model/amazon.nova-lite-v1%3A0/converse"
    signed = AWSRequest("POST", upstream.base_url + got.path, data=got.body)
    signed.context["timestamp"] = got.headers["x-amz-date"]
    signed.headers["X-Amz-Date"] = got.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(KEYS["ACCESS"], KEYS["SECRET"]), "bedrock", "eu-central-1")
    canonical = signer.canonical_request(signed)
    signature = signer.signature(signer.string_to_sign(signed, canonical), signed)
    assert got.headers["authorization"].endswith(f"Signature={signature}")


async def test_a_clients_own_signature_is_never_passed_on(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps(ANSWER).encode())
    headers = {
        "authorization": "AWS4-HMAC-SHA256 Credential=client-token",
        "x-amz-security-token": "client-token",
        "x-amz-date": "20200101T000000Z",
        "x-amzn-bedrock-guardrailidentifier": "g-1",
    }
    async with run_gateway(table(upstream)) as gateway:
        path = "/bedrock/model/up%2Famazon.nova-lite-v1%3A0/converse"
        await gateway.post(path, json=HI, headers=headers)
    got = upstream.requests[0].headers
    assert b"client-token" not in upstream.requests[0].head
    assert got["x-amzn-bedrock-guardrailidentifier"] == "g-1"
    assert len(got.getall("x-amz-date")) == 1


async def test_a_key_that_the_provider_repeats_is_hidden(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps({"message": f"{KEYS['SECRET']} is no key"}).encode(), 400)
    async with run_gateway(table(upstream)) as gateway:
        body = await (await send_converse(gateway)).read()
    assert KEYS["SECRET"].encode() not in body
    assert b"is no key" in body


@pytest.mark.parametrize(
    "more", ['keys = ["env:SECRET"]', 'credentials = { bearer = "env:SECRET" }']
)
async def test_an_api_key_is_sent_as_it_is(upstream: FakeUpstream, more: str) -> None:
    upstream.reply(json.dumps(ANSWER).encode())
    async with run_gateway(table(upstream, more)) as gateway:
        await send_converse(gateway)
    got = upstream.requests[0].headers
    assert got.getall("authorization") == [f"Bearer {KEYS['SECRET']}"]
    assert "x-amz-date" not in got


async def test_a_profile_gives_the_credentials(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "credentials").write_text(
        "[work]\naws_access_key_id = AKIDOFTHEPROFILE\naws_secret_access_key = s\n"
        "aws_session_token = t\n"
    )
    upstream.reply(json.dumps(ANSWER).encode())
    async with run_gateway(table(upstream, 'credentials = { profile = "work" }')) as gateway:
        assert (await send_converse(gateway)).status == 200
    got = upstream.requests[0].headers
    assert "Credential=AKIDOFTHEPROFILE/" in got["authorization"]
    assert got["x-amz-security-token"] == "t"


async def test_without_credentials_nothing_is_sent(upstream: FakeUpstream) -> None:
    async with run_gateway(table(upstream, "")) as gateway:
        answer = await send_converse(gateway)
        assert answer.status == 502
        assert "no AWS credentials" in (await answer.json())["message"]
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("", "no region"),
        ('region = "r"\ncredentials = { access_key = "env:ACCESS" }', "go together"),
        ('region = "r"\ncredentials = { profile = "p", role_arn = "a" }', "set only one of"),
        ('region = "r"\ncredentials = { session_token = "env:ACCESS" }', "session_token goes"),
        ('region = "r"\ncredentials = { external_id = "e" }', "external_id goes"),
        ('region = "r"\ncredentials = { role_arn = "models" }', "role_arn looks like arn:aws:iam:"),
        ('region = "us-esat"', "region: 'us-esat' is not an AWS region such as us-east-1"),
        ('region = "US East"', "region: 'US East' is not an AWS region"),
    ],
)
async def test_what_cannot_be_is_refused_at_the_start(toml: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        async with run_gateway(f"[providers.bedrock]\n{toml}"):
            pytest.fail("it started")


@pytest.mark.parametrize(
    ("region", "domain"),
    [
        ("cn-north-1", "amazonaws.com.cn"),
        ("us-gov-west-1", "amazonaws.com"),
        ("us-isob-east-1", "sc2s.sgov.gov"),
        ("eusc-de-east-1", "amazonaws.eu"),
    ],
)
async def test_the_region_of_the_environment_will_do(
    monkeypatch: pytest.MonkeyPatch, region: str, domain: str
) -> None:
    monkeypatch.setenv("AWS_REGION", region)
    async with run_gateway("[providers.bedrock]") as gateway:
        config = gateway.plugin("bedrock").config
    assert config.base_url == f"https://bedrock-runtime.{region}.{domain}"
    assert config.region == region


@pytest.mark.parametrize(
    ("model", "converse"),
    [
        ("amazon.nova-lite-v1:0", True),
        ("arn:aws:bedrock:us-east-1:012345678901:application-inference-profile/abc", True),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", True),
        ("cohere.embed-v4:0", False),
    ],
)
async def test_models_are_called_in_the_dialects_that_they_take(
    upstream: FakeUpstream, model: str, converse: bool
) -> None:
    async with run_gateway(table(upstream)) as gateway:
        provider = gateway.plugin("up")
        assert provider.speaks(CONVERSE, model) is converse
        assert provider.speaks(INVOKE.variant({"model": model}), model)
        assert provider.lists(model)
        assert not provider.lists("gpt-5-mini")


async def test_a_model_by_its_arn_is_called_at_its_path(upstream: FakeUpstream) -> None:
    arn = "arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.anthropic.claude-x"
    encoded = arn.replace(":", "%3A").replace("/", "%2F")
    async with run_gateway(table(upstream)) as gateway:
        for path in (encoded, f"up%2F{encoded}", arn.replace(":", "%3A")):
            upstream.reply(json.dumps(ANSWER).encode())
            assert (await send_converse(gateway, path)).status == 200
    assert {request.path for request in upstream.requests} == {f"/model/{encoded}/converse"}


async def test_a_stream_that_breaks_off_is_no_whole_answer(upstream: FakeUpstream) -> None:
    begun = encode_event("messageStart", b'{"role":"assistant"}')
    failed = encode_exception("throttlingException", b'{"message":"Slow down"}')
    path = "/bedrock/model/up%2Famazon.nova-lite-v1%3A0/converse-stream"
    async with run_gateway(table(upstream)) as gateway:
        streamed(upstream, begun + failed)
        answer = await gateway.post(path, json=HI)
        assert (await answer.read()) == begun + failed
        streamed(upstream, begun)
        answer = await gateway.post(path, json=HI)
        assert b"internalServerException" in await answer.read()
        streamed(upstream, failed)
        answer = await gateway.post(path, json=HI)
        assert answer.headers["x-amzn-errortype"] == "ThrottlingException"
    kinds = [settled.outcome.kind for settled in gateway.settled]
    assert "answered" not in kinds


@pytest.mark.parametrize("kept", [1, 12, 40, -1])
async def test_a_cut_message_after_the_stop_reason_truncates_the_stream(
    upstream: FakeUpstream, kept: int
) -> None:
    events = encode_event("messageStart", b'{"role":"assistant"}')
    events += encode_event("messageStop", b'{"stopReason":"end_turn"}')
    usage = encode_event("metadata", b'{"usage":{"inputTokens":1,"outputTokens":1}}')
    path = "/bedrock/model/up%2Famazon.nova-lite-v1%3A0/converse-stream"
    async with run_gateway(table(upstream)) as gateway:
        streamed(upstream, events + usage[:kept])
        assert b"internalServerException" in await (await gateway.post(path, json=HI)).read()
        streamed(upstream, events)  # such as a guardrail's, which counts nothing
        assert await (await gateway.post(path, json=HI)).read() == events
    assert [settled.outcome.kind for settled in gateway.settled] == ["truncated", "answered"]


@pytest.mark.parametrize(
    ("operation", "tree", "member"),
    [
        ("chat/completions", {"messages": [{"role": "user", "content": "hi"}]}, "choices"),
        ("responses", {"input": "hi"}, "output"),
    ],
)
async def test_openais_client_is_served_where_aws_serves_it(
    upstream: FakeUpstream, operation: str, tree: dict[str, Any], member: str
) -> None:
    upstream.reply(json.dumps(ANSWER).encode())
    tree["model"] = "up/openai.gpt-oss-20b-1:0"
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post(f"/bedrock/openai/v1/{operation}", json=tree)
        assert member in await answer.json()
    assert upstream.requests[0].path == "/model/openai.gpt-oss-20b-1%3A0/converse"
    assert json.loads(upstream.requests[0].body)["messages"] == HI["messages"]


async def test_any_other_path_is_passed_through(upstream: FakeUpstream) -> None:
    upstream.reply(b'{"asyncInvokeSummaries":[]}')
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.get("/bedrock/async-invoke?maxResults=2")
        assert await answer.read() == b'{"asyncInvokeSummaries":[]}'
    assert upstream.requests[0].path == "/async-invoke?maxResults=2"


async def test_asynchronous_invocations_are_sent_to_the_model_in_the_body(
    upstream: FakeUpstream,
) -> None:
    upstream.reply(b'{"invocationArn":"arn:aws:bedrock:eu-central-1:1:async-invoke/a"}')
    request = {"modelId": "up/amazon.nova-reel-v1:1", "modelInput": {"taskType": "TEXT_VIDEO"}}
    async with run_gateway(table(upstream)) as gateway:
        assert (await gateway.post("/bedrock/async-invoke", json=request)).status == 200
    assert upstream.requests[0].path == "/async-invoke"
    assert json.loads(upstream.requests[0].body) == {**request, "modelId": "amazon.nova-reel-v1:1"}


async def test_another_vendors_thoughts_are_not_sent_to_bedrock(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps(ANSWER).encode())
    thought = {"reasoningText": {"text": "hm", "signature": "jackfield.e30="}}
    content = [{"reasoningContent": thought}, {"text": "Yes."}]
    tree = {"messages": [{"role": "assistant", "content": content}]}
    async with run_gateway(table(upstream)) as gateway:
        path = "/bedrock/model/up%2Famazon.nova-lite-v1%3A0/converse"
        await gateway.post(path, json=tree)
    sent = json.loads(upstream.requests[0].body)
    assert sent == {"messages": [{"role": "assistant", "content": [{"text": "Yes."}]}]}


async def test_claudes_own_form_is_sent_without_another_vendors_thoughts(
    upstream: FakeUpstream,
) -> None:
    upstream.reply(json.dumps(CLAUDES).encode())
    foreign = seal(Reasoning(encrypted="gAAA", extensions={"openai.responses": {}}))
    content = [
        {"type": "thinking", "thinking": "hm", "signature": foreign},
        {"type": "text", "text": "Yes."},
    ]
    turns: list[Any] = [{"role": "user", "content": "Hi"}]
    turns.append({"role": "assistant", "content": content})
    tree = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": turns}
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post(f"/bedrock/model/up%2F{CLAUDE}/invoke", json=tree)
    assert "reasoning.replay" in answer.headers["x-jackfield-loss"]
    turns[1]["content"] = content[1:]
    assert json.loads(upstream.requests[0].body) == tree


@pytest.mark.parametrize(
    ("model", "taken"),
    [
        (CLAUDE, ["interleaved-thinking-2025-05-14", "context-1m-2025-08-07"]),
        ("anthropic.claude-opus-4-7", ["interleaved-thinking-2025-05-14"]),
        ("amazon.nova-lite-v1%3A0", None),
    ],
)
async def test_betas_of_anthropics_clients_are_sent_to_models_that_know_them(
    upstream: FakeUpstream, model: str, taken: list[str] | None
) -> None:
    upstream.reply(json.dumps(ANSWER).encode())
    betas = "claude-code-20250219, context-1m-2025-08-07,interleaved-thinking-2025-05-14"
    turns = [{"role": "user", "content": "Hi"}]
    tree = {"model": f"up/{unquote(model)}", "max_tokens": 9, "messages": turns}
    door = '[providers.door]\nuse = "anthropic"'
    async with run_gateway(table(upstream, f"{CONFIGURED}\n{door}")) as gateway:
        headers = {"anthropic-beta": betas}
        answer = await gateway.post("/anthropic/v1/messages", json=tree, headers=headers)
        assert answer.status == 200, await answer.read()
    assert gateway.settled[0].outcome.usage is not None
    sent = json.loads(upstream.requests[0].body)
    assert sent.get("additionalModelRequestFields", {}).get("anthropic_beta") == taken


async def test_an_exceptions_name_is_read_from_awss_header(upstream: FakeUpstream) -> None:
    headers = {"x-amzn-errortype": "ServiceQuotaExceededException:http://internal.amazon.com/"}
    upstream.reply(b'{"message":"Your account has reached its limit."}', 400, headers=headers)
    async with run_gateway(table(upstream)) as gateway:
        answer = await send_converse(gateway)
    assert answer.headers["x-amzn-errortype"] == "ServiceQuotaExceededException"


OPERATIONS = {
    *("converse", "converse_stream", "invoke_model", "invoke_model_stream"),
    *("embeddings", "count_tokens", "guardrail"),
}


def recorded() -> list[Exchange]:
    return [
        exchange
        for exchange in exchanges(provider="bedrock")
        if exchange.operation in OPERATIONS and exchange.status == 200
    ]


async def replay(gateway: GatewayClient, upstream: FakeUpstream, exchange: Exchange) -> None:
    """Send a recorded request and have the recorded answer sent: both must arrive as they are."""
    path = exchange.request["path"].replace("/model/", "/model/up%2F")
    body = exchange.request["body"]
    sent = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if exchange.response["body_kind"] == "json":
        wanted, sizes = exchange.body, [0]
    else:
        wanted, sizes = b64decode(exchange.response["body"]["base64"]), [1, 7, 0]
    for size in sizes:
        if wanted == exchange.body:
            upstream.always(UpstreamReply(200, (wanted,), framing="length"))
        else:
            streamed(upstream, wanted, size)
        answer = await gateway.post(f"/bedrock{path}", body=sent)
        assert (answer.status, await answer.read()) == (200, wanted), exchange.id
        assert upstream.requests[-1].body == sent, exchange.id


@needs_corpus
async def test_recorded_traffic_passes_byte_for_byte(upstream: FakeUpstream) -> None:
    async with run_gateway(table(upstream)) as gateway:
        for exchange in recorded():
            if exchange.request["body_kind"] == "json":
                await replay(gateway, upstream, exchange)
    usages = [settled.outcome.usage for settled in gateway.settled]
    assert sum(usage is not None for usage in usages) > 150
