"""What a provider's own code raises is no failure of the plugins around the call."""

from jackfield import Exchange
from jackfield.messages import ChatRequest, ChatResponse
from jackfield.testing import FakeProvider, Recorder, run_gateway

TOML = '[providers.broken]\n[plugins.around]\non_error = "skip"\naccept_risk = true'


class Broken(FakeProvider):
    """Falls over its own feet."""

    calls = 0

    async def chat(self, request: ChatRequest, exchange: Exchange) -> ChatResponse:
        self.calls += 1
        raise KeyError("choices")


async def test_a_provider_that_raises_is_called_once_and_no_plugin_is_blamed() -> None:
    async with run_gateway(TOML, {"broken": Broken, "around": Recorder}) as client:
        answer = await client.chat(model="broken/echo")
        assert answer.status == 500
        assert client.plugin("broken").calls == 1
        assert client.settled[-1].exchange.failures == []
