"""Tests of the plugin in a complete gateway, and of the rules for all plugins."""

from jackfield.testing import check_plugin, run_gateway
from jackfield_example import Example

CONFIG = """
[plugins.example]
label = "tested"
forbidden = ["crocodile"]
"""

test_laws = check_plugin("example", config={"label": "checked", "forbidden": ["crocodile"]})


async def test_an_answer_has_the_label() -> None:
    async with run_gateway(CONFIG, {"example": Example}) as client:
        answer = await client.chat("Hello")
        assert answer.headers["x-label"] == "tested"
        assert await answer.text() == "Hello"


async def test_a_forbidden_word_is_refused_before_any_provider_call() -> None:
    async with run_gateway(CONFIG, {"example": Example}) as client:
        answer = await client.chat("See you later, Crocodile!")
        assert answer.status == 400
        assert client.fake.requests == []


async def test_a_stream_passes_unchanged() -> None:
    async with run_gateway(CONFIG, {"example": Example}) as client:
        answer = await client.chat("See you later", stream=True)
        assert await answer.text() == "See you later"
