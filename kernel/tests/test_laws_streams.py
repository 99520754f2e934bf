"""Streams end once, and what plugins hold back comes out, through the plugins further out."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield import Chunk, Exchange, Plugin, hookimpl, sse
from jackfield.testing import GatewayClient, Reply, run_gateway


class Joins(Plugin):
    """Holds all text back and gives it out as one event at the end."""

    mutates = frozenset({"response"})

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        held: list[str] = exchange.note(self, list)
        texts = [span.value for span in chunk.texts()]
        held += texts
        if chunk.final:
            joined = sse.encode(msgspec.json.encode({"text": "".join(held)}))
            last = chunk.with_texts({span.path: "" for span in chunk.texts()})
            return (Chunk(joined, chunk.dialect), last)
        return () if texts else None


class Shouts(Plugin):
    """Writes every text in capitals."""

    mutates = frozenset({"response"})

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        return (chunk.with_texts({span.path: span.value.upper() for span in chunk.texts()}),)


class EndsAtAComma(Plugin):
    """Ends the stream behind the first comma."""

    mutates = frozenset({"response"})

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        if b"," not in chunk.data or b'"text"' not in chunk.data:
            return None
        return (Chunk(chunk.data, chunk.dialect, final=True),)


PLUGINS = {"shouts": Shouts, "joins": Joins, "comma": EndsAtAComma}


def seen_by(client: GatewayClient, name: str) -> list[Chunk]:
    return [call.given for call in client.plugin(name).of("on_stream_chunk")]


async def test_what_is_flushed_passes_the_plugins_further_out() -> None:
    toml = "[plugins.shouts]\n[plugins.outer]\nuse='recorder'\n[plugins.joins]\n"
    async with run_gateway(toml, PLUGINS) as client:
        client.fake.reply("He", "llo")
        answer = await client.chat(stream=True)
        assert await answer.text() == "HELLO"
        texts = [chunk.data for chunk in seen_by(client, "outer") if b'"text"' in chunk.data]
        assert texts == [b'data: {"text":"Hello"}\n\n']


async def test_what_is_held_back_comes_out_of_a_cut_stream_before_the_error() -> None:
    async with run_gateway("[plugins.joins]\n", PLUGINS) as client:
        client.fake.reply("He", "llo", cut=True)
        answer = await client.chat(stream=True)
        events = [event async for event in answer.events()]
        assert events[-2] == b'data: {"text":"Hello"}\n\n'
        assert b"stream_truncated" in events[-1]


async def test_each_plugin_sees_one_final_chunk() -> None:
    async with run_gateway("[plugins.a]\nuse='recorder'\n[plugins.b]\nuse='recorder'") as client:
        await (await client.chat(stream=True)).read()
        for name in ("a", "b"):
            chunks = seen_by(client, name)
            assert [chunk.final for chunk in chunks].count(True) == 1
            assert chunks[-1].final
            assert not chunks[-1].aborted


async def test_after_a_cut_the_final_chunk_is_aborted_and_empty() -> None:
    async with run_gateway("[plugins.a]\nuse='recorder'") as client:
        client.fake.reply("Hello", cut=True)
        await (await client.chat(stream=True)).read()
        last = seen_by(client, "a")[-1]
        assert (last.final, last.aborted, last.data) == (True, True, b"")


@pytest.mark.parametrize("per_batch", [1, 3])
async def test_a_plugin_may_end_a_stream_early_and_the_provider_is_left(per_batch: int) -> None:
    async with run_gateway("[plugins.outer]\nuse='recorder'\n[plugins.comma]", PLUGINS) as client:
        client.fake.reply("One,", " two", " three", per_batch=per_batch)
        answer = await client.chat(stream=True)
        assert await answer.text() == "One,"
        assert seen_by(client, "outer")[-1].final
        assert client.settled[0].outcome.kind == "answered"
        assert client.fake.requests[0].ended == "cancelled"


async def test_an_early_end_flushes_the_plugins_further_out() -> None:
    async with run_gateway("[plugins.joins]\n[plugins.comma]", PLUGINS) as client:
        client.fake.reply("Ze", "ro, one,", " two")
        assert await (await client.chat(stream=True)).text() == "Zero, one,"


async def test_events_may_come_in_any_batches() -> None:
    for per_batch in (1, 2, 0):
        async with run_gateway("[plugins.shouts]\n[plugins.joins]", PLUGINS) as client:
            client.fake.reply("He", "llo", " you", per_batch=per_batch)
            assert await (await client.chat(stream=True)).text() == "HELLO YOU"


@settings(max_examples=30)
@given(texts=st.lists(st.text(min_size=1, max_size=5), max_size=6), per_batch=st.integers(0, 4))
def test_the_text_is_the_same_however_a_stream_is_cut(texts: list[str], per_batch: int) -> None:
    async def text_of_answer() -> str:
        async with run_gateway("[plugins.shouts]\n[plugins.joins]", PLUGINS) as client:
            client.fake.always(Reply((*texts, "."), per_batch=per_batch))
            return await (await client.chat(stream=True)).text()

    assert asyncio.run(text_of_answer()) == f"{''.join(texts)}.".upper()
