"""What a request may ask to go wrong."""

import pytest

from jackfield.errors import ModelNotFound
from jackfield_demo import catalogue
from jackfield_demo.instructions import Instructions, without_instructions, words_in


@pytest.mark.parametrize(
    ("model", "base", "instructions"),
    [
        ("chat", "chat", Instructions()),
        ("fail-503", "chat", Instructions(status=503)),
        ("echo+cut-5", "echo", Instructions(cut=5)),
        ("delay-2s", "chat", Instructions(delay=2)),
        ("think+delay-250ms+delay-1.5s+stall", "think", Instructions(delay=1.75, stall=True)),
    ],
)
def test_a_models_name_holds_its_base_and_instructions(
    model: str, base: str, instructions: Instructions
) -> None:
    assert catalogue.read_chat_model(model) == (base, instructions)


@pytest.mark.parametrize(
    "model", ["", "gpt-4o", "embed", "fail-200", "echo+", "echo+chat", "cut-x"]
)
def test_an_unknown_model_is_not_found_and_the_error_lists_those_there_are(model: str) -> None:
    with pytest.raises(ModelNotFound, match=r"echo, chat, think, .* 'echo\+delay-2s'"):
        catalogue.read_chat_model(model)


def test_embedding_models_are_named_likewise() -> None:
    assert catalogue.read_embedding_model("embed") == Instructions()
    assert catalogue.read_embedding_model("embed+fail-500") == Instructions(status=500)
    with pytest.raises(ModelNotFound, match="It has embed;"):
        catalogue.read_embedding_model("echo")


@pytest.mark.parametrize("model", catalogue.ALL)
def test_every_listed_model_answers(model: str) -> None:
    read = catalogue.read_embedding_model if model == "embed" else catalogue.read_chat_model
    assert read(model)


def test_instructions_in_a_text_are_read_and_taken_out() -> None:
    text = "Hello [demo: fail-429, delay-1s] there [demo:stall] [other: x]"
    assert words_in(text) == ["fail-429", "delay-1s", "stall"]
    assert without_instructions(text) == "Hello  there  [other: x]"
