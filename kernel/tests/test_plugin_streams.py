"""A stream of a plugin's own that raises is reported as what it is, with its place in the log."""

import logging
from collections.abc import AsyncIterator

import pytest

from jackfield import CallNext, Exchange, Plugin, Response, Target, hookimpl
from jackfield.testing import run_gateway


class Stumbles(Plugin):
    """Wraps a stream, and falls over its third event."""

    mutates = frozenset({"response"})

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        response = await call_next(target)
        assert not isinstance(response.body, bytes)
        return Response(200, stumbling(response.body), response.content_type)


async def stumbling(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield await anext(body)
    yield await anext(body)
    raise RuntimeError("with words that may hold what a user said")


async def test_a_plugin_s_stream_that_raises_does_not_blame_the_provider(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with run_gateway("[plugins.stumbles]", {"stumbles": Stumbles}) as client:
        answer = await client.chat("one two three four", stream=True)
        assert b"internal_error" in await answer.read()
    assert "RuntimeError at" in caplog.text
    assert "in stumbling" in caplog.text
    assert "what a user said" not in caplog.text
    assert logging.getLevelName(caplog.records[-1].levelno) == "ERROR"
