"""Who can reach the gateway at all: loopback unless the file says more, and says it in full."""

import stat
from pathlib import Path

import pytest
from tests.security.guards import GUARDS

from jackfield._cli import main
from jackfield._loader import Installed, Loader
from jackfield._server.sockets import bind_all, close_all
from jackfield.config import Settings, parse, read_settings, zero_configuration
from jackfield.errors import ConfigError
from jackfield.secrets import SecretSources
from jackfield.testing import run_gateway

UNAUTHENTICATED = "no plugin authenticates them"
CLEAR_TEXT = "clear text"
OPEN = [
    *("0.0.0.0:4747", "[::]:4747", "192.168.1.5:80", "[fe80::1]:80", "gateway.example:443"),
    *("10.0.0.1:4747", "[::ffff:10.0.0.1]:4747", "169.254.1.1:1", "localhost.example:80"),
]
LOOPBACK = ["127.0.0.1:0", "localhost:0", "[::1]:0", "127.9.9.9:0", "unix:/tmp/jackfield.sock"]


def problems(toml: str) -> str:
    """What the loader has against a configuration."""
    document = parse(toml)
    settings = read_settings(document)
    Loader(document, settings, Installed({}, GUARDS), SecretSources()).load()
    try:
        document.problems.raise_if_any()
    except ConfigError as error:
        return str(error)
    return ""


def server(bind: str, more: str = "", plugins: str = "") -> str:
    return f'[server]\nbind = "{bind}"\nfront_doors = []\n{more}\n{plugins}'


@pytest.mark.parametrize("bind", OPEN)
def test_an_open_address_needs_two_things_and_both_are_named(bind: str) -> None:
    found = problems(server(bind))
    assert UNAUTHENTICATED in found
    assert CLEAR_TEXT in found


@pytest.mark.parametrize("bind", OPEN)
def test_each_of_the_two_is_named_alone(bind: str) -> None:
    found = problems(server(bind, "behind_proxy = true"))
    assert UNAUTHENTICATED in found
    assert CLEAR_TEXT not in found
    found = problems(server(bind, plugins="[plugins.key_guard]"))
    assert UNAUTHENTICATED not in found
    assert CLEAR_TEXT in found


def test_with_both_an_open_address_is_accepted() -> None:
    assert not problems(server("0.0.0.0:4747", "behind_proxy = true", "[plugins.key_guard]"))


def test_one_open_address_among_others_is_enough_to_refuse() -> None:
    toml = '[server]\nbind = ["127.0.0.1:1", "0.0.0.0:1"]\nfront_doors = []'
    assert UNAUTHENTICATED in problems(toml)


@pytest.mark.parametrize("bind", LOOPBACK)
def test_loopback_needs_nothing(bind: str) -> None:
    assert not problems(server(bind))


@pytest.mark.parametrize("admin", OPEN)
def test_the_admin_listener_never_faces_other_machines(admin: str) -> None:
    found = problems(server("127.0.0.1:4747", f'admin = "{admin}"', "[plugins.key_guard]"))
    assert "admin" in found
    assert "Unix socket" in found


def test_without_a_configuration_only_loopback_is_listened_on() -> None:
    for settings in (Settings(), read_settings(zero_configuration({}, {}))):
        assert [str(address) for address in settings.server.listeners] == ["127.0.0.1:4747"]
        admin = settings.server.admin_listener({})
        assert admin is not None
        assert admin.path


def test_the_command_ends_with_2_and_names_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "jackfield.toml"
    path.write_text(server("0.0.0.0:0"))
    for command in (["serve", "--config", str(path)], ["check", "--config", str(path)]):
        assert main(command) == 2, command
        found = "".join(capsys.readouterr())
        assert UNAUTHENTICATED in found
        assert CLEAR_TEXT in found


def test_a_unix_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    listeners = bind_all([f"unix:{path}"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    close_all(listeners)


async def test_the_admin_endpoints_are_only_on_the_admin_listener() -> None:
    async with run_gateway() as gateway:
        for path in ("/jackfield/plugins", "/jackfield/endpoints"):
            assert (await gateway.get(path)).status == 404
