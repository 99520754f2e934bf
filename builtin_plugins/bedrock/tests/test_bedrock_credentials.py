"""Credentials that AWS's library finds, and what becomes of them when they expire."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.credentials import RefreshableCredentials  # type: ignore[import-untyped]

from jackfield import Plugin, Setup
from jackfield.errors import ProviderError, ProviderUnavailable
from jackfield.secrets import Secret
from jackfield.testing import FakeUpstream, run_gateway
from jackfield.tokens import Tokens
from jackfield_bedrock.credentials import Credentials
from jackfield_bedrock.model_list import listed_models
from jackfield_bedrock.signing import Signer, fixed_keys, found_credentials

EXPIRED = b'{"message":"The security token included in the request is expired"}'
ROLE = "arn:aws:iam::123456789012:role/models"
ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>AKIDOFTHEROLE</AccessKeyId>
<SecretAccessKey>s</SecretAccessKey><SessionToken>of the role</SessionToken>
<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


async def test_a_role_is_assumed_with_what_the_chain_finds(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOFTHECHAIN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", upstream.base_url)
    upstream.reply(ASSUMED.encode(), headers={"Content-Type": "text/xml"}, framing="close")
    config = Credentials(role_arn=ROLE, external_id="our-id")
    signer = Signer("up", "eu-central-1", lambda: found_credentials(config, "eu-central-1"), hide)
    await signer.sign("POST", "https://example.com/a", b"{}")
    headers = dict(await signer.sign("POST", "https://example.com/b", b"{}"))
    assert "Credential=AKIDOFTHEROLE/" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "of the role"
    (request,) = upstream.requests
    assert "Credential=AKIDOFTHECHAIN/" in request.headers["authorization"]
    form = parse_qs(request.body.decode())
    assert (form["RoleArn"], form["ExternalId"]) == ([ROLE], ["our-id"])


async def test_the_role_of_a_profile_is_assumed_in_the_providers_region(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", upstream.base_url)
    keys = "aws_access_key_id = AKIDOFTHEBASE\naws_secret_access_key = s"
    role = "role_arn = arn:aws-cn:iam::123456789012:role/models\nsource_profile = base"
    (tmp_path / "config").write_text(f"[profile base]\n{keys}\n[profile models]\n{role}\n")
    upstream.reply(ASSUMED.encode(), headers={"Content-Type": "text/xml"}, framing="close")
    config = Credentials(profile="models")
    signer = Signer("up", "cn-north-1", lambda: found_credentials(config, "cn-north-1"), hide)
    await signer.sign("POST", "https://example.com/a", b"{}")
    assert "/cn-north-1/sts/" in upstream.requests[0].headers["authorization"]


def hide(name: str, secret: Secret) -> None:
    """Nothing needs hiding in these tests."""


def expiring(refreshed: list[str], minutes: int = 1440) -> Callable[[], RefreshableCredentials]:
    """Credentials that have but a minute left, and some more each time that they are refreshed."""

    def metadata(minutes: int) -> dict[str, str]:
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        keys = {"access_key": f"AKID{len(refreshed)}", "secret_key": "s", "token": "t"}
        return {**keys, "expiry_time": until.isoformat()}

    def refresh() -> dict[str, str]:
        refreshed.append("again")
        return metadata(minutes)

    return lambda: RefreshableCredentials.create_from_metadata(metadata(1), refresh, "test")


async def test_credentials_are_refreshed_before_they_expire() -> None:
    refreshed: list[str] = []
    signer = Signer("up", "eu-central-1", expiring(refreshed), hide)
    for _ in range(3):
        headers = dict(await signer.sign("POST", "https://example.com/a", b"{}"))
        assert "Credential=AKID1/" in headers["Authorization"]
    assert refreshed == ["again"]


async def test_requests_go_on_with_what_is_good_while_it_cannot_be_renewed() -> None:
    threads: list[str] = []

    def metadata(minutes: int) -> dict[str, str]:
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        keys = {"access_key": "AKIDGOOD", "secret_key": "s", "token": "t"}
        return {**keys, "expiry_time": until.isoformat()}

    def refresh() -> dict[str, str]:
        threads.append(current_thread().name)
        raise OSError("the token service is down")

    create = RefreshableCredentials.create_from_metadata
    signer = Signer("up", "r", lambda: create(metadata(12), refresh, "test"), hide)
    for _ in range(3):
        headers = dict(await signer.sign("POST", "https://example.com/a", b"{}"))
        assert "Credential=AKIDGOOD/" in headers["Authorization"]
    assert len(threads) == 1
    assert threads[0] != main_thread().name


async def test_keys_that_never_live_long_serve_more_than_one_request() -> None:
    refreshed: list[str] = []
    signer = Signer("up", "r", expiring(refreshed, minutes=10), hide)
    for _ in range(3):
        await signer.sign("POST", "https://example.com/a", b"{}")
    assert refreshed == ["again"]


async def test_keys_that_aws_no_longer_knows_are_looked_for_again(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def write(key: str) -> None:
        lines = f"aws_access_key_id={key}\naws_secret_access_key=s\naws_session_token=of {key}"
        (tmp_path / "credentials").write_text(f"[default]\n{lines}\n")

    now = 0.0
    monkeypatch.setattr("jackfield_bedrock.signing.Tokens", partial(Tokens, clock=lambda: now))
    write("AKIDOLD")
    toml = f"[providers.up]\nuse='bedrock'\nregion='eu-west-1'\nbase_url='{upstream.base_url}'"
    async with run_gateway(f"[upstream]\nretries=0\n{toml}") as gateway:
        for at, answers in ((0.0, [(b"{}", 200)]), (20.0, [(EXPIRED, 403), (b"{}", 200)])):
            now = at
            for body, status in answers:
                upstream.reply(body, status)
            answer = await gateway.post("/bedrock/model/up%2Fmistral.m/invoke", json={})
            assert answer.status == 200
            write("AKIDNEW")
    used = [request.headers["x-amz-security-token"] for request in upstream.requests]
    assert used == ["of AKIDOLD", "of AKIDOLD", "of AKIDNEW"]


async def test_a_secret_in_the_place_of_its_key_is_refused_once() -> None:
    signer = Signer("up", "r", lambda: fixed_keys(Secret("ab/cd/ef"), Secret("s"), None), hide)
    headers = dict(await signer.sign("POST", "https://example.com/", b""))
    assert not signer.forget(headers)


async def test_credentials_that_cannot_be_had_are_the_providers_error() -> None:
    def find() -> Any:
        raise OSError("no route to the metadata service")

    with pytest.raises(ProviderError, match="No AWS credentials could be obtained") as caught:
        await Signer("up", "r", find, hide).sign("POST", "https://example.com/", b"")
    assert "route" not in caught.value.message


class Probe(Plugin):
    """Opens the way to a control plane."""

    url = ""

    async def start(self, setup: Setup) -> None:
        self.control = setup.origin("control", self.url)


async def test_the_models_of_the_region_are_listed(upstream: FakeUpstream) -> None:
    class Near(Probe):
        url = upstream.base_url

    listing = {"modelSummaries": [{"modelId": "amazon.nova-lite-v1:0", "modelName": "Nova Lite"}]}
    async with run_gateway("[plugins.near]", {"near": Near}) as gateway:
        control = gateway.plugin("near").control
        upstream.reply(json.dumps(listing).encode())
        assert await listed_models(control, [("X-Key", "k")]) == ["amazon.nova-lite-v1:0"]
        for body, status in ((b"{}", 200), (b"no", 403)):
            upstream.reply(body, status)
            with pytest.raises(ProviderUnavailable, match="Its list of models"):
                await listed_models(control, [])
    assert upstream.requests[0].path == "/foundation-models"
    assert upstream.requests[0].headers["x-key"] == "k"
