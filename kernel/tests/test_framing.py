"""NDJSON as a framing, and the forms of a dialect that a path or a query asks for."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield import Endpoint, Secret
from jackfield.dialects import Dialect, installed
from jackfield.errors import ConfigError, ProviderError
from jackfield.framing import NDJSON, SSE
from jackfield.http_provider import HttpProvider
from jackfield.testing import TESTING_CHAT, FakeUpstream, run_gateway
from jackfield.testing.dialect import ChatDialect

LINES = b'{"a": 1}\n\r\n{"b": "\\u2028"}\r\n{"c": 3}'


@given(st.lists(st.integers(0, len(LINES)), max_size=8))
def test_lines_are_the_same_however_they_are_chunked(cuts: list[int]) -> None:
    framer = NDJSON.framer()
    edges = [0, *sorted(cuts), len(LINES)]
    whole = b"".join(framer.feed(LINES[a:b]) for a, b in pairwise(edges))
    assert whole + framer.held == LINES
    events = [*NDJSON.split(whole), NDJSON.completed(framer.held)]
    data = [NDJSON.data_of(event) for event in events]
    assert data == [b'{"a": 1}', None, b'{"b": "\\u2028"}', b'{"c": 3}']


def test_an_endless_line_is_refused() -> None:
    framer = NDJSON.framer()
    with pytest.raises(ProviderError, match="4194304 bytes"):
        framer.feed(b" " * (4 << 20) + b"x")


@pytest.mark.parametrize("framing", [SSE, NDJSON], ids=["sse", "ndjson"])
def test_an_events_json_is_replaced_and_its_frame_stays(framing: Any) -> None:
    event = b'event: x\ndata: {"a":1}\n\n' if framing is SSE else b'{"a":1}\r\n'
    assert framing.with_data(event, b'{"b":2}') == event.replace(b'{"a":1}', b'{"b":2}')


class LineChat(ChatDialect):
    """The testing kit's dialect in lines when the query asks for them."""

    name: ClassVar[str] = "lines.chat"
    framing = NDJSON
    stop_marker: ClassVar[bytes] = b'{"end":true}\n'

    def variant(self, params: Mapping[str, str]) -> Dialect:
        return TESTING_CHAT if params.get("as") == "sse" else self


LINE_CHAT = LineChat()


class Lined(HttpProvider):
    """An API whose path says whether it streams, and whose requests are signed."""

    dialects: ClassVar[tuple[Dialect, ...]] = (LINE_CHAT, TESTING_CHAT)
    endpoints: ClassVar[tuple[Endpoint, ...]] = (
        Endpoint(
            "POST",
            "/lined/{model*}:flow",
            LINE_CHAT,
            "chat",
            "inference",
            "/m/{model*}:flow",
            stream=True,
            query=("as",),
        ),
    )
    paths: ClassVar[Mapping[str, str]] = {LINE_CHAT.name: "/m/{model*}:flow"}

    async def sign(
        self, method: str, url: str, body: bytes, secret: Secret | None
    ) -> Sequence[tuple[str, str]]:
        return [("X-Signed", f"{method} {url.partition('//')[2].partition('/')[2]} {len(body)}")]


BODY = {"model": "lined/a/b", "messages": [{"role": "user", "text": "Hi"}]}
FACTS = [b'{"model":"a/b"}', b'{"text":"yes"}', b'{"finish":"stop"}', b'{"end":true}']


@pytest.mark.parametrize("query", ["", "?as=sse"], ids=["lines", "events"])
async def test_a_path_and_a_query_choose_the_form_of_a_stream(query: str) -> None:
    wire = [SSE_EVENT % fact if query else fact + b"\n" for fact in FACTS]
    async with FakeUpstream() as server:
        server.stream(wire, content_type=(SSE if query else NDJSON).content_type)
        toml = f'[providers.lined]\nbase_url = "{server.base_url}/v9"'
        async with run_gateway(toml, {"lined": Lined}) as client:
            answer = await client.post(f"/lined/lined/a/b:flow{query}", json=BODY)
            assert await answer.read() == b"".join(wire)
        (request,) = server.requests
    assert request.path == f"/v9/m/a/b:flow{query}"
    assert msgspec.json.decode(request.body)["model"] == "a/b"
    signed = f"POST v9/m/a/b:flow{query} {len(request.body)}"
    assert request.headers["x-signed"] == signed


SSE_EVENT = b"data: %b\n\n"


class Coded(Lined):
    """The same with the model's name in one segment."""

    paths: ClassVar[Mapping[str, str]] = {LINE_CHAT.name: "/m/{model}/flow"}


@pytest.mark.parametrize("model", ["../admin", "a/../../keys", "..", ".", "a//b", "a/./b"])
@pytest.mark.parametrize("kind", [Lined, Coded])
async def test_a_models_name_does_not_lead_to_another_part_of_the_api(
    kind: type[HttpProvider], model: str
) -> None:
    async with FakeUpstream() as server:
        toml = f'[providers.lined]\nbase_url = "{server.base_url}"\ndialects = ["lines.chat"]'
        async with run_gateway(toml, {"lined": kind}) as client:
            body = BODY | {"model": f"lined/{model}"}
            answer = await client.post("/testing/chat", json=body)
            assert (answer.status, (await answer.json())["error"]["code"]) == (
                400,
                "invalid_request",
            )
        assert server.requests == []


def test_a_dialect_is_found_by_its_name_and_is_one_instance() -> None:
    assert installed("openai.chat") is installed("openai.chat")
    with pytest.raises(ConfigError, match="pip install jackfield-acme"):
        installed("acme.chat")
