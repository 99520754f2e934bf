"""Sealed proofs of reasoning: what goes in comes out, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackfield.events import ReasoningDelta
from jackfield.messages import Reasoning
from jackfield.proofs import MARK, is_sealed, seal, unseal

SIGNED = Reasoning("Hm.", signature="c2ln", extensions={"anthropic.messages": {"$redacted": True}})

texts = st.none() | st.text()
thoughts = st.builds(
    Reasoning,
    text=st.text(),
    id=texts,
    signature=texts,
    encrypted=texts,
    summary=st.booleans(),
    extensions=st.dictionaries(st.text(), st.dictionaries(st.text(), st.text() | st.integers())),
)


@given(thoughts)
def test_a_sealed_thought_comes_back_without_its_text(thought: Reasoning) -> None:
    sealed = seal(thought, unproven=True)
    assert is_sealed(sealed)
    assert unseal(sealed) == replace(thought, text="")


def test_a_proof_says_by_its_extensions_whose_it_is() -> None:
    thought = unseal(seal(SIGNED))
    assert thought is not None
    assert list(thought.extensions) == ["anthropic.messages"]


def test_the_proof_in_a_stream_is_sealed_as_that_of_a_whole_answer() -> None:
    delta = ReasoningDelta(0, signature="c2ln", extensions=SIGNED.extensions)
    assert seal(delta) == seal(SIGNED)


def test_a_thought_without_proof_is_sealed_only_where_it_is_wanted() -> None:
    assert seal(Reasoning("Hm.")) is None
    assert unseal(seal(Reasoning("Hm."), unproven=True)) == Reasoning()


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "gAAAAAB",
        MARK,
        MARK + "!",
        MARK + "e30",
        MARK + "W10=",
        MARK + "é",
        MARK + "bnVsbA==",
    ],
)
def test_what_is_no_sealed_proof_is_left_alone(text: str | None) -> None:
    assert unseal(text) is None


@given(st.text())
def test_no_text_breaks_the_seal(text: str) -> None:
    unseal(MARK + text)
