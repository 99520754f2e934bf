"""Secrets go through all that can go wrong, and nothing that comes out has a trace of one."""

import io
import json
import logging
import traceback
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from tests.security.canaries import (
    CLIENT_SECRETS,
    ENVIRONMENT,
    HEADER_SECRETS,
    PROMPT_SECRETS,
    PROVIDER_KEYS,
    SECRETS,
    TRACE,
    found_in,
)

from jackfield import Exchange, Plugin, Response, Setup, hookimpl
from jackfield._access_log import AccessLog
from jackfield._cli import main
from jackfield.errors import ConfigError
from jackfield.plan import Plan, Target
from jackfield.plugin import CallNext
from jackfield.response import Outcome
from jackfield.testing import FakeUpstream, GatewayClient, UpstreamReply
from jackfield.testing.gateway import ObservedGateway, client_of, observed_gateway

STATUSES = (
    400,
    401,
    402,
    403,
    404,
    405,
    408,
    409,
    413,
    415,
    418,
    422,
    429,
    500,
    502,
    503,
    529,
    599,
)
PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/moderations")
KEYS = [*PROVIDER_KEYS.items(), *(("openai", secret) for secret in HEADER_SECRETS.values())]
ALL_KEYS = " ".join(secret for _, secret in KEYS).encode()
KEY = PROVIDER_KEYS["openai"]


def escaped(secret: str) -> str:
    """Every character as JSON may write it."""
    return "".join(f"\\u{ord(character):04x}" for character in secret)


def in_json(write: Callable[[str], str]) -> Callable[[str], bytes]:
    return lambda secret: b'{"error": {"message": "Wrong: %b"}}' % write(secret).encode()


def as_object(**more: str) -> Callable[[str], bytes]:
    def write(secret: str) -> bytes:
        error = {"message": "no", **{key: text.format(secret) for key, text in more.items()}}
        return json.dumps({"error": error}).encode()

    return write


ECHOES: dict[str, Callable[[str], bytes]] = {
    "plain text": lambda secret: f"bad key {secret}".encode(),
    "markup": lambda secret: f"<html><b>{secret}</b></html>".encode(),
    "message": as_object(message="Incorrect API key provided: {0}. See https://in.example/{0}"),
    "fields": as_object(param="{0}", type="{0}", code="{0}"),
    "header": as_object(message="You sent Authorization: Bearer {0}"),
    "link": as_object(message="see https://docs.example.com/{0} or http://{0}@10.1.2.3:8000/v1"),
    "half": lambda secret: as_object(message="ends in {0}")(secret[: TRACE + 1]),
    "tail": lambda secret: as_object(message="ends in {0}")(secret[-TRACE:]),
    "escapes": in_json(escaped),
    "base64": in_json(lambda secret: b64encode(f"u:{secret}".encode()).decode()),
    "base64 of it": in_json(lambda secret: b64encode(secret.encode()).decode()),
    "hex": in_json(lambda secret: secret.encode().hex()),
    "capitals": in_json(lambda secret: secret.replace('"', "").replace("\\", "").upper()),
    "capital hex": in_json(lambda secret: secret.encode().hex().upper()),
    "quoted": in_json(lambda secret: quote(secret, safe="")),
    "list": lambda secret: json.dumps([{"error": {"message": secret}}]).encode(),
    "details": lambda secret: json.dumps({"detail": [{"msg": secret, "input": secret}]}).encode(),
    "raw": as_object(message="Provider returned error", metadata="{0}"),
    "trace": as_object(message='Traceback (most recent call last):\n File "/a.py", line 3\n {0}'),
    "twice": lambda secret: in_json(escaped)(secret)[:-1] + b', "error": {"message": "x"}}',
}


class Babbler(Plugin):
    """Fails in each hook, with all that it has seen in its last words."""

    on_error: ClassVar[Any] = "skip"

    async def health(self) -> str | None:
        raise RuntimeError(" ".join(SECRETS))

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        raise ValueError(exchange.request.body, dict(exchange.request.headers), SECRETS)

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        raise KeyError(*SECRETS)

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        raise RuntimeError(exchange.json())

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        raise OSError(5, *SECRETS[:3])


class FalseStarter(Plugin):
    """Does not start, and says too much about it."""

    async def start(self, setup: Setup) -> None:
        raise RuntimeError(" ".join(SECRETS))


PLUGINS: dict[str, type[Plugin]] = {"babbler": Babbler, "false_starter": FalseStarter}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name, value in PROVIDER_KEYS.items():
        monkeypatch.setenv(f"KEY_{name.upper()}", value)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], bytes]]:
    """All that has been logged, with the traces of exceptions."""
    caplog.set_level(logging.DEBUG, "jackfield")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger("jackfield").addHandler(handler)
    yield lambda: stream.getvalue().encode()
    logging.getLogger("jackfield").removeHandler(handler)


def toml(upstream: FakeUpstream, more: str = "") -> str:
    headers = ", ".join(f'"{name}" = "{value}"' for name, value in HEADER_SECRETS.items())
    lines = ["[server]", "log_level = 'debug'", "[upstream]", "retries = 0"]
    for name in PROVIDER_KEYS:
        lines += [f"[providers.{name}]", 'use = "openai"', f'base_url = "{upstream.base_url}/v1"']
        lines += [f'keys = ["env:KEY_{name.upper()}"]', f"headers = {{{headers}}}"]
    return "\n".join([*lines, more])


@pytest.fixture
async def gateway(environment: None, upstream: FakeUpstream) -> AsyncIterator[ObservedGateway]:
    async with observed_gateway(toml(upstream), PLUGINS) as gateway:
        assert isinstance(gateway, ObservedGateway)
        yield gateway


async def send(
    client: GatewayClient, path: str, provider: str = "openai", *, stream: bool = False
) -> bytes:
    """Send every secret that a caller may have; return all that comes back."""
    prompt = " ".join(PROMPT_SECRETS.values())
    json: dict[str, Any] = {"model": f"{provider}/m", "prompt": prompt}
    json |= {"messages": [{"role": "user", "content": prompt}]}
    json |= {"input": prompt, "user": prompt, "metadata": {"note": prompt}}
    json |= {"stream": True} if stream else {}
    answer = await client.post(path, json=json, headers=CLIENT_SECRETS)
    head = f"{answer.status} {dict(answer.headers)!r}".encode()
    return head + await answer.read()


def test_there_are_forty_secrets() -> None:
    assert len(set(SECRETS)) >= 40
    assert all(found_in(b"..." + secret.encode() + b"...") for secret in SECRETS)


@pytest.mark.parametrize("echo", ECHOES)
async def test_what_a_provider_echoes_is_not_passed_on(
    gateway: ObservedGateway, upstream: FakeUpstream, logged: Callable[[], bytes], echo: str
) -> None:
    received = b""
    for at, status in enumerate(STATUSES):
        for provider, secret in KEYS[at % 3 :: 3]:
            names = ("X-Request-Id", "X-RateLimit-Note", "Www-Authenticate")
            upstream.reply(ECHOES[echo](secret), status, dict.fromkeys(names, secret))
            received += await send(client_of(gateway), PATHS[at // 3 % len(PATHS)], provider)
    assert len(upstream.requests) >= len(STATUSES) * (len(KEYS) // 3)
    assert found_in(received + gateway.written_log().encode() + logged()) == []


@pytest.mark.parametrize(
    "echo", ["message", "fields", "link", "half", "escapes", "base64", "trace"]
)
async def test_what_a_provider_echoes_in_a_stream_is_not_passed_on(
    gateway: ObservedGateway, upstream: FakeUpstream, logged: Callable[[], bytes], echo: str
) -> None:
    first = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":'
    first += b'{"content":"hi"}}]}\n\n'
    received = b""
    for provider, secret in KEYS:
        error = b"data: " + ECHOES[echo](secret) + b"\n\n"
        for parts in ([error], [first, error], [first, b"event: error\n" + error]):
            for path in PATHS[:2]:
                upstream.stream(parts)
                received += await send(client_of(gateway), path, provider, stream=True)
    assert len(upstream.requests) >= len(KEYS) * 6
    assert found_in(received + gateway.written_log().encode() + logged()) == []


BROKEN = [
    UpstreamReply(200, (b"x" * 20,), framing="cut"),
    UpstreamReply(200, (ALL_KEYS,), framing="length"),
    UpstreamReply(200, (ALL_KEYS,), {"Content-Type": "text/html"}, "length"),
    UpstreamReply(200, (ALL_KEYS,), {"Content-Encoding": "gzip"}, "length"),
    UpstreamReply(200, (b"",), {"X-Bad\x00": KEY}, "length"),
    UpstreamReply(302, (b"",), {"Location": f"http://x/{KEY}"}, "length"),
    UpstreamReply(999, (KEY.encode(),), framing="length"),
    UpstreamReply(407, (KEY.encode(),), {"Proxy-Authenticate": KEY}, "length"),
]


@pytest.mark.parametrize("reply", BROKEN, ids=range(len(BROKEN)))
async def test_what_a_broken_answer_holds_is_not_passed_on(
    gateway: ObservedGateway,
    upstream: FakeUpstream,
    logged: Callable[[], bytes],
    reply: UpstreamReply,
) -> None:
    upstream.always(reply)
    received = b""
    for path in PATHS[:3]:
        received += await send(client_of(gateway), path)
        received += await send(client_of(gateway), path, stream=True)
    assert found_in(received + gateway.written_log().encode() + logged()) == []


@pytest.mark.parametrize("style", ["text", "json"])
async def test_secrets_in_a_plugins_errors_are_not_passed_on(
    environment: None, upstream: FakeUpstream, logged: Callable[[], bytes], style: Any
) -> None:
    for policy in ("refuse", "skip"):
        table = f'[plugins.babbler]\non_error = "{policy}"\n'
        async with observed_gateway(toml(upstream, table), PLUGINS) as gateway:
            assert isinstance(gateway, ObservedGateway)
            gateway.access_log = AccessLog(style, gateway.log)
            client = client_of(gateway)
            received = b"".join([await send(client, path) for path in PATHS])
            for path in ("/ready", "/health", "/v1/models", "/jackfield/nothing"):
                received += await (await client.get(path)).read()
            body = {"path": PATHS[0], "body": {"model": "jwt/m", "messages": []}}
            received += await (await client.post("/jackfield/explain", json=body)).read()
            assert found_in(received + gateway.written_log().encode() + logged()) == []


async def test_a_plugin_that_does_not_start_is_not_quoted(
    environment: None, upstream: FakeUpstream
) -> None:
    gateway = observed_gateway(toml(upstream, "[plugins.false_starter]\n"), PLUGINS)
    with pytest.raises(ConfigError, match=r"false_starter.*cannot start: RuntimeError") as refused:
        await gateway.start()
    assert found_in("".join(traceback.format_exception(refused.value)).encode()) == []


WRONG_FILES = [
    '[providers.openai]\nkeys = ["{0}"]',
    '[providers.openai]\nkeys = "{0}"',
    '[providers.openai]\nkeys = ["env:{0}"]',
    '[providers.openai]\nkeys = [{{secret = "{0}"}}]',
    '[providers.openai]\nkey = "{0}"',
    '[providers.openai]\napi_key = "{0}"\nkeys = ["env:KEY_GROQ"]',
    '[providers.openai]\nbase_url = "https://u:{0}@api.example/v1"',
    '[providers.openai]\nbase_url = "https://api.example/v1?key={0}"',
    '[providers.openai]\nbase_url = "ftp://{0}"',
    '[providers.openai]\nkeys = ["{0}"\n',
    "[providers.openai]\nkeys = {0}\n",
    '[server]\nbind = "{0}"',
    '[models.m]\ntargets = ["demo/x"]\ntoken = "{0}"',
]


@pytest.mark.parametrize("file", WRONG_FILES)
def test_a_wrong_file_is_not_quoted_where_it_may_hold_a_secret(
    environment: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    for name in ("openai", "azure", "bedrock", "jwt", "uuid"):
        path = tmp_path / "jackfield.toml"
        path.write_text(file.format(PROVIDER_KEYS[name]))
        path.chmod(0o600)
        for command in ("check", "serve"):
            assert main([command, "--config", str(path)]) == 2
        assert found_in("".join(capsys.readouterr()).encode()) == []


def test_the_command_line_prints_no_secret(
    environment: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "jackfield.toml"
    path.write_text('[providers.openai]\nkeys = ["env:KEY_OPENAI", "env:KEY_AZURE"]\n')
    for words in (["check"], ["plugins"], ["version"], ["explain", "--model", "gpt-4o"]):
        main([*words, "--config", str(path)] if words[0] in ("check", "explain") else words)
    assert found_in("".join(capsys.readouterr()).encode()) == []
