"""Sessions of the Live API through the gateway: recorded ones word for word, and Google's SDK."""

import json
import re
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import trustme
from attrs import define, field
from google import genai
from google.genai import errors, types
from tests.corpus import ROOT, needs_corpus
from tests.faults.gateway import KEY, GatewayProcess, serving
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request

from jackfield import Chunk
from jackfield.estimates import UNUSED
from jackfield.messages import Usage
from jackfield.realtime import MESSAGES, added
from jackfield_gemini.live import LIVE
from jackfield_gemini.live_meter import LiveMeter

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
MODEL = "gemini-2.5-flash-native-audio-latest"
USED = {"promptTokenCount": 5, "responseTokenCount": 2, "thoughtsTokenCount": 1}
TOML = """
[server]
bind = "127.0.0.1:0"
admin = ""
drain_seconds = 0
tls = {{ cert = "{folder}/cert.pem", key = "{folder}/key.pem" }}
[providers.up]
use = "gemini"
base_url = "http://127.0.0.1:{port}"
keys = ["env:UPSTREAM_KEY"]
[models.talker]
targets = ["up/{model}"]
"""
Frame = dict[str, Any]
Script = Callable[[ServerConnection], Awaitable[None]]


@define(eq=False)
class Provider:
    """Follows `script` in every session, and keeps the requests that opened them."""

    script: Script
    requests: list[Request] = field(factory=list)

    async def talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.requests.append(connection.request)
        await self.script(connection)


@define(eq=False)
class Stage:
    """A gateway with TLS, as Google's SDK wants it, and its provider."""

    gateway: GatewayProcess
    trust: ssl.SSLContext
    provider: Provider
    ended: int = 0

    def connect(self) -> connect:
        url = f"wss://127.0.0.1:{self.gateway.port}/gemini{PATH}"
        return connect(url, max_size=None, compression=None, ssl=self.trust)

    def client(self) -> genai.Client:
        options = types.HttpOptions(
            base_url=f"https://127.0.0.1:{self.gateway.port}/gemini",
            api_version="v1beta",
            async_client_args={"ssl": self.trust},
        )
        return genai.Client(api_key="client-key", http_options=options)

    async def counted(self) -> tuple[int, int]:
        """The tokens that the gateway has written down for the session that has just ended."""
        self.ended += 1
        line = await self.gateway.logged("outcome=", self.ended)
        found = re.search(r"outcome=answered .*input_tokens=(\d+) output_tokens=(\d+)", line)
        assert found is not None, line
        return int(found[1]), int(found[2])


def certify(folder: Path) -> ssl.SSLContext:
    """Write a certificate for the gateway; what trusts it."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return trust


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    provider = Provider(assistant)
    trust = certify(folder)
    async with serve(provider.talk, "127.0.0.1", 0, max_size=None) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        async with serving(folder, TOML.format(folder=folder, port=port, model=MODEL)) as gateway:
            yield Stage(gateway, trust, provider)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged(tmp_path_factory.mktemp("gateway")) as opened:
        yield opened


@cache
def recorded() -> dict[str, list[Frame]]:
    """The frames of every recorded session, by its id."""
    paths = sorted((ROOT / "exchanges" / "gemini" / "realtime").glob("*.json"))
    return {path.stem: json.loads(path.read_bytes())["frames"] for path in paths}


def wire(frame: Frame) -> str | bytes:
    """A recorded message as it was sent: Google's JSON is binary."""
    text = json.dumps(frame["data"], ensure_ascii=False)
    return text.encode() if frame["direction"] == "received" else text


async def play(
    connection: ClientConnection | ServerConnection, session: str, direction: str
) -> list[str]:
    """Take one side of a recorded session; what came otherwise than recorded."""
    wrong: list[str] = []
    for frame in recorded()[session]:
        if frame["direction"] == direction:
            await connection.send(wire(frame))
        elif (came := await connection.recv()) != wire(frame):
            wrong.append(f"{session}: {came[:200]!r}")
    return wrong


def total(session: str, name: str) -> int:
    """The sum of a count in all reports of a recorded session."""
    reports = [frame["data"].get("usageMetadata", {}) for frame in recorded()[session]]
    return sum(report.get(name, 0) for report in reports)


@needs_corpus
@pytest.mark.parametrize("session", sorted(recorded()) or [""])
async def test_a_recorded_session_passes_word_for_word(stage: Stage, session: str) -> None:
    wrong: list[str] = []

    async def provider(connection: ServerConnection) -> None:
        wrong.extend(await play(connection, session, "received"))
        await connection.wait_closed()

    stage.provider.script = provider
    async with stage.connect() as client:
        wrong += await play(client, session, "sent")
    thoughts = total(session, "thoughtsTokenCount")
    answered = total(session, "responseTokenCount") + thoughts
    assert await stage.counted() == (total(session, "promptTokenCount"), answered)
    assert not wrong


def server_message(**content: Any) -> bytes:
    return json.dumps({"serverContent": content}).encode()


async def assistant(connection: ServerConnection) -> None:
    """A provider that greets whoever says something."""
    setup = json.loads(await connection.recv())["setup"]
    assert setup["model"] == f"models/{MODEL}"
    await connection.send(b'{"setupComplete": {}}')
    async for message in connection:
        if not json.loads(message)["client_content"]["turnComplete"]:
            continue
        for word in ("Good ", "day"):
            await connection.send(server_message(modelTurn={"parts": [{"text": word}]}))
        ended = {"serverContent": {"turnComplete": True}, "usageMetadata": USED}
        await connection.send(json.dumps(ended).encode())


async def test_googles_sdk_holds_a_conversation(stage: Stage) -> None:
    stage.provider.script = assistant
    words: list[str | None] = []
    with stage.client() as client:
        async with client.aio.live.connect(model=MODEL) as session:
            for _ in range(2):
                turn = types.Content(role="user", parts=[types.Part(text="Hello")])
                await session.send_client_content(turns=turn)
                words += [message.text async for message in session.receive()]
    assert [word for word in words if word] == ["Good ", "day", "Good ", "day"]
    assert await stage.counted() == (10, 6)
    requests = stage.provider.requests[-1]
    assert (requests.path, requests.headers["x-goog-api-key"]) == (PATH, KEY)
    assert "client-key" not in str(requests.headers)


async def test_googles_sdk_may_name_an_alias(stage: Stage) -> None:
    stage.provider.script = assistant
    with stage.client() as client:
        async with client.aio.live.connect(model="talker") as session:
            turn = types.Content(role="user", parts=[types.Part(text="Hello")])
            await session.send_client_content(turns=turn)
            assert [message.text async for message in session.receive()]
    assert await stage.counted() == (5, 3)


async def test_googles_sdk_gets_the_reason_why_a_session_does_not_begin(stage: Stage) -> None:
    with stage.client() as client, pytest.raises(errors.APIError) as caught:
        async with client.aio.live.connect(model="other/" + "m" * 300):
            pass
    assert (caught.value.code, "at most 256" in str(caught.value)) == (1008, True)
    stage.ended += 1


@pytest.mark.parametrize("names", [{"model": "models/other"}, {"model": "other"}])
async def test_a_second_setup_cannot_change_the_model(stage: Stage, names: Frame) -> None:
    stage.provider.script = assistant
    async with stage.connect() as client:
        await client.send(json.dumps({"setup": {"model": f"models/{MODEL}"}}))
        assert await client.recv() == b'{"setupComplete": {}}'
        await client.send(json.dumps({"setup": names}))
        assert f"model is '{MODEL}'" in str(await client.recv())
    assert client.close_code == 1008
    stage.ended += 1


async def test_googles_sdk_gets_notice_of_a_shutdown(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        with stage.client() as client:
            async with client.aio.live.connect(model=MODEL) as session:
                stage.gateway.send(signal.SIGTERM)
                with pytest.raises(errors.ServerError, match="shutting down") as caught:
                    await anext(aiter(session.receive()))
                with pytest.raises(errors.APIError) as closed:
                    await anext(aiter(session.receive()))
    assert (caught.value.code, caught.value.status) == (503, "UNAVAILABLE")
    assert closed.value.code == 1001


async def test_the_models_texts_are_found() -> None:
    def texts(**content: Any) -> list[str]:
        message = MESSAGES.with_data(b"\x82\x00", server_message(**content))
        return [span.value for span in Chunk(message, LIVE).texts()]

    assert texts(modelTurn={"parts": [{"text": "a"}, {"text": "b"}]}) == ["a", "b"]
    assert texts(outputTranscription={"text": "c"}) == ["c"]
    assert texts(inputTranscription={"text": "d"}) == ["d"]
    sound = {"inlineData": {"mimeType": "audio/pcm", "data": "AAAA"}}
    assert texts(modelTurn={"parts": [sound]}) == []


async def test_what_is_passed_to_a_function_is_found() -> None:
    call = {"id": "1", "name": "send", "args": {"to": ["Anna"]}}
    data = json.dumps({"toolCall": {"functionCalls": [call]}}).encode()
    chunk = Chunk(MESSAGES.with_data(b"\x82\x00", data), LIVE)
    assert chunk.texts() == []
    assert [span.value for span in chunk.texts(tools=True)] == ["Anna"]


@pytest.mark.parametrize("report", [None, 1, [], "x"])
async def test_what_is_no_report_counts_nothing(report: Any) -> None:
    meter = LiveMeter()
    data = json.dumps({"usageMetadata": report}).encode()
    meter.feed(MESSAGES.with_data(b"\x82\x00", data))
    meter.feed(MESSAGES.with_data(b"\x82\x00", b'{"usageMetadata": '))
    assert meter.usage() is None


async def test_the_turns_of_a_session_are_added_up() -> None:
    spoken = [{"modality": "AUDIO", "tokenCount": 2}]
    report = {**USED, "promptTokensDetails": spoken, "responseTokensDetails": spoken}
    turn = MESSAGES.with_data(b"\x82\x00", json.dumps({"usageMetadata": report}).encode())
    meter = LiveMeter()
    meter.feed(turn + MESSAGES.with_data(b"\x82\x00", b'{"setupComplete": {}}'))
    meter.feed(turn)
    assert meter.usage() == Usage(10, 6, 0, 0, 2, 4, 4)


def fed(**members: Any) -> bytes:
    return MESSAGES.with_data(b"\x82\x00", json.dumps(members).encode())


async def test_a_session_without_a_request_certainly_costs_nothing() -> None:
    meter = LiveMeter()
    meter.sent(b'{"setup":{"model":"models/m"}}')
    meter.feed(fed(setupComplete={}))
    assert meter.usage() is UNUSED
    meter.sent(b'{"clientContent":{}}')
    assert meter.usage() is None


async def test_a_turn_that_is_cut_is_estimated() -> None:
    meter = LiveMeter()
    meter.feed(fed(serverContent={"turnComplete": True}, usageMetadata=USED))
    before = meter.usage()
    assert before is not None
    meter.sent(
        b'{"realtimeInput":{"audio":{"mimeType":"audio/pcm","data":"%s"}}}' % (b"A" * 42_666)
    )
    second = [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "A" * 64_000}}]
    meter.feed(fed(serverContent={"modelTurn": {"parts": second}}) * 2)
    used = meter.usage()
    assert used is not None
    assert not meter.is_complete()
    assert 32 <= used.audio_input_tokens - before.audio_input_tokens <= 34
    assert 64 <= used.audio_output_tokens - before.audio_output_tokens <= 66
    assert used.input_tokens >= 2 * before.input_tokens + before.output_tokens
    meter.feed(fed(usageMetadata=USED))
    assert (meter.usage(), meter.is_complete()) == (added(before, before), True)
