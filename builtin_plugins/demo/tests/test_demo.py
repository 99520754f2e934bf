"""The provider as the kernel uses it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from jackfield.dialects import Dialect
from jackfield.endpoints import Endpoint
from jackfield.errors import InvalidRequest, LossRefused, ProviderError, ProviderUnavailable
from jackfield.events import Ended, StreamEvent, TextDelta
from jackfield.exchange import Exchange, Request
from jackfield.messages import ChatRequest, EmbeddingsRequest, Message, Text
from jackfield_demo import Demo

DEMO = Demo(Demo.Config(tokens_per_second=0))


def _exchange() -> Exchange:
    endpoint = Endpoint("POST", "/chat", Dialect(), "chat", "chat")
    request = Request("POST", "/chat", "", {}, b"", {}, "")
    return Exchange("1", endpoint, endpoint.dialect, request, "chat", stream=True)


def _request(model: str, text: str = "Hello", **fields: Any) -> ChatRequest:
    return ChatRequest(model, (Message("user", (Text(text),)),), **fields)


async def _stream(request: ChatRequest, demo: Demo = DEMO) -> list[StreamEvent]:
    batches: list[Sequence[StreamEvent]] = [
        batch async for batch in demo.stream_chat(request, _exchange())
    ]
    return [event for batch in batches for event in batch]


async def test_the_listed_models_are_found_by_their_bare_names() -> None:
    assert all(DEMO.lists(model.id) for model in await DEMO.models())
    assert not DEMO.lists("gpt-4o")


@pytest.mark.parametrize(
    "request_",
    [
        _request("fail-429"),
        _request("echo", "Hello [demo: fail-429]"),
        _request("echo", metadata={"demo": "fail-429"}),
    ],
)
async def test_an_instruction_makes_a_request_fail_with_its_status(request_: ChatRequest) -> None:
    for answering in (DEMO.chat(request_, _exchange()), _stream(request_)):
        with pytest.raises(ProviderError, match="status 429") as failure:
            await answering
        assert (failure.value.upstream_status, failure.value.retry_after) == (429, 1.0)


async def test_an_instruction_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="fail-<400 to 599>"):
        await DEMO.chat(_request("echo", "[demo: explode]"), _exchange())


@pytest.mark.parametrize(("cut", "deltas"), [(0, 0), (2, 2), (1000, 3)])
async def test_a_cut_stream_has_no_end(cut: int, deltas: int) -> None:
    events = await _stream(_request(f"echo+cut-{cut}"))
    assert sum(isinstance(event, TextDelta) for event in events) == deltas
    assert Ended() not in events


async def test_a_cut_answer_is_no_answer() -> None:
    with pytest.raises(ProviderUnavailable, match="cut the connection"):
        await DEMO.chat(_request("cut-5"), _exchange())


async def test_a_stalled_stream_stops_after_its_first_word() -> None:
    stream = DEMO.stream_chat(_request("echo+stall"), _exchange())
    await anext(stream)
    assert await anext(stream) == (TextDelta(0, "You"),)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_whole_and_streamed_answers_hold_the_same_text_at_any_pace() -> None:
    whole = await DEMO.chat(_request("echo"), _exchange())
    events = await _stream(_request("echo"), Demo(Demo.Config(tokens_per_second=10_000)))
    streamed = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert whole.choices[0].message.parts == (Text(streamed),)
    assert events[-1] == Ended()


async def test_embeddings_come_in_the_order_of_the_inputs_and_are_counted() -> None:
    request = EmbeddingsRequest("embed", ("two words", (1, 2, 3)), dimensions=8)
    response = await DEMO.embeddings(request, _exchange())
    assert [len(vector) for vector in response.vectors] == [8, 8]
    assert response.usage is not None
    assert response.usage.input_tokens == 5
    default = await DEMO.embeddings(EmbeddingsRequest("embed", ("x",)), _exchange())
    assert len(default.vectors[0]) == 256


async def test_an_input_cannot_be_endless() -> None:
    with pytest.raises(InvalidRequest, match="8192 tokens"):
        await DEMO.embeddings(EmbeddingsRequest("embed", ("x " * 8193,)), _exchange())


@pytest.mark.parametrize("dimensions", [0, 5000])
async def test_a_vector_cannot_have_any_length(dimensions: int) -> None:
    with pytest.raises(InvalidRequest, match="between 1 and 4096"):
        await DEMO.embeddings(EmbeddingsRequest("embed", ("x",), dimensions), _exchange())


async def test_turns_that_the_demo_does_not_hold_are_not_left_out() -> None:
    with pytest.raises(LossRefused, match="send the whole conversation"):
        await DEMO.chat(_request("echo", server_state="resp_1"), _exchange())
