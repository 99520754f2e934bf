"""A stream is ended when its key is no longer good, and only then."""

import asyncio
from typing import Any

import pytest

from jackfield.testing import Answer, Gate
from jackfield_virtual_keys.grant import Grant
from jackfield_virtual_keys.keyring import Keyring


async def begin(office: Any, key: str) -> tuple[Answer, Gate]:
    """A stream with a key, of which the first half is there."""
    gate = Gate()
    office.client.fake.reply("one ", "two", gate=gate, at=2)
    answer: Answer = await office.ask(key, stream=True)
    async for batch in answer.batches():
        if b"one" in batch:
            break
    return answer, gate


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("keys/{}/revoke", {}),
        ("organizations/acme/revoke", {}),
        ("keys/{}/rotate", {"grace": "0"}),
    ],
)
async def test_a_stream_ends_in_an_error_event_when_its_key_is_revoked(
    office: Any, path: str, fields: dict[str, Any]
) -> None:
    key = await office.key()
    answer, _ = await begin(office, key)
    changed = await office.change(path.format(key[3:15]), **fields)
    assert changed.status == 200
    async with asyncio.timeout(5):
        assert b"unauthenticated" in await answer.read()
    assert office.client.fake.requests[-1].ended == "cancelled"


async def test_a_stream_outlives_other_keys_and_a_narrower_one(office: Any) -> None:
    key, other = await office.key(), await office.key()
    ended, _ = await begin(office, other)
    answer, gate = await begin(office, key)
    await office.change(f"keys/{key[3:15]}", models=["other/*"])
    await office.change(f"keys/{other[3:15]}/revoke")
    async with asyncio.timeout(5):
        assert b"unauthenticated" in await ended.read()
    gate.open()
    assert await answer.text() == "one two"


async def test_a_key_that_cannot_be_judged_keeps_no_other_stream_open(
    office: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, key = await office.key(), await office.key()
    kept, gate = await begin(office, broken)
    ended, _ = await begin(office, key)
    look_up = Keyring.look_up

    async def failing(self: Keyring, text: str) -> Grant:
        if text == broken:
            raise RuntimeError
        return await look_up(self, text)

    monkeypatch.setattr(Keyring, "look_up", failing)
    for one in (broken, key):
        await office.change(f"keys/{one[3:15]}/revoke")
    async with asyncio.timeout(5):
        assert b"unauthenticated" in await ended.read()
    gate.open()
    assert await kept.text() == "one two"
    assert "cannot be judged: RuntimeError" in caplog.text
