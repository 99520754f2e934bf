"""A secret that is not there, empty or wrong never opens a door."""

import pytest
from tests.security.guards import GUARDS

from jackfield.errors import ConfigError
from jackfield.secrets import SecretError
from jackfield.testing import FakeUpstream, run_gateway

UNUSABLE = ["", " ", "\t\n ", "sk-1234", "changeme", "<your key>", "xxxx", "password", "your-key"]
PROVIDER = '[providers.openai]\nbase_url = "http://127.0.0.1:9/v1"\nkeys = ["env:SOME_KEY"]\n'
WEIGHTED = PROVIDER.replace('"env:SOME_KEY"', '{secret = "env:SOME_KEY", weight = 1}')
GUARD = '[plugins.token_guard]\ntoken = "env:SOME_KEY"\n'
TABLES = pytest.mark.parametrize("toml", [PROVIDER, WEIGHTED, GUARD], ids=["key", "table", "guard"])


async def refuses_to_start(toml: str) -> str:
    with pytest.raises((ConfigError, SecretError)) as refused:
        async with run_gateway(toml, GUARDS):
            pass
    return str(refused.value)


@TABLES
@pytest.mark.parametrize("value", [None, *UNUSABLE])
async def test_an_unusable_variable_refuses_to_start(
    monkeypatch: pytest.MonkeyPatch, toml: str, value: str | None
) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SOME_KEY", value)
    message = await refuses_to_start(toml)
    assert "SOME_KEY" in message
    assert value is None or not value.strip() or value not in message.replace("SOME_KEY", "")


@TABLES
@pytest.mark.parametrize("content", [None, *UNUSABLE])
async def test_an_unusable_file_refuses_to_start(
    tmp_path: pytest.TempPathFactory, toml: str, content: str | None
) -> None:
    path = tmp_path / "key"  # type: ignore[operator]
    if content is not None:
        path.write_text(content)
        path.chmod(0o600)
    assert str(path) in await refuses_to_start(toml.replace("env:SOME_KEY", f"file:{path}"))


@TABLES
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
async def test_a_file_that_others_can_read_refuses_to_start(
    tmp_path: pytest.TempPathFactory, toml: str, mode: int
) -> None:
    path = tmp_path / "key"  # type: ignore[operator]
    path.write_text("acme-7f3Qw9ZtLm2XcV5bN8rKpD")
    path.chmod(mode)
    message = await refuses_to_start(toml.replace("env:SOME_KEY", f"file:{path}"))
    assert f"chmod 600 {path}" in message


@TABLES
@pytest.mark.parametrize(
    "literal",
    ["sk-proj-7f3Qw9ZtLm2XcV5bN8rKpD", "AKIA7F3QW9ZTLM2XCV5B", "env:sk-7f3Qw9ZtLm2XcV5bN8rKpD"],
)
async def test_a_secret_in_the_file_is_refused_and_not_repeated(toml: str, literal: str) -> None:
    message = await refuses_to_start(toml.replace("env:SOME_KEY", literal))
    assert literal.removeprefix("env:") not in message


@pytest.mark.parametrize(
    "value", ["acme-\x00key-7f3Qw9Zt", "acme\r\nX-Evil: 1", "acme-ключ-7f3Qw9"]
)
async def test_a_key_that_cannot_be_a_header_refuses_to_start(
    tmp_path: pytest.TempPathFactory, value: str
) -> None:
    path = tmp_path / "key"  # type: ignore[operator]
    path.write_text(value)
    path.chmod(0o600)
    message = await refuses_to_start(PROVIDER.replace("env:SOME_KEY", f"file:{path}"))
    assert "Authorization" in message
    assert "acme" not in message


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", "Bearer None", "Bearer wrong"])
async def test_a_wrong_token_of_a_caller_is_refused(
    monkeypatch: pytest.MonkeyPatch, upstream: FakeUpstream, given: str | None
) -> None:
    monkeypatch.setenv("SOME_KEY", "acme-7f3Qw9ZtLm2XcV5bN8rKpD")
    headers = {} if given is None else {"Authorization": given}
    async with run_gateway(GUARD, GUARDS) as gateway:
        assert (await gateway.chat(headers=headers)).status == 401
        assert gateway.fake.requests == []


@pytest.mark.parametrize("kind", ["raise", "hang", "wrong_type", "undeclared"])
async def test_a_guard_that_fails_lets_nothing_pass(kind: str) -> None:
    toml = f'[plugins.faulty]\nhook = "pre_request"\nkind = "{kind}"\ndeadline_ms = 60\n'
    async with run_gateway(toml) as gateway:
        assert (await gateway.chat()).status == 500
        assert gateway.fake.requests == []


async def test_a_guard_is_not_skipped_by_a_slip_of_the_pen() -> None:
    message = await refuses_to_start(GUARD + 'on_error = "skip"\n')
    assert "accept_risk" in message
