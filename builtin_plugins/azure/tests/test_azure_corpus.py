"""Azure's recorded traffic through the gateway: not a byte of it may change."""

import json
from typing import Any

import msgspec
import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import Dialect, installed
from jackfield.events import TextDelta, ToolCallStarted, UsageReported
from jackfield.messages import ChatRequest, Message, Text
from jackfield.testing import FakeUpstream, run_gateway

pytestmark = needs_corpus
ALL = [exchange for exchange in exchanges(provider="azure") if exchange.request_tree is not None]
ANSWERED = [exchange for exchange in ALL if exchange.status == 200]
REQUEST = ChatRequest("m", (Message("user", (Text("Hi"),)),), stream=True, include_usage=True)
FORMS = (
    ("/openai/deployments/", 'api_version = "2024-02-01"'),
    ("/openai/v1/", ""),
    ("/models/", 'api = "foundry"'),
)


def dialect_of(exchange: Exchange) -> Dialect:
    return installed(exchange.dialect.replace("_", ".", 1))


def each(found: list[Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("exchange", [pytest.param(one, id=one.id) for one in found])


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)] if size else [body]


def bodies(exchange: Exchange) -> tuple[bytes, bytes]:
    """What a client sends, and what Azure must get: only the model's name differs."""
    tree = dict(exchange.request_tree)
    if "model" not in tree:
        return json.dumps(tree).encode(), json.dumps(tree).encode()
    return json.dumps(tree | {"model": f"up/{tree['model']}"}).encode(), json.dumps(tree).encode()


def deployment(path: str) -> str:
    return path.split("/")[3] if path.startswith("/openai/deployments/") else ""


@pytest.mark.parametrize("size", [1, 7, 0])
@pytest.mark.parametrize(("prefix", "more"), FORMS, ids=["deployments", "v1", "foundry"])
async def test_recorded_traffic_passes_byte_for_byte(prefix: str, more: str, size: int) -> None:
    found = [exchange for exchange in ANSWERED if exchange.request["path"].startswith(prefix)]
    assert found
    async with FakeUpstream() as upstream:
        toml = f'[providers.up]\nuse = "azure"\nbase_url = "{upstream.base_url}"\n{more}'
        async with run_gateway(toml) as gateway:
            for exchange in found:
                if exchange.streams:
                    upstream.stream(cut(exchange.body, size))
                else:
                    upstream.reply(exchange.body)
                sent, wanted = bodies(exchange)
                path: str = exchange.request["path"]
                named = deployment(path)
                door = path.replace(f"/{named}/", f"/up/{named}/", 1) if named else path
                answer = await gateway.post(f"/azure{door}", body=sent)
                assert await answer.read() == exchange.body, exchange.id
                got = upstream.requests[-1]
                assert json.loads(got.body) == json.loads(wanted) | _renamed(wanted, named)
                version = "" if "?" in path or not named else "?api-version=2024-02-01"
                assert got.path == path + version


def _renamed(wanted: bytes, named: str) -> dict[str, Any]:
    # The body's own name, which Azure ignores, becomes that of the deployment.
    return {"model": named} if named and b'"model"' in wanted else {}


@each([exchange for exchange in ALL if exchange.status != 200])
async def test_a_recorded_error_is_reported(exchange: Exchange) -> None:
    async with FakeUpstream() as upstream:
        toml = f'[providers.up]\nuse = "azure"\nbase_url = "{upstream.base_url}"'
        upstream.always(None)
        for _ in range(3):
            upstream.reply(exchange.body, exchange.status)
        async with run_gateway(toml) as gateway:
            operation = exchange.request["path"].split("?")[0].split(deployment_of(exchange))[-1]
            body = exchange.request_tree | {"model": "up/m"}
            answer = await gateway.post(f"/azure/openai/v1{operation}", json=body)
            message = (await answer.json())["error"]["message"]
    if exchange.status == 401:  # the gateway's own trouble
        assert (answer.status, "credentials" in message) == (502, True)
    else:
        assert (answer.status, message) == (404, json.loads(exchange.body)["error"]["message"])


def deployment_of(exchange: Exchange) -> str:
    return deployment(exchange.request["path"])


@each([e for e in ANSWERED if e.expect and not e.streams and e.dialect == "openai_chat"])
def test_what_filters_found_comes_back_with_an_answer(exchange: Exchange) -> None:
    dialect = dialect_of(exchange)
    again = dialect.render_response(dialect.parse_response(exchange.body), REQUEST)
    recorded, rendered = json.loads(exchange.body), msgspec.json.decode(again.body)
    assert rendered.get("prompt_filter_results") == recorded.get("prompt_filter_results")
    for old, new in zip(recorded["choices"], rendered["choices"], strict=True):
        assert new.get("content_filter_results") == old.get("content_filter_results")


@each([e for e in ANSWERED if e.streams and e.dialect == "openai_chat"])
def test_a_recorded_stream_gives_what_an_independent_reading_gives(exchange: Exchange) -> None:
    parser = dialect_of(exchange).stream_parser()
    events = [found for event in sse.split(exchange.body) for found in parser.feed(event)]
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    called = [event.name for event in events if isinstance(event, ToolCallStarted)]
    usage = [event.usage for event in events if isinstance(event, UsageReported)][-1]
    assert text == exchange.expect["text"]
    assert called == [call["name"] for call in exchange.expect["tool_calls"]]
    assert usage.input_tokens == exchange.expect["usage"]["prompt_tokens"]
