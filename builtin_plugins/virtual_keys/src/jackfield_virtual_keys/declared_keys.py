"""Keys that the configuration file declares; their texts are secrets that it refers to."""

from collections.abc import Mapping
from typing import Any, Final

import attrs
from attrs import frozen

from jackfield.config import option
from jackfield.errors import ConfigError
from jackfield.secrets import SecretError, SecretRef
from jackfield.setup import Setup

from .holders import VirtualKey
from .key_text import KeyText, read_key
from .pepper import Pepper

_HOW: Final = "; make one with `python -m jackfield_virtual_keys` and keep it there"


@frozen(kw_only=True)
class DeclaredKey(VirtualKey):
    """A key in the configuration file."""

    key: SecretRef = option(doc="The whole key, as `env:NAME` or `file:PATH`.")


async def read_keys(
    setup: Setup, declared: Mapping[str, DeclaredKey], pepper: Pepper, table: str
) -> dict[str, VirtualKey]:
    """The declared keys, by their ids. Raises ConfigError."""
    found: dict[str, VirtualKey] = {}
    for name, one in declared.items():
        path = f"plugins.{table}.keys.{name}.key"
        text = await _read(setup, one.key, path)
        if text.id in found:
            raise ConfigError([f"{path}: this key, or one with the same id, is declared twice"])
        given: dict[str, Any] = {
            field.name: getattr(one, field.name) for field in attrs.fields(VirtualKey)
        }
        given |= {"name": one.name or name, "digest": pepper.digest(text.secret)}
        found[text.id] = VirtualKey(**given)
    return found


async def _read(setup: Setup, reference: SecretRef, path: str) -> KeyText:
    try:
        secret = await setup.secret(reference)
    except SecretError as error:
        raise ConfigError([f"{path}: {error}{_HOW}"]) from None
    text = read_key(secret.reveal().strip())
    if text is None:
        raise ConfigError([f"{path}: {reference} does not hold a whole key{_HOW}"])
    return text
