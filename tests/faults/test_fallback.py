"""A second target is tried while nothing has been sent to the client, and never after."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import openai
import pytest
from tests.faults.faultd import Faultd
from tests.faults.gateway import config, serving
from tests.faults.views import PATHS, chat, send

STATUSES = [f"status-{status}" for status in (401, 402, 503, 520)]
EARLY = ["refuse", "reset", "silent", "cut-sse-0", "error-first", "garbage", "html", *STATUSES]
LATE = ["cut-sse-1", "stream-error", "reset-sse-1", "stall-1"]


def pairs() -> str:
    """An alias for each fault, whose fallback is a target that is well."""
    lines = []
    for fault in EARLY + LATE:
        lines += [f'[models."{fault}"]', f'targets = ["same/fault-{fault}"]']
        lines += ['fallbacks = ["other/well"]']
    return "\n".join([*lines, ""])


@pytest.fixture
async def url(directory: Path) -> AsyncIterator[str]:
    async with Faultd() as upstream:
        toml = config(upstream.base_url, pairs())
        async with serving(directory, toml) as gateway:
            yield gateway.url


async def test_before_the_first_byte_another_target_answers(url: str) -> None:
    async with aiohttp.ClientSession(url) as session:
        for fault in EARLY:
            view = await send(session, PATHS["chat"], chat(fault, stream=True))
            assert (view.kind, view.headers["x-jackfield-target"]) == ("success", "other/well"), (
                fault
            )


async def test_after_the_first_byte_no_other_target_answers(url: str) -> None:
    async with aiohttp.ClientSession(url) as session:
        for fault in LATE:
            view = await send(session, PATHS["chat"], chat(fault, stream=True))
            assert view.kind == "error event", fault
            assert view.headers["x-jackfield-target"] == f"same/fault-{fault}"


async def test_openai_s_own_client_sees_a_cut_as_an_error(url: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="same/fault-cut-sse", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        with pytest.raises(openai.APIError, match="cut off"):
            async for _ in stream:
                pass


async def test_openai_s_own_client_sees_a_broken_answer_as_an_error(url: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        with pytest.raises(openai.InternalServerError) as raised:
            await client.responses.create(model="other/fault-html", input="Hi")
    assert raised.value.status_code == 502
    assert raised.value.request_id
