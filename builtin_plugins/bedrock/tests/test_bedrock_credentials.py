"""Credentials that AWS's library finds, and what becomes of them when they expire."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.credentials import RefreshableCredentials  # type: ignore[import-untyped]

from jackfield import Plugin, Setup
from jackfield.errors import ProviderError, ProviderUnavailable
from jackfield.testing import FakeUpstream, run_gateway
from jackfield_bedrock.credentials import Credentials
from jackfield_bedrock.model_list import listed_models
from jackfield_bedrock.signing import Signer, found_credentials

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
    signer = Signer("up", "eu-central-1", lambda: found_credentials(config, "eu-central-1"))
    await signer.sign("POST", "https://example.com/a", b"{}")
    headers = dict(await signer.sign("POST", "https://example.com/b", b"{}"))
    assert "Credential=AKIDOFTHEROLE/" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "of the role"
    (asked,) = upstream.requests
    assert "Credential=AKIDOFTHECHAIN/" in asked.headers["authorization"]
    form = parse_qs(asked.body.decode())
    assert (form["RoleArn"], form["ExternalId"]) == ([ROLE], ["our-id"])


def expiring(refreshed: list[str]) -> Callable[[], RefreshableCredentials]:
    """Credentials that have but a minute left, and are for a day once they were refreshed."""

    def metadata(minutes: int) -> dict[str, str]:
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        keys = {"access_key": f"AKID{len(refreshed)}", "secret_key": "s", "token": "t"}
        return {**keys, "expiry_time": until.isoformat()}

    def refresh() -> dict[str, str]:
        refreshed.append("again")
        return metadata(1440)

    return lambda: RefreshableCredentials.create_from_metadata(metadata(1), refresh, "test")


async def test_credentials_are_refreshed_before_they_expire() -> None:
    refreshed: list[str] = []
    signer = Signer("up", "eu-central-1", expiring(refreshed))
    for _ in range(3):
        headers = dict(await signer.sign("POST", "https://example.com/a", b"{}"))
        assert "Credential=AKID1/" in headers["Authorization"]
    assert refreshed == ["again"]


async def test_credentials_that_cannot_be_had_are_the_providers_error() -> None:
    def find() -> Any:
        raise OSError("no route to the metadata service")

    with pytest.raises(ProviderError, match="AWS credentials cannot be had") as caught:
        await Signer("up", "r", find).sign("POST", "https://example.com/", b"")
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
