"""A request that is refused before it is understood is refused in the dialect of its path."""

import pytest

from jackfield.testing import run_gateway

# Of both vendors there are paths below /v1; whose are offered first is the operator's choice.
DOORS = (["anthropic", "openai"], ["openai", "anthropic"])


@pytest.mark.parametrize("doors", DOORS, ids="-".join)
@pytest.mark.parametrize("body", [b"{bad", b'{"model": "fake/echo", "messages": "x"}', b"[]"])
async def test_each_vendors_clients_can_read_the_refusal(doors: list[str], body: bytes) -> None:
    async with run_gateway(f"[server]\nfront_doors = {doors}") as client:
        chat = await (await client.post("/v1/chat/completions", body=body)).json()
        messages = await (await client.post("/v1/messages", body=body)).json()
    assert set(chat) == {"error"}
    assert (messages["type"], messages["error"]["type"]) == ("error", "invalid_request_error")


async def test_what_nobody_serves_is_named_as_it_was_asked_for() -> None:
    async with run_gateway('[server]\nfront_doors = ["openai"]') as client:
        answer = await client.post("/v1/chat/completion", json={})
        assert "POST /v1/chat/completion;" in (await answer.json())["error"]["message"]
