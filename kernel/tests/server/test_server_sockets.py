"""Listening sockets: who may connect, and who may not listen there as well."""

import os
import socket
import stat
from pathlib import Path

import pytest

from jackfield._server import sockets
from jackfield._server.sockets import (
    addresses_of,
    bind_all,
    bind_private,
    bind_workers,
    close_all,
    open_to,
)
from jackfield.errors import ConfigError


def test_a_stale_unix_socket_is_taken_over_but_not_a_live_one(tmp_path: Path) -> None:
    bind = f"unix:{tmp_path}/sock"
    close_all(bind_all([bind]))
    live = bind_all([bind])
    with pytest.raises(ConfigError, match="sock"):
        bind_all([bind])
    close_all(live)


def test_workers_of_another_gateway_share_no_port_with_these() -> None:
    first, second = bind_workers(["127.0.0.1:0"], 2)
    bind = f"127.0.0.1:{first[0].getsockname()[1]}"
    with pytest.raises(ConfigError, match=f"{bind}.*in use"):
        bind_workers([bind], 2)
    close_all([*first, *second])


def test_a_file_in_place_of_a_unix_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    path.write_text("precious")
    with pytest.raises(ConfigError):
        bind_all([f"unix:{path}"])
    assert path.read_text() == "precious"


@pytest.mark.parametrize("count", [1, 2])
def test_an_address_that_stands_there_twice_is_refused(count: int, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = chosen.getsockname()[1]
    for binds in (
        [f"127.0.0.1:{port}"] * 2,
        [f"0.0.0.0:{port}", f"127.0.0.1:{port}"],
        [f"unix:{tmp_path}/sock"] * 2,
    ):
        with pytest.raises(ConfigError, match=f"server.bind: .*{binds[1]}.*in use"):
            bind_workers(binds, count)


def test_the_admin_listener_names_its_own_key(tmp_path: Path) -> None:
    live = bind_all([f"unix:{tmp_path}/sock"])
    with pytest.raises(ConfigError, match=r"server\.admin: .*in use"):
        bind_private(f"unix:{tmp_path}/sock")
    close_all(live)


def test_unix_sockets_are_opened_to_who_shall_connect(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    listeners = bind_all(["127.0.0.1:0", f"unix:{path}"])
    group = next((each for each in os.getgroups() if each != os.getgid()), os.getgid())
    open_to(listeners, "660", str(group))
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (0o660, group)
    open_to(listeners, "666", "")
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (0o666, group)
    with pytest.raises(ConfigError, match=r"server\.socket_group: .*no such group: 'nobodys'"):
        open_to(listeners, "660", "nobodys")
    close_all(listeners)


def test_workers_share_port_and_unix_socket(tmp_path: Path) -> None:
    workers = bind_workers(["127.0.0.1:0", f"unix:{tmp_path}/sock"], 3)
    addresses = [[each.getsockname() for each in taken] for taken in workers]
    assert addresses[0] == addresses[1] == addresses[2]
    assert all(each.family in {socket.AF_INET, socket.AF_UNIX} for each in workers[2])
    for taken in workers:
        close_all(taken)


@pytest.fixture
def from_systemd(monkeypatch: pytest.MonkeyPatch) -> int:
    """The number of a socket that is handed over to this process."""
    number = socket.create_server(("127.0.0.1", 0)).detach()
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setattr(sockets, "_FIRST_FROM_SYSTEMD", number)
    return number


@pytest.mark.parametrize("count", [1, 2])
def test_where_systemd_listens_its_socket_is_taken(from_systemd: int, count: int) -> None:
    with socket.socket(fileno=os.dup(from_systemd)) as opened:
        (bind,) = addresses_of([opened])
    workers = bind_workers([bind, "127.0.0.1:0"], count)
    assert workers[0][0].fileno() == from_systemd
    assert [addresses_of(taken)[0] for taken in workers] == [bind] * count
    assert not {"LISTEN_PID", "LISTEN_FDS"} & os.environ.keys()
    for taken in workers:
        close_all(taken)


def test_where_systemd_listens_the_file_says_so_too(from_systemd: int) -> None:
    with pytest.raises(ConfigError, match=r"systemd listens on 127\.0\.0\.1:\d+ as well"):
        bind_all(["127.0.0.1:0"])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(from_systemd)


@pytest.mark.parametrize(("name", "value"), [("LISTEN_PID", "1"), ("LISTEN_FDS", "0")])
def test_what_systemd_hands_to_others_is_left_alone(
    from_systemd: int, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    close_all(bind_all(["127.0.0.1:0"]))
    os.close(from_systemd)
