"""The line that an operator reads of each exchange."""

import socket

import msgspec

from jackfield._access_log import json_line
from jackfield.testing import FakeUpstream, run_gateway

CHAIN = """\
[providers.absent]
use = "openai"
base_url = "http://127.0.0.1:{port}/v1"
[providers.nowhere]
use = "openai"
base_url = "http://nowhere.invalid/v1"
allow_http = true
[models.chain]
targets = ["absent/m"]
fallbacks = ["nowhere/m", "demo/chat"]
[providers.demo]
[upstream]
retries = 0
"""
CHAT = {"model": "chain", "messages": [{"role": "user", "content": "Hello"}]}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


async def test_the_attempts_that_failed_are_logged_with_their_causes() -> None:
    async with run_gateway(CHAIN.format(port=free_port())) as client:
        answer = await client.post("/v1/chat/completions", json=CHAT)
        assert answer.status == 200
        line = client.log()
        (settled,) = client.settled
        facts = msgspec.json.decode(json_line(settled.exchange, settled.outcome))
    failed = (
        "absent/m 502 provider_unavailable ConnectionRefusedError;"
        " nowhere/m 502 provider_unavailable gaierror"
    )
    assert f'target=demo/chat attempts=3 failed_attempts="{failed}"' in line
    assert facts["failed_attempts"] == failed


async def test_a_request_without_a_failed_attempt_has_nothing_to_say_of_it() -> None:
    async with run_gateway("[providers.demo]") as client:
        await client.post("/v1/chat/completions", json={**CHAT, "model": "demo/chat"})
        assert "failed_attempts" not in client.log()


async def test_the_log_has_the_providers_status_where_the_caller_gets_another() -> None:
    async with FakeUpstream() as upstream:
        api = f'[providers.api]\nuse = "openai"\nbase_url = "{upstream.base_url}"\n'
        async with run_gateway(f"[upstream]\nretries = 0\n{api}") as client:
            for status in (401, 402, 403, 302, 502):
                upstream.reply(b"{}", status=status)
                answer = await client.post("/v1/chat/completions", json={**CHAT, "model": "api/m"})
                assert answer.status == 502
                assert "status=502 outcome=failed error=provider_error" in client.log()
                assert f'failed_attempts="api/m {status} provider_error"' in client.log()
