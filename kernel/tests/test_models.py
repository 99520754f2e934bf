import json

import pytest

from jackfield import catalogue
from jackfield.capabilities import Capabilities, ModelFacts
from jackfield.catalogue import Catalogue
from jackfield.config import ModelTable
from jackfield.providers import CanonicalProvider, ModelInfo
from jackfield.testing import FakeUpstream, GatewayClient, UpstreamReply, run_gateway

CHAT = "/v1/chat/completions"
TOML = """
[upstream]
retries = 0
[providers.first]
use = "openai"
base_url = "{first}"
[providers.second]
use = "openai"
base_url = "{second}"
"""


class OwnModels(CanonicalProvider):
    async def models(self) -> list[ModelInfo]:
        return [ModelInfo("gpt-4o"), ModelInfo("of-my-own")]


def lists(server: FakeUpstream, *models: str) -> None:
    data = [{"id": model, "object": "model"} for model in models]
    body = json.dumps({"object": "list", "data": data}).encode()
    server.always(UpstreamReply(200, (body,), framing="length"))


async def target_of(gateway: GatewayClient, model: str) -> str:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    answer = await gateway.post("/jackfield/explain", json=body)
    plan = (await answer.json())["plan"]
    return str(plan["targets"][0]["target"])


@pytest.mark.parametrize(("seconds", "then"), [(0.0, "second/m"), (300.0, "first/m")])
async def test_a_bare_name_is_looked_up_again_when_the_lists_are_old(
    monkeypatch: pytest.MonkeyPatch, seconds: float, then: str
) -> None:
    monkeypatch.setattr(catalogue, "KEEP_SECONDS", seconds)
    async with FakeUpstream() as first, FakeUpstream() as second:
        lists(first, "m")
        lists(second)
        toml = TOML.format(first=first.base_url, second=second.base_url)
        async with run_gateway(toml) as gateway:
            assert await target_of(gateway, "m") == "first/m"
            lists(first)
            lists(second, "m")
            assert await target_of(gateway, "m") == then


async def test_a_provider_serves_only_the_models_that_its_table_names() -> None:
    async with FakeUpstream() as upstream:
        toml = f'[providers.up]\nuse = "openai"\nbase_url = "{upstream.base_url}"\nmodels = ["m"]'
        async with run_gateway(toml) as gateway:
            for model in ("up/other", "other"):
                answer = await gateway.post(CHAT, json={"model": model, "messages": []})
                assert answer.status == 404
                assert "not allowed here" in (await answer.json())["error"]["message"]
            assert upstream.requests == []
            await gateway.get("/v1/files")
            assert upstream.requests[0].head.startswith(b"GET /files ")


async def test_an_alias_passes_over_a_model_that_the_provider_may_not_serve() -> None:
    async with FakeUpstream() as first, FakeUpstream() as second:
        toml = TOML.format(first=first.base_url, second=second.base_url)
        limited = toml.replace("[providers.second]", 'models = ["m"]\n[providers.second]')
        alias = '[models.fast]\ntargets = ["first/other"]\nfallbacks = ["second/m"]'
        async with run_gateway(limited + alias) as gateway:
            answer = await gateway.post(CHAT, json={"model": "fast", "messages": []})
    assert answer.headers["x-jackfield-target"] == "second/m"
    assert (len(first.requests), len(second.requests)) == (0, 1)


async def test_models_are_listed_with_what_is_known_of_them() -> None:
    facts = ModelFacts({"own/of-my-own": Capabilities(max_output_tokens=7)})
    listed = await Catalogue(
        {"alias": ModelTable(targets=("own/x",))}, {"own": OwnModels(None)}, facts
    ).models()
    known = {one.name: one.capabilities.max_output_tokens for one in listed}
    assert known == {"alias": None, "own/gpt-4o": 16_384, "own/of-my-own": 7}


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("fastt", "Did you mean 'fast'?"),
        ("frist/gpt-9", "Did you mean 'first/gpt-9'?"),
        ("gpt-9", "Name a provider, as in 'first/gpt-9'."),
        ("anthropic/c", "Known here: fast, first/…, second/…, fake/…; see GET /v1/models."),
    ],
)
async def test_an_unknown_model_is_distinguished_from_a_mistyped_name(
    model: str, hint: str
) -> None:
    async with FakeUpstream() as first, FakeUpstream() as second:
        lists(first)
        lists(second)
        toml = TOML.format(first=first.base_url, second=second.base_url)
        async with run_gateway(f'{toml}[models.fast]\ntargets = ["first/m"]') as gateway:
            answer = await gateway.post("/v1/responses", json={"model": model, "input": "Hi"})
            error = (await answer.json())["error"]
    assert (answer.status, error["message"]) == (404, f"There is no model {model!r}. {hint}")


async def test_a_provider_without_a_model_is_refused_before_it_is_asked() -> None:
    async with FakeUpstream() as first:
        toml = f'[providers.first]\nuse = "openai"\nbase_url = "{first.base_url}"'
        async with run_gateway(toml) as gateway:
            answer = await gateway.post("/v1/responses", json={"model": "first/", "input": "Hi"})
            error = (await answer.json())["error"]
        assert first.requests == []
    assert (answer.status, error["param"]) == (404, "model")
    assert error["message"] == "'first/' names a provider and no model."
