"""Secrets, their references and their sources."""

import copy
import json
import os
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from attrs import frozen

from jackfield.config import parse
from jackfield.errors import ConfigError
from jackfield.secrets import (
    Secret,
    SecretError,
    SecretRef,
    SecretSources,
    TextOrSecret,
    references,
)

VALUE = "canary-7f3a"


@frozen
class Holder:
    key: Secret


@frozen
class Keys:
    one: SecretRef
    many: tuple[SecretRef, ...]
    named: dict[str, SecretRef]
    nothing: SecretRef | None = None


def _file(path: Path, text: str, mode: int = 0o600) -> SecretRef:
    path.write_text(text)
    path.chmod(mode)
    return SecretRef("file", str(path))


def test_a_secret_never_prints() -> None:
    secret = Secret(VALUE)
    holder = Holder(secret)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:>20}",
    ]
    shown += [repr(holder), str(attrs.asdict(holder)), repr([secret]), repr({"k": secret})]
    assert VALUE not in "".join(shown)
    assert secret.reveal() == VALUE


def test_a_secret_cannot_be_dumped_or_changed() -> None:
    secret = Secret(VALUE)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(AttributeError, match="cannot be changed"):
        secret._value = "x"
    with pytest.raises(AttributeError, match="cannot be changed"):
        del secret._value


def test_secrets_are_equal_by_value() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret("é") != Secret("e")
    assert Secret(VALUE) != VALUE
    assert len({Secret(VALUE), Secret(VALUE), Secret("x")}) == 2


def test_a_copy_of_a_secret_is_the_secret() -> None:
    secret = Secret(VALUE)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


@pytest.mark.parametrize("text", ["env:KEY", "file:~/key", "vault:llm/groq#key_b", "aws_sm:a:b"])
def test_a_reference_reads_and_prints_alike(text: str) -> None:
    assert str(SecretRef.from_text(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        VALUE,
        f"{VALUE}:x",
        f"env:{VALUE}",
        "env:",
        "file: ",
        f"https://{VALUE}",
        f"Key:{VALUE}",
        ":x",
    ],
)
def test_what_is_no_reference_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="env:") as caught:
        SecretRef.from_text(text)
    assert VALUE not in str(caught.value)


async def test_a_variable_is_resolved_without_the_space_around_it() -> None:
    sources = SecretSources(environ={"KEY": f" {VALUE}\n"})
    assert await sources.resolve(SecretRef("env", "KEY")) == Secret(VALUE)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "the environment variable KEY is not set"),
        ({"KEY": ""}, "the environment variable KEY is empty"),
        ({"KEY": " \n"}, "the environment variable KEY is empty"),
    ],
)
async def test_a_variable_without_a_value_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(SecretError, match=message):
        await SecretSources(environ=environ).resolve(SecretRef("env", "KEY"))


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("long", "has over 65536 bytes"),
        ("~nobody-of-that-name/key", "does not exist"),
        ("a\0b", "cannot contain a NUL"),
    ],
)
async def test_a_file_that_cannot_be_a_secret_is_refused(
    tmp_path: Path, location: str, message: str
) -> None:
    (tmp_path / "long").write_text("k" * 65537)
    (tmp_path / "long").chmod(0o600)
    with pytest.raises(SecretError, match=message):
        await SecretSources(tmp_path).resolve(SecretRef("file", location))


@pytest.fixture
def shared() -> Iterator[Path]:
    """A file of root's, in a folder that everybody may enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder, "key")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to a group")
@pytest.mark.parametrize(("mode", "taken"), [(0o440, True), (0o444, False), (0o460, False)])
async def test_root_may_share_a_file_with_the_group_of_a_service(
    shared: Path, mode: int, taken: bool
) -> None:
    reference = _file(shared, VALUE, mode)
    os.chown(shared, 0, 4321)
    os.setegid(4321)
    os.seteuid(4321)
    try:
        if taken:
            assert (await SecretSources().resolve(reference)).reveal() == VALUE
        else:
            with pytest.raises(SecretError, match="others can"):
                await SecretSources().resolve(reference)
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.mark.parametrize(
    "sample",
    ["sk-1234", "changeme", "CHANGE-ME", "your-api-key", "your_api_key_here", "sk-xxxx", "<key>"],
)
def test_sample_values_are_refused(sample: str) -> None:
    with pytest.raises(SecretError, match="placeholder") as caught:
        SecretSources(environ={"KEY": sample}).check(SecretRef("env", "KEY"))
    assert sample not in str(caught.value)


@pytest.mark.parametrize("value", ["sk-1234abcd5678efgh", "gsk_x", "xai-1", "k"])
def test_values_that_only_begin_like_samples_are_taken(value: str) -> None:
    SecretSources(environ={"KEY": value}).check(SecretRef("env", "KEY"))


async def test_a_file_is_found_beside_the_configuration(tmp_path: Path) -> None:
    _file(tmp_path / "key", f"{VALUE}\n")
    sources = SecretSources(tmp_path)
    assert await sources.resolve(SecretRef("file", "key")) == Secret(VALUE)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    reference = _file(tmp_path / "key", VALUE, mode)
    with pytest.raises(SecretError, match=f"run: chmod 600 {tmp_path}/key"):
        SecretSources().check(reference)


def test_what_is_no_file_with_a_text_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    _file(tmp_path / "empty", " \n")
    (tmp_path / "binary").write_bytes(b"\xff")
    (tmp_path / "binary").chmod(0o600)
    for name, message in {
        "none": "does not exist",
        "pipe": "is not a file",
        "empty": "is empty",
        "binary": "is not text",
        ".": "cannot be read|is not a file",
    }.items():
        with pytest.raises(SecretError, match=message):
            SecretSources(tmp_path).check(SecretRef("file", name))


async def test_plugins_add_schemes_with_functions_or_coroutine_functions() -> None:
    async def slow(location: str) -> str:
        return f"slow {location}"

    sources = SecretSources(expected={"slow", "quick"})
    sources.register("slow", slow)
    sources.register("quick", lambda location: f"quick {location}")
    assert (await sources.resolve(SecretRef("slow", "a"))).reveal() == "slow a"
    assert (await sources.resolve(SecretRef("quick", "b"))).reveal() == "quick b"


async def test_an_unknown_scheme_is_refused_without_repeating_it() -> None:
    with pytest.raises(SecretError, match="known: env:, file:") as caught:
        await SecretSources().resolve(SecretRef("canary", VALUE))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["env", "file", "Bad", "a-b", "", "undeclared"])
def test_a_scheme_that_is_taken_or_no_word_or_unexpected_is_not_registered(scheme: str) -> None:
    with pytest.raises(ConfigError, match="scheme"):
        SecretSources(expected={"env", "file", "Bad", "a-b", ""}).register(scheme, str)


async def test_a_source_that_fails_is_named_with_the_reference() -> None:
    def locked(location: str) -> str:
        raise SecretError("the vault is sealed")

    sources = SecretSources(expected={"vault"})
    sources.register("vault", locked)
    with pytest.raises(SecretError, match="the secret vault:llm/key: the vault is sealed"):
        await sources.resolve(SecretRef("vault", "llm/key"))


def test_a_check_does_not_call_a_plugin() -> None:
    def resolve(location: str) -> str:
        raise AssertionError(f"resolved {location}")

    sources = SecretSources(expected={"vault"})
    sources.register("vault", resolve)
    sources.check(SecretRef("vault", "a"))


def test_references_are_found_with_their_paths() -> None:
    text = 'one = "env:A"\nmany = ["env:B", "env:C"]\nnamed.x = "vault:D"'
    config = parse(text).structure(Keys, ())
    assert [(path, str(reference)) for path, reference in references(config)] == [
        (("one",), "env:A"),
        (("many", 0), "env:B"),
        (("many", 1), "env:C"),
        (("named", "x"), "vault:D"),
    ]


def test_a_secret_that_cannot_be_had_is_reported_at_its_place() -> None:
    document = parse('[p]\none = "env:A"\nmany = ["env:NONE"]\nnamed = {}', "j.toml")
    sources = SecretSources(environ={"A": "k"})
    document.structure(Keys, ("p",), sources=sources)
    assert document.problems.lines == [
        "j.toml:3:9: p.many[0]: the environment variable NONE is not set"
    ]


@pytest.mark.parametrize("text", ["Bearer sk-live-4f7a", "basic dXNlcjpw", "sk-live-4f7a"])
def test_a_header_of_the_file_cannot_be_a_key(text: str) -> None:
    with pytest.raises(ValueError, match="a secret must not be in the file") as caught:
        TextOrSecret.from_text(text)
    assert text not in str(caught.value)


@pytest.mark.parametrize("text", ["application/json", "bearer", "2025-11-23", "env:KEY"])
def test_a_header_of_the_file_may_be_anything_else(text: str) -> None:
    assert str(TextOrSecret.from_text(text).value) == text
