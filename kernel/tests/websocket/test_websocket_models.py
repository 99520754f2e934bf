"""Models that a client names in a session that has one: renamed, or refused."""

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from jackfield import Exchange, Plugin, Principal, hookimpl

if TYPE_CHECKING:
    from kernel.tests.websocket.conftest import House

ALIAS = '[models.talker]\ntargets = ["up/m"]\n'


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


class Limits(Plugin):
    """Limits every caller to two models."""

    mutates: ClassVar[frozenset[str]] = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        allowed = frozenset({"inference"})
        exchange.set_principal(
            Principal("t", permissions=allowed, models=("talker", "up/scribe", "plain"))
        )


@pytest.fixture(params=["free", "limited"])
async def session(
    house: "House", request: pytest.FixtureRequest
) -> AsyncIterator[ClientConnection]:
    """A session with the model `talker`, which is `m` at its provider, and says all back."""
    toml = ALIAS + ("[plugins.limits]\n" if request.param == "limited" else "")
    stage = await house.gateway(await house.provider(echo), toml, {"limits": Limits})
    async with stage.connect("/named") as client:
        await client.send('{"start": {"model": "models/talker"}}')
        assert await client.recv() == '{"start": {"model": "models/m"}}'
        yield client


async def refusal(client: ClientConnection, message: Any) -> str:
    """The error that a client gets for a message that is refused."""
    await client.send(message)
    answer = json.loads(await client.recv())
    with pytest.raises(ConnectionClosed) as caught:
        await client.recv()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1008
    return str(answer["message"])


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        ('{"model":"talker"}', '{"model":"models/m"}'),
        ('{"model":"m"}', '{"model":"m"}'),
        (b'{"model": "models/talker", "x": 1.50}', b'{"model": "models/m", "x": 1.50}'),
        ('{"\\u006dodel": "talker"}', '{"\\u006dodel": "models/m"}'),
        ('{"models": [], "model": null}', '{"models": [], "model": null}'),
        ('{"tools": {"parameters": {"model": "x"}}}', '{"tools": {"parameters": {"model": "x"}}}'),
        ("a model", "a model"),
        (b"\x00model", b"\x00model"),
    ],
)
async def test_the_sessions_own_model_is_renamed_and_all_else_stays(
    session: ClientConnection, sent: str | bytes, wanted: str | bytes
) -> None:
    await session.send(sent)
    assert await session.recv() == wanted


@pytest.mark.parametrize(
    "message",
    [
        '{"model": "other"}',
        '{"start": {"model": "models/other"}}',
        '{"\\u006dodel": "other"}',
        '{"model": ["other"]}',
        b' {"model": "other"}',
        json.dumps({"model": "other", "input": "x" * 300_000}),
    ],
)
async def test_another_model_in_its_place_ends_the_session(
    session: ClientConnection, message: str | bytes
) -> None:
    assert "This session's model is 'talker'" in await refusal(session, message)


@pytest.mark.parametrize("session", ["limited"], indirect=True)
@pytest.mark.parametrize("name", ["scribe", "plain", "models/plain", "m", "talker"])
async def test_further_models_may_be_those_that_the_caller_may_use(
    session: ClientConnection, name: str
) -> None:
    message = json.dumps({"sound": [{"model": name}]})
    await session.send(message)
    assert await session.recv() == message


@pytest.mark.parametrize("session", ["limited"], indirect=True)
@pytest.mark.parametrize(
    "sound", [{"model": "other"}, {"models": ["plain", "other"]}, {"reasoning_model": "other"}]
)
async def test_a_further_model_that_the_caller_may_not_use_ends_the_session(
    session: ClientConnection, sound: dict[str, Any]
) -> None:
    answer = await refusal(session, json.dumps({"deep": [{"sound": sound}]}))
    assert answer == "The key may not use the model 'other', which is also named."


@pytest.mark.parametrize("session", ["free"], indirect=True)
async def test_a_caller_that_may_use_all_models_may_name_any_further_one(
    session: ClientConnection,
) -> None:
    message = '{"sound": {"model": "other"}}'
    await session.send(message)
    assert await session.recv() == message
