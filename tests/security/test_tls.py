"""A provider that cannot prove who it is gets no request, and no setting changes that."""

from pathlib import Path

import attrs
import pytest
from tests.faults.faultd import Faultd
from tests.faults.faultd.certificates import Certificates

from jackfield.http_provider import HttpConfig
from jackfield.settings import Settings
from jackfield.testing import Answer, run_gateway

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


async def send(base_url: str, ca_file: Path | None) -> Answer:
    trust = f'ca_file = "{ca_file}"' if ca_file else ""
    table = f'[upstream]\nretries = 0\n[providers.openai]\nbase_url = "{base_url}"\n{trust}'
    async with run_gateway(table) as gateway:
        return await gateway.post("/v1/chat/completions", json=REQUEST)


@pytest.mark.parametrize("mode", ["expired", "wrong-host", "untrusted"])
async def test_a_certificate_that_proves_nothing_is_refused(tmp_path: Path, mode: str) -> None:
    certificates = Certificates(tmp_path)
    async with Faultd(tls=certificates.server_context(mode)) as upstream:
        answer = await send(upstream.base_url, certificates.ca_file)
        error = (await answer.json())["error"]
        assert (answer.status, error["code"]) == (502, "upstream_tls")
        assert "127.0.0.1" not in error["message"]
        assert upstream.ledger.records == []


async def test_an_authority_that_the_system_does_not_know_is_refused(tmp_path: Path) -> None:
    async with Faultd(tls=Certificates(tmp_path).server_context("good")) as upstream:
        answer = await send(upstream.base_url, None)
        assert (await answer.json())["error"]["code"] == "upstream_tls"


async def test_an_authority_in_ca_file_is_trusted(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    async with Faultd(tls=certificates.server_context("good")) as upstream:
        assert (await send(upstream.base_url, certificates.ca_file)).status == 200


async def test_plain_text_in_the_place_of_tls_is_refused() -> None:
    async with Faultd(handshake="plain") as upstream:
        answer = await send(upstream.base_url.replace("http:", "https:"), None)
        assert (await answer.json())["error"]["code"] == "upstream_tls"


def test_no_setting_has_a_name_that_switches_verification_off() -> None:
    names = {field.name for cls in (HttpConfig, Settings) for field in attrs.fields(cls)}
    assert not [name for name in names if "verify" in name or "insecure" in name]
