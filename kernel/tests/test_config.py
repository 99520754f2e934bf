"""Reading the configuration file."""

import os
import tempfile
from pathlib import Path

import pytest
from attrs import frozen

from jackfield.address import Address
from jackfield.config import (
    Document,
    PluginTable,
    ProviderTable,
    Settings,
    WeightedTarget,
    WellKnownKey,
    load,
    option,
    parse,
    read_settings,
    zero_configuration,
)
from jackfield.errors import ConfigError
from jackfield.timeouts import Timeouts


@frozen
class Instance:
    timeouts: Timeouts = option(Timeouts())
    cache: Path | None = None


def _settings(text: str) -> Settings:
    document = parse(text)
    settings = read_settings(document)
    document.problems.raise_if_any()
    return settings


def _refusal(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [problem.removeprefix(str(path)) for problem in caught.value.problems]


def test_an_empty_file_gives_the_default_settings() -> None:
    assert _settings("") == Settings()
    assert Settings().server.listeners == (Address("127.0.0.1", 4747),)


def test_the_order_of_tables_is_kept() -> None:
    settings = _settings("[plugins.z]\n[plugins.a]\nuse = 'b'\n[plugins.m]\non_error = 'skip'")
    assert settings.plugins == {
        "z": PluginTable(use="z"),
        "a": PluginTable(use="b"),
        "m": PluginTable(use="m", on_error="skip"),
    }
    assert list(settings.plugins) == ["z", "a", "m"]


def test_keys_of_plugins_and_providers_are_left_to_them() -> None:
    settings = _settings('[providers.groq]\nuse = "openai"\nbase_url = 1\n[plugins.x]\nkey = []')
    assert settings.providers == {"groq": ProviderTable(use="openai")}


def test_targets_are_names_or_names_with_a_weight() -> None:
    models = _settings(
        '[providers.p]\n[models.a]\ntargets = ["p/x/y", { model = "b", weight = 3 }]\n'
        '[models.b]\ntargets = ["p/x"]\nfallbacks = ["p/z"]'
    ).models
    assert models["a"].weighted == (
        WeightedTarget(model="p/x/y"),
        WeightedTarget(model="b", weight=3.0),
    )
    assert models["b"].fallbacks == ("p/z",)


def test_an_alias_may_look_like_a_model_of_a_provider() -> None:
    models = _settings(
        '[providers.p]\n[models."meta/llama"]\ntargets = ["p/x"]\n'
        '[models.a]\ntargets = ["meta/llama"]'
    ).models
    assert list(models) == ["meta/llama", "a"]


def test_given_providers_need_no_table() -> None:
    document = parse('[models.a]\ntargets = ["demo/echo"]')
    read_settings(document, given=["demo"])
    document.problems.raise_if_any()


def test_a_long_chain_of_aliases_is_followed_to_its_end() -> None:
    chain = "".join(f"[models.m{i}]\ntargets = ['m{i + 1}']\n" for i in range(1500))
    document = parse(f"{chain}[models.m1500]\ntargets = ['m0']")
    read_settings(document)
    (problem,) = document.problems.lines
    assert ": models.m1500.targets[0]: the alias leads back to itself: m0 -> m1 ->" in problem


def _model(target: str, name: str = "a") -> str:
    return f"[models.{name}]\ntargets = ['{target}']\n"


def test_the_number_of_reported_problems_is_limited() -> None:
    models = "".join(f"[models.m{i}]\ntargets = ['m{i - 1}', 'n{i}']\n" for i in range(2000))
    document = parse(models)
    with pytest.raises(ConfigError) as caught:
        read_settings(document)
    *problems, end = caught.value.problems
    assert len(problems) == 1000
    assert end == "jackfield.toml: too many problems; fix these first"


def test_of_many_names_some_are_listed() -> None:
    document = parse("".join(f"[providers.p{i}]\n" for i in range(100)) + _model("zebra/x"))
    read_settings(document)
    assert document.problems.lines[0].endswith(", p38, p39 and 60 more")


def test_of_a_long_circle_the_beginning_is_shown() -> None:
    circle = [_model(f"m{(i + 1) % 100}", name=f"m{i}") for i in range(100)]
    document = parse("".join(circle))
    read_settings(document)
    assert document.problems.lines[0].endswith("-> m9 -> m10 -> ... -> m0")


def test_several_addresses_are_listened_on() -> None:
    server = _settings('[server]\nbind = ["[::1]:0", "unix:/run/j.sock", "0.0.0.0:80"]').server
    assert [str(address) for address in server.listeners] == [
        "[::1]:0",
        "unix:/run/j.sock",
        "0.0.0.0:80",
    ]
    assert not server.is_loopback


PRIVATE = f"{tempfile.gettempdir()}/jackfield-{os.getuid()}"


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("", {"XDG_RUNTIME_DIR": "/run/user/1"}, Address(path="/run/user/1/jackfield-4747.sock")),
        ("", {}, Address(path=f"{PRIVATE}/jackfield-4747.sock")),
        ('bind = "127.0.0.1:0"', {"XDG_RUNTIME_DIR": "/run/user/1"}, None),
        ('admin = ""', {"XDG_RUNTIME_DIR": "/run/user/1"}, None),
        ('admin = "127.0.0.1:9"', {}, Address("127.0.0.1", 9)),
    ],
)
def test_operations_listen_beside_the_user_unless_configured_otherwise(
    text: str, environ: dict[str, str], expected: Address | None
) -> None:
    assert _settings(f"[server]\n{text}").server.admin_listener(environ) == expected


def test_a_table_given_in_part_is_completed_from_its_defaults() -> None:
    document = parse("[upstream]\ntimeouts.total = 90\n[providers.p]\ntimeouts = { connect = 1 }")
    upstream = read_settings(document).upstream
    made = document.structure(
        Instance, ("providers", "p"), defaults={"timeouts": upstream.timeouts}
    )
    assert made == Instance(timeouts=Timeouts(connect=1.0, total=90.0))


def test_paths_begin_at_the_directory_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "j.toml").write_text('[plugins.p]\ncache = "c/d"\n[plugins.q]\ncache = "/e"')
    document = load(tmp_path / "j.toml")
    assert document.structure(Instance, ("plugins", "p")) == Instance(cache=tmp_path / "c/d")
    assert document.structure(Instance, ("plugins", "q")) == Instance(cache=Path("/e"))


def test_paths_of_sockets_begin_at_the_directory_of_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    text = '[server]\nbind = ["unix:s/a", "unix:~/b"]\nadmin = "unix:/run/c"'
    server = read_settings(parse(text, directory=Path("/etc/j"))).server
    assert [str(each) for each in server.listeners] == ["unix:/etc/j/s/a", "unix:/home/me/b"]
    assert str(server.admin) == "unix:/run/c"


def test_a_wrong_table_does_not_hide_the_rest() -> None:
    document = parse("[server]\nworkers = 0\n[plugins.p]\nuse = 1\n[providers.q]")
    settings = read_settings(document)
    assert settings == Settings(
        providers={"q": ProviderTable(use="q")}, plugins={"p": PluginTable(use="p")}
    )
    assert len(document.problems.lines) == 2


def test_problems_are_sorted_by_their_place_and_reported_once() -> None:
    document = parse("a = 1\nb = [1, 2]\n", "x.toml")
    for path in [("b", 1), ("c",), ("a",), ("b", 1), ("b", 0, "z")]:
        document.problems.add(path, "wrong")
    assert document.problems.lines == [
        "x.toml:1:1: c: wrong",
        "x.toml:1:5: a: wrong",
        "x.toml:2:6: b[0].z: wrong",
        "x.toml:2:9: b[1]: wrong",
    ]


def test_without_a_file_there_is_a_provider_for_each_key_in_the_environment() -> None:
    environ = {"OPENAI_API_KEY": "k", "GROQ_API_KEY": " ", "XAI_API_KEY": "k"}
    known = {
        name: WellKnownKey(f"{name.upper()}_API_KEY", "openai")
        for name in ("openai", "groq", "xai")
    }
    assert zero_configuration(known, environ).tree["providers"] == {
        "demo": {},
        "openai": {"keys": ["env:OPENAI_API_KEY"]},
        "xai": {"use": "openai", "keys": ["env:XAI_API_KEY"]},
    }


def test_without_a_file_there_is_no_demo_where_it_is_not_installed() -> None:
    known = {"openai": WellKnownKey("OPENAI_API_KEY", "openai")}
    tree = zero_configuration(known, {"OPENAI_API_KEY": "k"}, demo=False).tree
    assert list(tree["providers"]) == ["openai"]
    assert zero_configuration(known, {}, demo=False).tree == {}


def test_the_text_is_not_in_the_repr() -> None:
    assert "canary" not in repr(parse('x = "canary"'))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert _refusal(tmp_path / "none.toml") == [": no such file; `jackfield init` creates one"]
    assert _refusal(tmp_path) == [": this is a directory; name the file in it"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xef\xbb\xbfa = 1", ":1:1: a byte order mark; save the file as UTF-8 without one"),
        ("a = 1".encode("utf-16"), ":1:1: this is UTF-16; save the file as UTF-8"),
        (
            "# é\r\nb = '€".encode() + b"\xe9'",
            ":2:7: byte 0xe9 is not UTF-8; save the file as UTF-8",
        ),
        (b"a = 1\r\nb = 2\r\n[c\r\n", ":3:3: Expected ']' at the end of a table declaration"),
        (
            b'[t]\na = [1, """\nx=2\n',
            ":2:9: Unterminated string: a string begins here and is not closed",
        ),
        (b"a = '''x, b = 3\n", ":1:5: Expected \"'''\": a string begins here and is not closed"),
        (
            b"a = 'x\nb = 'y'",
            ":1:7: Found invalid character '\\n':"
            " a string ends on its line; close it, or triple its quotes",
        ),
        (b"a = 'x\nb = 2", ':1:5: Expected "\'": a string begins here and is not closed'),
        (
            b"a.b = 1\na.b.c = 2",
            ":2:5: a.b.c: a.b is given in full at line 1 and cannot be added to here",
        ),
        (b"[[a]]\n[a]", ":2:2: a: defined twice, first at line 1; remove one of the two"),
        (b"a = []\n[[a]]", ":2:3: a: defined twice, first at line 1; remove one of the two"),
        (b"a = " + b"[" * 5000, ":1:1: arrays or tables are nested too deeply"),
    ],
)
def test_what_is_not_toml_is_refused_with_its_place(
    tmp_path: Path, data: bytes, problem: str
) -> None:
    path = tmp_path / "j.toml"
    path.write_bytes(data)
    assert _refusal(path) == [problem]


def test_a_number_that_python_will_not_read_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"jackfield.toml:1:5: a number is too long"):
        parse("a = " + "9" * 5000)


def test_a_value_is_found_by_its_path() -> None:
    document: Document = parse("a = [{ b = 1 }]")
    assert document.get(("a", 0, "b")) == 1
    assert document.get(("a", 1, "b")) is None
    assert document.get(("a", 0, "b", "c")) is None
