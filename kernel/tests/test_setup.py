"""What a plugin gets when it starts."""

import os
from pathlib import Path

import pytest

from jackfield import Plugin, Setup
from jackfield.errors import ConfigError
from jackfield.testing import run_gateway


class KeepsState(Plugin):
    """Needs the folder for state."""

    async def start(self, setup: Setup) -> None:
        assert setup.state_dir.is_dir()


@pytest.mark.parametrize("folder", ["/proc/nowhere", "~nobody-of-that-name/state"])
async def test_a_state_dir_that_cannot_be_made_is_named(folder: str) -> None:
    toml = f'[server]\nstate_dir = "{folder}"\n[plugins.keeps]'
    with pytest.raises(ConfigError, match=r"server\.state_dir cannot be used: "):
        async with run_gateway(toml, {"keeps": KeepsState}):
            pass


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o720, 0o702])
async def test_a_state_dir_that_others_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    os.chmod(tmp_path, mode)
    toml = f"[server]\nstate_dir = {str(tmp_path)!r}\n[plugins.keeps]"
    message = rf"server\.state_dir .* to {tmp_path} .* mode {mode:04o}.* chmod go-w {tmp_path}"
    with pytest.raises(ConfigError, match=message):
        async with run_gateway(toml, {"keeps": KeepsState}):
            pass
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("mode", [0o700, 0o755])
async def test_a_state_dir_that_others_cannot_write_to_is_accepted(
    tmp_path: Path, mode: int
) -> None:
    os.chmod(tmp_path, mode)
    toml = f"[server]\nstate_dir = {str(tmp_path)!r}\n[plugins.keeps]"
    async with run_gateway(toml, {"keeps": KeepsState}) as gateway:
        assert (await gateway.get("/ready")).status == 200


class ForgetsTheStore(Plugin):
    """Uses the store without saying so in its class."""

    async def start(self, setup: Setup) -> None:
        await setup.store.time()


async def test_a_plugin_that_does_not_declare_that_it_needs_the_store_gets_a_remedy() -> None:
    with pytest.raises(ConfigError, match="without `needs_store = True` in its class"):
        async with run_gateway("[plugins.forgets]", {"forgets": ForgetsTheStore}):
            pass
