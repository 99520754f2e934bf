"""The plugin: what it takes for a configuration, and what it does when the server is away."""

import re
from pathlib import Path

import pytest
from builtin_plugins.redis_store.tests.callers import probe, until
from builtin_plugins.redis_store.tests.redis_servers import Process, running

from jackfield import ConfigError
from jackfield.store import Entry
from jackfield.testing import GatewayClient, check_plugin, run_gateway
from jackfield_redis_store import opened
from jackfield_redis_store.data_version import PLACE, VERSION

NOWHERE = "redis://127.0.0.1:1/0"
PATIENT = "answer_ms = 5000\n"
"""A busy machine is no failure of the server."""

test_laws = check_plugin("redis_store", config={"url": NOWHERE})


def _table(url: str, more: str = PATIENT) -> str:
    return f'[plugins.redis_store]\nurl = "{url}"\nrecovery_seconds = 0\n{more}'


async def _status(toml: str, directory: Path) -> int:
    async with run_gateway(toml, directory=directory) as client:
        return (await client.get("/ready")).status


async def test_a_gateway_with_a_server_is_ready(server: Process, tmp_path: Path) -> None:
    assert await _status(_table(server.url), tmp_path) == 200


async def test_a_gateway_starts_without_the_server_and_is_ready_when_it_is_there(
    tmp_path: Path,
) -> None:
    later = Process("redis-server", tmp_path / "later")
    async with run_gateway(_table(later.url), directory=tmp_path) as client:
        answer = await client.get("/ready")
        assert answer.status == 503
        with running(later):
            await until(lambda: _is_ready(client))


async def _is_ready(client: GatewayClient) -> bool:
    return (await client.get("/ready")).status == 200


async def test_a_server_that_is_required_is_waited_for_in_vain(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:1/0 cannot be reached"):
        await _status(_table(NOWHERE, "required = true"), tmp_path)


async def test_a_wrong_password_refuses_the_start(
    server: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_PASSWORD", "made-up-for-this-test")
    with pytest.raises(ConfigError, match="refuses the username and password") as caught:
        await _status(_table(server.url, 'password = "env:REDIS_PASSWORD"'), tmp_path)
    assert "made-up" not in str(caught.value)


async def test_a_server_of_a_cluster_has_to_be_called_one(tmp_path: Path) -> None:
    own = Process("redis-server", tmp_path / "own", ("--cluster-enabled", "yes"))
    with (
        running(own),
        pytest.raises(ConfigError, match='is one of a cluster; set mode = "cluster"'),
    ):
        await _status(_table(own.url), tmp_path)


async def test_a_sentinel_in_the_place_of_a_server_is_reported(tmp_path: Path) -> None:
    own = Process("redis-server", tmp_path / "own")
    own.folder.mkdir()
    own.folder.joinpath("sentinel.conf").write_text("sentinel monitor main 127.0.0.1 1 1\n")
    with running(own), pytest.raises(ConfigError, match='is a sentinel; set mode = "sentinel"'):
        await _status(_table(own.url), tmp_path)


async def test_data_of_a_newer_version_is_left_alone(server: Process, tmp_path: Path) -> None:
    table = _table(server.url, 'prefix = "newer"\n' + PATIENT)
    assert await _status(table, tmp_path) == 200
    async with opened(server.url, prefix="newer") as store:
        await store.put("", PLACE, b"%d" % (VERSION + 1))
        with pytest.raises(ConfigError, match="knows 1; upgrade jackfield-redis-store"):
            await _status(table, tmp_path)
        await store.put("", PLACE, b"%d" % VERSION)
    assert await _status(table, tmp_path) == 200


async def test_a_server_that_is_no_cluster_is_reported(server: Process, tmp_path: Path) -> None:
    async with run_gateway(_table(server.url, 'mode = "cluster"'), directory=tmp_path) as client:
        answer = await client.get("/ready")
        assert b"cluster support disabled" in await answer.read()


@pytest.mark.parametrize(
    ("arguments", "is_warned"), [((), True), (("--appendonly", "yes"), False)], ids=str
)
async def test_a_server_that_keeps_nothing_on_disk_is_warned_of(
    arguments: tuple[str, ...], is_warned: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running(Process("redis-server", tmp_path / "own", arguments)) as own:
        assert await _status(_table(own.url), tmp_path) == 200
    assert ("set appendonly to yes" in caplog.text) == is_warned


async def test_a_server_that_does_not_show_what_it_drops_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running(Process("redis-server", tmp_path / "own")) as own:
        own.execute("ACL", "SETUSER", "blind", "on", ">made-up", "+@all", "-info", "~*", "&*")
        async with opened(own.url.replace("127", "blind:made-up@127"), deadline=1.0) as store:
            await probe(store)
    assert "give the user +info" in caplog.text


async def test_a_password_in_a_secret_url_is_used_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = Process("redis-server", tmp_path / "own", ("--requirepass", "made-up-for-this-test"))
    with running(own):
        right = own.url.replace("127", ":made-up-for-this-test@127")
        monkeypatch.setenv("REDIS_URL", right)
        assert await _status(_table("env:REDIS_URL"), tmp_path) == 200
        monkeypatch.setenv("REDIS_URL", right.replace("-for", "-wrong"))
        with pytest.raises(ConfigError) as caught:
            await _status(_table("env:REDIS_URL"), tmp_path)
    assert "made-up" not in str(caught.value) + caplog.text


async def test_the_rights_that_are_documented_are_enough(tmp_path: Path) -> None:
    readme = Path(__file__).parents[1].joinpath("README.md").read_text()
    rights = re.search(
        r"`(\+@read[^`]*)`.*?`(~[^`]*)`.*?`(resetchannels &[^`]*)`", readme, re.DOTALL
    )
    assert rights is not None
    own = Process("redis-server", tmp_path / "own")
    with running(own):
        words = " ".join(rights.groups()).split()
        answer = own.execute("ACL", "SETUSER", "jackfield", "on", ">made-up", *words)
        assert answer == "+OK\r\n"
        url = own.url.replace("127", "jackfield:made-up@127")
        async with opened(url, deadline=1.0) as store:
            letters = store.listen("c")
            assert await anext(letters) is None
            await store.publish("c", b"1")
            assert await store.put("s", "k", b"") == 1
            await store.post("o", 1, [Entry("s", 0.0, b"r")])
            assert await store.forget_records(1.0) == 1
            assert await store.time()
            await probe(store)
            assert await store.health() is None


async def test_a_secret_that_is_no_url_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "made-up.example.com:6379")
    with pytest.raises(
        ConfigError, match="what env:REDIS_URL stands for is wrong: not the URL"
    ) as caught:
        await _status(_table("env:REDIS_URL"), tmp_path)
    assert "made-up" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ('mode = "sentinel"', "needs `sentinels`"),
        ('sentinels = ["127.0.0.1:26379"]', 'need mode = "sentinel"'),
        ('nodes = ["127.0.0.1:7001"]', 'needs mode = "cluster"'),
        ('mode = "clusters"', "did you mean"),
        ('prefix = "a{b}"', "prefix"),
        ('key_file = "key.pem"', "needs `cert_file`"),
        ('ca_file = "ca.pem"', "`ca_file` and `cert_file` are for TLS"),
        ('tls = true\nca_file = "missing.pem"', r"ca_file: .*missing\.pem holds no certificates"),
        (
            'tls = true\ncert_file = "missing.pem"',
            r"cert_file: .*missing\.pem holds no certificate",
        ),
        ("answer_ms = 1", "answer_ms"),
    ],
)
async def test_what_does_not_fit_together_is_refused(
    more: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=problem):
        await _status(_table(NOWHERE, more), tmp_path)


async def test_a_new_server_is_waited_for_at_the_start(tmp_path: Path) -> None:
    own = Process("redis-server", tmp_path / "own")
    with running(own):
        toml = f'[plugins.redis_store]\nurl = "{own.url}"\nrecovery_seconds = 0.3\n{PATIENT}'
        assert await _status(toml, tmp_path) == 200
