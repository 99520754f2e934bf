"""The text of keys: whole, mistyped, cut off."""

from hypothesis import given
from hypothesis import strategies as st

from jackfield_virtual_keys.key_text import (
    KeyText,
    is_key_like,
    new_key_text,
    read_key,
    written,
)

KEY = written(new_key_text())
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"


def test_a_key_reads_as_it_was_written() -> None:
    key = new_key_text()
    assert read_key(written(key)) == key
    assert written(key).startswith(f"jf-{key.id}-")
    assert (len(key.id), len(key.secret)) == (12, 43)


def test_no_two_keys_are_alike() -> None:
    assert len({new_key_text() for _ in range(1_000)}) == 1_000


def test_another_secret_can_be_made_for_an_id() -> None:
    key = new_key_text()
    again = new_key_text(key.id)
    assert again.id == key.id
    assert again.secret != key.secret


@given(st.integers(0, len(KEY) - 1), st.sampled_from(DIGITS))
def test_every_wrong_letter_is_found(at: int, letter: str) -> None:
    mistyped = KEY[:at] + letter + KEY[at + 1 :]
    assert (read_key(mistyped) is None) == (mistyped != KEY)


@given(st.integers(0, len(KEY) - 1), st.integers(0, len(KEY)))
def test_a_part_of_a_key_is_no_key(start: int, end: int) -> None:
    assert read_key(KEY[start:end]) is None or KEY[start:end] == KEY


@given(st.text())
def test_no_other_text_is_a_key(text: str) -> None:
    assert read_key(text) is None


def test_a_secret_is_not_printed() -> None:
    key = KeyText("a" * 12, "s" * 43)
    assert "s" * 43 not in f"{key} {key!r} {[key]}"


def test_what_is_meant_to_be_a_key_is_known_by_its_beginning() -> None:
    assert is_key_like(KEY)
    assert is_key_like(f"/v1/{KEY[:20]}")
    assert is_key_like(KEY.upper())
    assert not is_key_like("sk-proj-123")
    assert not is_key_like("/v1/models/jf-9")
