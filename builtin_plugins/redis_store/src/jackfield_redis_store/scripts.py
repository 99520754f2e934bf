"""Lua scripts that the server runs atomically, identified by their digests."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from attrs import field, frozen

_FOLDER: Final = Path(__file__).parent / "lua"


@frozen
class Script:
    """A script. Its text has to be sent to each server once."""

    text: bytes = field(repr=False)
    digest: str

    @classmethod
    def of(cls, *names: str) -> "Script":
        """A script made of several files; each may use those before it."""
        text = b"\n".join(_file(name) for name in names)
        return cls(text, hashlib.sha1(text).hexdigest())  # noqa: S324 - required by the server


@cache
def _file(name: str) -> bytes:
    return (_FOLDER / f"{name}.lua").read_bytes()


def _on_owners(name: str) -> Script:
    return Script.of("amounts", "owners", name)


def _on_accounts(name: str) -> Script:
    return Script.of("amounts", "owners", "accounts", name)


ACQUIRE: Final = _on_accounts("acquire")
BALANCES: Final = _on_accounts("balances")
BORN: Final = _on_owners("born")
CLOSE_OWNER: Final = _on_owners("close_owner")
DELETE: Final = Script.of("delete")
FORGET_RECORDS: Final = Script.of("forget_records")
GIVE_BACK: Final = _on_owners("give_back")
POST: Final = _on_owners("post")
PUT: Final = Script.of("put")
RECORDS: Final = Script.of("records")
RENEW: Final = _on_owners("renew")
RESTATE: Final = _on_owners("restate")
SCAN: Final = Script.of("scan")
