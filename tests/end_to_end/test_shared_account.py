"""Tenants share the provider's account: its headers are for all, an idempotency key for one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jackfield import Exchange, Plugin, Principal, hookimpl
from jackfield.errors import ConfigError
from jackfield.testing import FakeUpstream, run_gateway

ANSWER = b'{"object": "chat.completion", "choices": [{"message": {"content": "Hi"}}]}'
BODY = b'{"model": "openai/m", "messages": []}'
SECRET = "r7Kq2mVx9LwZ4tNbD3sF"


class Tenants(Plugin):
    """Takes callers at their word."""

    authenticates = True
    mutates = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        tenant = exchange.request.headers["x-tenant"]
        exchange.set_principal(Principal(tenant, permissions=frozenset({"*"})))


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def toml(upstream: FakeUpstream, headers: str = "{}") -> str:
    table = f'[providers.openai]\nbase_url = "{upstream.base_url}"\nheaders = {headers}\n'
    return f"{table}[plugins.tenants]"


async def test_an_idempotency_key_is_each_tenants_own_and_stays_the_same(
    upstream: FakeUpstream,
) -> None:
    sent = [("acme", "1"), ("acme", "1"), ("acme", "2"), ("globex", "1"), ("acme 1", ""), ("", "1")]
    async with run_gateway(toml(upstream), {"tenants": Tenants}) as client:
        for tenant, key in sent:
            upstream.reply(ANSWER)
            headers = {"idempotency-key": key, "x-tenant": tenant}
            answer = await client.post("/v1/chat/completions", body=BODY, headers=headers)
            assert answer.status == 200
    keys = [one.headers["idempotency-key"] for one in upstream.requests]
    assert keys[0] == keys[1]
    assert len({*keys}) == len({*sent})
    assert all(len(key) == 64 for key in keys)


async def test_a_header_may_be_a_secret_that_no_error_shows(
    upstream: FakeUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCOUNT", SECRET)
    (tmp_path / "pass").write_text("open sesame\n")
    (tmp_path / "pass").chmod(0o600)
    upstream.reply(b'{"error": {"message": "no account %b"}}' % SECRET.encode(), status=400)
    headers = '{ X-Account = "env:ACCOUNT", X-Pass = "file:pass", X-Title = "urn:of:title" }'
    async with run_gateway(
        toml(upstream, headers), {"tenants": Tenants}, directory=tmp_path
    ) as client:
        tenant = {"x-tenant": "acme"}
        answer = await client.post("/v1/chat/completions", body=BODY, headers=tenant)
    sent = upstream.requests[0].headers
    assert [sent[name] for name in ("x-account", "x-pass", "x-title")] == [
        *(SECRET, "open sesame", "urn:of:title")
    ]
    assert SECRET.encode() not in await answer.read()


async def test_a_header_whose_secret_is_missing_is_named(upstream: FakeUpstream) -> None:
    with pytest.raises(ConfigError, match=r":3:.*variable NOWHERE is not set"):
        async with run_gateway(toml(upstream, '{ X-Key = "env:NOWHERE" }'), {"tenants": Tenants}):
            """Not reached."""
