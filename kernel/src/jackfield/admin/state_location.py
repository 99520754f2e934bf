"""Where a gateway keeps its state, which identifies it among the gateways on a machine."""

import os
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from jackfield.admin.errors import OtherGateway

if TYPE_CHECKING:
    from jackfield.setup import Setup

STATE_HEADER: Final = "x-jackfield-state"
"""The header in which a command says which gateway it means."""


def state_location(directory: Path, state_dir: str) -> str:
    """The machine and the folder, however that is reached; "" if the folder is not visible.

    A folder that does not exist yet is identified by its path.
    """
    folder = directory / os.path.expanduser(state_dir)
    try:
        status = os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return f"{quote(gethostname())}/none{quote(os.path.realpath(folder))}"
    except OSError:
        return ""
    return f"{quote(gethostname())}/{status.st_dev:x}.{status.st_ino:x}"


def misdirected(given: str, setup: "Setup") -> OtherGateway | None:
    """The error for a command that means another gateway on this machine.

    On another machine, behind a tunnel or in a container, paths differ.
    """
    state_dir = setup.settings.server.state_dir
    here = state_location(setup.directory, state_dir)
    if not given or given == here or given.partition("/")[0] != here.partition("/")[0]:
        return None
    return OtherGateway(
        f"The gateway that answers here keeps its state in {setup.directory / state_dir}, and the"
        " configuration of this command says otherwise. Use the configuration of that gateway,"
        " or give each of the two its own `server.admin`."
    )
