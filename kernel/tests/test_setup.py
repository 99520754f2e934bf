"""What a plugin gets when it starts."""

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
    with pytest.raises(ConfigError, match=r"server\.state_dir cannot be made: "):
        async with run_gateway(toml, {"keeps": KeepsState}):
            pass
