"""The pepper, without which the digests in the store can neither be verified nor attacked."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from attrs import frozen

from jackfield.errors import ConfigError
from jackfield.secrets import Secret, SecretError, SecretRef
from jackfield.setup import Setup
from jackfield.store import Conflict

SHORTEST: Final = 32
FILE: Final = "pepper"
PLACE: Final = "virtual_keys/pepper"
"""Where the store keeps what tells one pepper from another."""

_GATEWAY: Final = ""
_FEWEST_CHARACTERS: Final = 8
_HOW: Final = (
    "; make one with `python -c 'import secrets; print(secrets.token_hex(32))'` and keep it where"
    " the store's backups are not"
)


@frozen
class Pepper:
    """Computes the digests of secrets."""

    _value: bytes

    def __repr__(self) -> str:
        return "Pepper(***)"

    def digest(self, secret: str) -> str:
        """The digest of a secret, which the store keeps."""
        return hmac.digest(self._value, secret.encode(), hashlib.sha256).hex()

    @property
    def fingerprint(self) -> bytes:
        """Distinguishes it from other peppers."""
        return self.digest("jackfield virtual keys").encode()[:32]


async def read_pepper(setup: Setup, reference: SecretRef | None, table: str) -> Pepper:
    """The pepper of the configuration, or else that of this machine, created when first needed.

    Raises ConfigError.
    """
    path = f"plugins.{table}.pepper"
    try:
        if reference is None:
            file = setup.state_dir / FILE
            _make(file)
            reference = SecretRef("file", str(file.absolute()))
        pepper = await setup.secret(reference)
    except (SecretError, OSError) as error:
        raise ConfigError([f"{path}: {error}{_HOW}"]) from None
    return checked(pepper, path)


def checked(pepper: Secret, path: str) -> Pepper:
    """The pepper, if it is long enough. Raises ConfigError."""
    value = pepper.reveal()
    if len(value) < SHORTEST or len(set(value)) < _FEWEST_CHARACTERS:
        raise ConfigError([f"{path}: a pepper has at least {SHORTEST} random characters{_HOW}"])
    return Pepper(value.encode())


async def check_shared(setup: Setup, pepper: Pepper, table: str) -> None:
    """Check that users of a store share a pepper. Raises ConfigError, StoreUnavailable."""
    store = setup.store
    try:
        await store.put(_GATEWAY, PLACE, pepper.fingerprint, expect=0)
    except Conflict:
        kept = await store.get(_GATEWAY, PLACE)
        if kept is not None and not hmac.compare_digest(kept.data, pepper.fingerprint):
            raise ConfigError(
                [
                    f"plugins.{table}.pepper: the keys in the store were made with another pepper,"
                    " so that none would be accepted here. Machines that share a store share a"
                    " pepper: set `pepper` to the same secret on all of them, or copy the file"
                    f" {setup.state_dir / FILE} of the first one"
                ]
            ) from None


def _make(file: Path) -> None:
    """Create a pepper file; if several processes try, one succeeds."""
    if file.exists():
        return
    draft = file.with_name(f"{FILE}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(handle, "w", encoding="ascii") as writing:
            writing.write(secrets.token_hex(32) + "\n")
            writing.flush()
            os.fsync(writing.fileno())
        os.link(draft, file)
    except FileExistsError:
        return
    finally:
        draft.unlink()
