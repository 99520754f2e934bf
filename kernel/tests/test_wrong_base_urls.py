"""A client with a wrong base URL learns which path it has requested."""

import pytest

from jackfield import Exchange, Plugin, Principal, hookimpl
from jackfield.testing import GatewayClient, run_gateway

CHAT = {"model": "fake/echo", "messages": [{"role": "user", "content": "Hello"}]}


class OnlyInference(Plugin):
    """Everybody may ask models, and nothing else."""

    mutates = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.set_principal(Principal("acme", permissions=frozenset({"inference"})))


async def refusal(client: GatewayClient, path: str) -> tuple[int, str]:
    answer = await client.post(path, json=CHAT)
    return answer.status, (await answer.json())["error"]["message"]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        (
            "/chat/completions",
            404,
            "There is no endpoint /chat/completions; check the base URL and server.front_doors.",
        ),
        (
            "/v1/chat/chat/completions",
            400,
            "The provider 'fake' does not serve POST /v1/chat/chat/completions for 'echo'."
            " Name a model of a provider that does.",
        ),
    ],
)
async def test_the_path_is_named(path: str, status: int, message: str) -> None:
    async with run_gateway('[server]\nfront_doors = ["openai"]') as client:
        assert await refusal(client, path) == (status, message)


async def test_the_message_is_where_the_sdk_of_aws_reads_it() -> None:
    async with run_gateway("") as client:
        answer = await client.post("/model/fake%2Fecho/converse", json={})
        assert (await answer.json())["message"].startswith("There is no endpoint /model/")


async def test_the_method_is_named_where_no_provider_serves_it() -> None:
    async with run_gateway('[server]\nfront_doors = ["openai"]') as client:
        answer = await client.get("/v1/chat/completions")
        message = (await answer.json())["error"]["message"]
    requested = "GET /v1/chat/completions"
    assert message == f"No configured provider serves {requested}; is the base URL right?"


async def test_a_missing_permission_names_what_needs_it() -> None:
    toml = '[server]\nfront_doors = ["openai"]\n[plugins.limited]'
    async with run_gateway(toml, {"limited": OnlyInference}) as client:
        status, message = await refusal(client, "/v1/v1/chat/completions")
    assert status == 403
    assert message.startswith("This key lacks the permission 'resources', which /v1/{")
