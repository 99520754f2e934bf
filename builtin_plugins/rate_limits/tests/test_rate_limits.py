"""What a rate limit lets through, what it refuses, and when to come again."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jackfield import Exchange, Plugin, Principal, Setup, hookimpl
from jackfield.messages import Usage
from jackfield.testing import GatewayClient, run_gateway
from jackfield.testing.memory_store import MemoryStore
from jackfield.testing.provider import Reply


class Memory(Plugin):
    """Keeps everything in memory."""

    brings_store = True

    async def start(self, setup: Setup) -> None:
        setup.add_store(MemoryStore())


class Callers(Plugin):
    """Takes who asks from headers."""

    mutates = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        scopes = tuple(exchange.request.headers.get("x-scopes", "").split())
        exchange.set_principal(Principal("acme", permissions=frozenset({"*"}), scopes=scopes))


PLUGINS = {"callers": Callers, "memory": Memory}
MOST = '[plugins.rate_limits]\nreserve = "most"\n'


def gateway(directory: Path, limits: str, more: str = "", store: str = "[plugins.memory]") -> Any:
    toml = (
        f"{store}\n"
        '[providers.openai]\nbase_url = "http://127.0.0.1:9/v1"\n[providers.anthropic]\n'
        f"[plugins.callers]\n[plugins.rate_limits.limits]\n{limits}\n{more}"
    )
    return run_gateway(toml, PLUGINS, directory=directory)


async def chat(client: GatewayClient, headers: Mapping[str, str] = {}, **fields: Any) -> Any:
    body = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100}
    body |= {"model": "fake/echo", **fields}
    return await client.post("/v1/chat/completions", json=body, headers=dict(headers))


async def test_requests_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { requests = 3 }") as client:
        statuses = [(await chat(client)).status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        assert len(client.fake.requests) == 3


async def test_of_a_crowd_exactly_as_many_as_the_limit_come_in(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { requests = 37 }") as client:
        answers = await asyncio.gather(*(chat(client) for _ in range(100)))
        assert sorted(answer.status for answer in answers) == [200] * 37 + [429] * 63


async def test_two_gateways_with_one_store_share_a_limit(tmp_path: Path) -> None:
    limits = "all = { requests = 20 }"
    opened = [gateway(tmp_path, limits, store="[plugins.sqlite_store]") for _ in range(2)]
    async with opened[0] as one, opened[1] as two:
        answers = await asyncio.gather(*(chat(client) for client in (one, two) * 15))
        assert sum(answer.status == 200 for answer in answers) == 20


async def test_a_refusal_says_which_limit_and_when_to_come_again(tmp_path: Path) -> None:
    async with gateway(tmp_path, 'all = { requests = 1, window = "10s" }') as client:
        await chat(client)
        refused = await chat(client)
        error = (await refused.json())["error"]
        wait = refused.headers["retry-after"]
        reached = "The rate limit 'all' of 1 requests per 10s is reached."
        assert error["message"] == f"{reached} Try again in {wait} s."
        assert error["code"] == "rate_limited"
        assert 9 <= int(wait) <= 11


async def test_openai_s_clients_get_openai_s_headers(tmp_path: Path) -> None:
    limits = "all = { requests = 10, tokens = 1000000 }"
    async with gateway(tmp_path, limits) as client:
        head = (await chat(client)).headers
        assert head["x-ratelimit-limit-requests"] == "10"
        assert head["x-ratelimit-remaining-requests"] == "9"
        assert head["x-ratelimit-reset-requests"] in ("1m0s", "1m1s")
        assert head["x-ratelimit-limit-tokens"] == "1000000"
        assert int(head["x-ratelimit-remaining-tokens"]) > 990_000


async def test_anthropic_s_clients_get_anthropic_s_headers(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { requests = 10 }") as client:
        body = {"model": "fake/echo", "max_tokens": 9, "messages": []}
        body["messages"] = [{"role": "user", "content": "Hello"}]
        head = (await client.post("/v1/messages", json=body)).headers
        assert head["anthropic-ratelimit-requests-limit"] == "10"
        assert head["anthropic-ratelimit-requests-remaining"] == "9"
        assert head["anthropic-ratelimit-requests-reset"].endswith("Z")


async def test_other_clients_get_the_ietf_s_headers(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { requests = 10 }") as client:
        head = (await client.chat("Hello")).headers
        assert head["ratelimit-policy"] == '"all-requests";q=10;w=60'
        assert head["ratelimit"].startswith('"all-requests";r=9;t=6')


async def test_tokens_are_reserved_by_what_is_possible_and_counted_as_used(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { output_tokens = 1000 }", MOST) as client:
        client.fake.always(Reply(("Hi",), usage=Usage(5, 300)))
        for _ in range(4):
            assert (await chat(client)).status == 200
        refused = await chat(client)
        assert refused.status == 429
        assert "1000 output tokens per 1m" in (await refused.json())["error"]["message"]


async def test_more_than_the_whole_limit_is_refused_as_such(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { output_tokens = 10 }", MOST) as client:
        refused = await chat(client)
        assert (
            "may need 100, more than the whole limit" in (await refused.json())["error"]["message"]
        )
        assert "retry-after" not in refused.headers
        assert refused.headers["x-should-retry"] == "false"


async def test_requests_come_in_until_a_small_limit_is_used_up(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { tokens = 500 }") as client:
        client.fake.always(Reply(("Hi",), usage=Usage(20, 80)))
        for _ in range(5):
            assert (await chat(client, max_tokens=None)).status == 200
        refused = await chat(client, max_tokens=None)
        assert refused.status == 429
        assert refused.headers["x-ratelimit-remaining-tokens"] == "0"
        assert 1 <= int(refused.headers["retry-after"]) <= 61


async def test_what_is_used_beyond_what_was_expected_is_counted(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { tokens = 2000 }") as client:
        client.fake.always(Reply(("Hi",), usage=Usage(20, 3000)))
        assert (await chat(client, max_tokens=None)).status == 200
        assert (await chat(client, max_tokens=None)).status == 429


async def test_a_stream_that_is_cut_counts_what_had_come_by_then(tmp_path: Path) -> None:
    more = "[plugins.rate_limits]\nexpected_output_tokens = 10\n"
    async with gateway(tmp_path, "all = { output_tokens = 300 }", more) as client:
        client.fake.always(Reply(("word ",) * 400, cut=True, per_batch=50, usage=None))
        answer = await chat(client, stream=True, max_tokens=None)
        assert answer.status == 200
        await answer.read()
        assert (await chat(client, max_tokens=None)).status == 429


async def test_of_a_crowd_as_many_come_in_as_are_expected_to_fit(tmp_path: Path) -> None:
    limits = "all = { output_tokens = 5000 }"
    async with gateway(tmp_path, limits) as client:
        client.fake.always(Reply(("Hi",), usage=Usage(20, 1024)))
        answers = await asyncio.gather(*(chat(client, max_tokens=None) for _ in range(30)))
        # The fifth holds what is left, which is less than is expected of it.
        assert sorted(answer.status for answer in answers) == [200] * 5 + [429] * 25


async def test_an_image_is_not_expected_to_be_read_as_text(tmp_path: Path) -> None:
    url = "data:image/png;base64," + "iVBORw0KGgo" * 20_000
    content = [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": url}}]
    async with gateway(tmp_path, "all = { tokens = 3000 }") as client:
        for _ in range(2):
            answer = await chat(client, messages=[{"role": "user", "content": content}])
            assert answer.status == 200


async def test_a_limit_of_nothing_lets_nothing_in(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { output_tokens = 0 }") as client:
        refused = await chat(client)
        assert refused.status == 429
        assert refused.headers["x-should-retry"] == "false"


async def test_requests_at_once_are_limited(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { concurrent = 1 }") as client:
        gate = client.fake.hold()
        first = asyncio.ensure_future(chat(client))
        await gate.reached()
        refused = await chat(client)
        assert refused.status == 429
        assert "1 concurrent requests" in (await refused.json())["error"]["message"]
        gate.open()
        assert (await first).status == 200
        for _ in range(20):
            assert (await chat(client)).status == 200


async def test_a_stream_has_its_place_until_its_end(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { concurrent = 1 }") as client:
        answer = await chat(client, stream=True)
        assert (await chat(client)).status == 429
        await answer.read()
        assert (await chat(client)).status == 200


async def test_each_key_has_a_limit_of_its_own(tmp_path: Path) -> None:
    async with gateway(tmp_path, 'keys = { scope = "key:*", requests = 1 }') as client:
        for key in ("key:a", "key:b"):
            assert (await chat(client, {"x-scopes": key})).status == 200
            refused = await chat(client, {"x-scopes": key})
            assert f"'keys ({key[4:]})'" in (await refused.json())["error"]["message"]
        assert (await chat(client)).status == 200


async def test_another_target_serves_when_the_limit_of_one_is_reached(tmp_path: Path) -> None:
    models = '[models.chat]\ntargets = ["fake/a"]\nfallbacks = ["fake/b"]\n'
    limits = 'a = { scope = "model:fake/a", requests = 1 }'
    async with gateway(tmp_path, limits, models) as client:
        targets = [
            (await chat(client, model="chat")).headers["x-jackfield-target"] for _ in range(3)
        ]
        assert targets == ["fake/a", "fake/b", "fake/b"]


async def test_what_a_provider_refuses_uses_no_tokens(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { output_tokens = 100 }") as client:
        client.fake.always(Reply(("Hi",), usage=Usage(5, 10)))
        client.fake.fail(400)
        assert (await chat(client)).status == 400
        assert (await chat(client)).status == 200


async def test_a_dry_run_counts_nothing(tmp_path: Path) -> None:
    async with gateway(tmp_path, "all = { requests = 1 }") as client:
        body = {"model": "fake/echo", "messages": [{"role": "user", "content": "Hello"}]}
        for _ in range(3):
            answer = await client.post("/jackfield/explain", json=body)
            assert b"it falls under all (requests)" in await answer.read()


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ("all = { }", "it limits nothing"),
        ("all = { requests = -1 }", "-1 is not a limit"),
        ('all = { requests = 1, window = "month" }', "is not rolling"),
        ('all = { requests = 1, window = "0m" }', "unknown window"),
        ('all = { requests = 1, scope = "planet:mars" }', "not a scope: 'planet:mars'"),
    ],
)
async def test_what_cannot_be_meant_is_refused_at_the_start(
    tmp_path: Path, limits: str, problem: str
) -> None:
    with pytest.raises(Exception, match=problem):
        async with gateway(tmp_path, limits):
            pass
