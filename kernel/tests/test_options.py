"""The documentation of options."""

from pathlib import Path
from typing import Literal

from attrs import frozen

from jackfield._config.toml_text import toml_text
from jackfield.config import OptionDoc, Settings, describe, option, parse
from jackfield.secrets import SecretRef
from jackfield.timeouts import Timeouts


@frozen
class Key:
    secret: SecretRef = option(doc="Where the key is.")
    weight: int = option(1, "Its share.")


@frozen
class Sample:
    keys: tuple[SecretRef | Key, ...] = option((), "Used in turn.")
    mode: Literal["fast", "safe"] = option("safe", "How.")
    plain: float = 1.0
    tags: list[str] = option([], "Free words.")
    named: dict[str, Key] = option({}, "By tenant.")
    cache: Path | None = option(None, "Where to keep the cache.")
    timeouts: Timeouts = option(Timeouts(total=9.0))


def test_options_are_described_with_those_of_their_tables() -> None:
    described = {doc.path: (doc.type, doc.default) for doc in describe(Sample)}
    assert described == {
        "keys": ("array of secret references or tables", "[]"),
        "keys[].secret": ("secret reference", ""),
        "keys[].weight": ("integer", "1"),
        "mode": ('"fast" or "safe"', '"safe"'),
        "plain": ("number", "1"),
        "tags": ("array of strings", "[]"),
        "named": ("table of tables", "{}"),
        "named.*.secret": ("secret reference", ""),
        "named.*.weight": ("integer", "1"),
        "cache": ("path", ""),
        "timeouts": ("table", ""),
        "timeouts.connect": ("number", "5"),
        "timeouts.first_byte": ("number", "60"),
        "timeouts.between_events": ("number", "30"),
        "timeouts.total": ("number", "9"),
    }


def test_an_option_without_a_default_is_required() -> None:
    assert describe(Key)[0] == OptionDoc(
        path="secret",
        type="secret reference",
        default="",
        doc="Where the key is.",
        required=True,
    )


def test_defaults_that_can_change_are_not_shared() -> None:
    first, second = Sample(), Sample()
    first.tags.append("x")
    assert second.tags == []


def test_every_option_of_the_kernel_is_documented() -> None:
    sections = {"server", "upstream", "providers", "models", "plugins"}
    without = [doc.path for doc in describe(Settings) if not doc.doc and doc.path not in sections]
    assert [path for path in without if not path.startswith("upstream.timeouts.")] == []


def test_defaults_are_written_as_they_are_read() -> None:
    lines = [f"{doc.path} = {doc.default}" for doc in describe(Settings) if doc.default]
    simple = [line for line in lines if "*" not in line and not line.startswith("models")]
    document = parse("\n".join(simple))
    assert document.structure(Settings, ()) == Settings()


def test_a_number_is_written_in_full() -> None:
    numbers = [0.1, 1234567.891, 1e-12, 2.0**60, 30.0, 2**63 - 1]
    text = f"n = [{', '.join(toml_text(number) for number in numbers)}]"
    assert parse(text).tree == {"n": numbers}
    assert text.startswith("n = [0.1, 1234567.891, 1e-12, ")
