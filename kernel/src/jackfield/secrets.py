"""Secrets: a value that never prints, its reference in the file, and where it comes from."""

import hmac
import os
import re
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from inspect import isawaitable
from pathlib import Path
from typing import ClassVar, Never, NoReturn, Self

import attrs
from attrs import field, frozen

from jackfield.errors import ConfigError, JackfieldError

SecretSource = Callable[[str], str | Awaitable[str]]
"""Gives the secret at a location; a source that fails raises `SecretError`."""

_SCHEME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY_LIKE = re.compile(r"([a-z]{2,4}_)?(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}")
_SAMPLE = re.compile(
    r"sk-1234\d*|(sk-)?(x{3,}|\*{3,}|\.{3,}|…)|sk-(your|my|test)?[-_]?key"
    r"|change[-_ ]?(me|it|this)|replace[-_ ]?(me|this)|(your|insert)[-_ ].*|<.*>|password|secret",
    re.IGNORECASE,
)
_CREDENTIAL = re.compile(r"(bearer|basic|token)\s|sk-", re.IGNORECASE)
_MOST_BYTES = 65536
_RIGHT_WAY = (
    'put the secret in an environment variable and write "env:NAME",'
    ' or in a file that only you can read and write "file:PATH"'
)


class SecretError(JackfieldError):
    """A secret cannot be resolved. The message names the reference, never the value."""


class Secret:
    """A value kept out of logs, errors and dumps; only `reveal()` returns it."""

    __slots__ = ("_value",)
    _value: str

    def __init__(self, value: str) -> None:
        object.__setattr__(self, "_value", value)

    def reveal(self) -> str:
        """Return the value; pass it on at once and keep it nowhere."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a secret cannot be changed")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError("a secret cannot be pickled")


@frozen
class SecretRef:
    """A reference to a secret: a scheme and a location. It may be printed."""

    toml_name: ClassVar[str] = "secret reference"

    scheme: str
    location: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Parse `scheme:location`; anything else may be a secret and is not repeated."""
        scheme, _, location = text.partition(":")
        if scheme in ("env", "file") and not location.strip():
            raise ValueError(f'nothing after "{scheme}:"; {_RIGHT_WAY}')
        if not _SCHEME.fullmatch(scheme) or not location.strip() or location.startswith("//"):
            raise ValueError(f"a secret must not be in the file; {_RIGHT_WAY}")
        if scheme == "env" and not _is_variable(location):
            raise ValueError('write the name of an environment variable after "env:", not a value')
        return cls(scheme, location)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.location}"


@frozen
class TextOrSecret:
    """A string of the file, or a reference to a secret, which begins with `env:` or `file:`."""

    toml_name: ClassVar[str] = "string"

    value: str | SecretRef

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read either; ValueError says what is wrong, as with a key that is written out."""
        if _CREDENTIAL.match(text):
            raise ValueError(f"a secret must not be in the file; {_RIGHT_WAY}")
        return cls(SecretRef.from_text(text) if text.startswith(("env:", "file:")) else text)

    async def text(self, resolve: Callable[[SecretRef], Awaitable[Secret]]) -> str:
        """The string that is meant; if it is a secret, hand it on and keep it nowhere."""
        return self.value if isinstance(self.value, str) else (await resolve(self.value)).reveal()


@frozen
class SecretSources:
    """The schemes of secret references: `env`, `file`, and those that plugins register.

    Relative paths of `file:` start from `directory`; `expected` are the schemes that plugins have
    declared, and register once they start.
    """

    directory: Path = field(factory=Path)
    environ: Mapping[str, str] = field(default=os.environ, repr=False)
    expected: set[str] = field(factory=set)
    _plugins: dict[str, SecretSource] = field(factory=dict, init=False)

    @property
    def schemes(self) -> tuple[str, ...]:
        """The schemes that are known."""
        return ("env", "file", *sorted(self.expected))

    def register(self, scheme: str, source: SecretSource) -> None:
        """Add a scheme; `source` may be a plain function or a coroutine function.

        Raises ConfigError for one that was not declared, or is taken.
        """
        if not _SCHEME.fullmatch(scheme):
            raise ConfigError([f"{scheme!r} is not a scheme of secrets: use a-z, 0-9 and _"])
        if scheme not in self.expected:
            raise ConfigError([f"{scheme!r} is not in secret_schemes of the plugin that adds it"])
        if scheme in ("env", "file", *self._plugins):
            raise ConfigError([f"the scheme {scheme!r} of secrets is already registered"])
        self._plugins[scheme] = source

    def check(self, reference: SecretRef) -> None:
        """Raise SecretError if it cannot be resolved, as far as known without a network."""
        if reference.scheme in ("env", "file"):
            self._local(reference)
        elif reference.scheme not in self.expected:
            # The text may be a secret that contains a colon, so it is not repeated.
            known = ", ".join(f"{scheme}:" for scheme in self.schemes)
            order = "a plugin that adds one comes before those that use it"
            raise SecretError(f"unknown scheme of a secret reference; known: {known}; {order}")

    async def resolve(self, reference: SecretRef) -> Secret:
        """Resolve the secret; SecretError says what to fix."""
        if reference.scheme in ("env", "file"):
            return self._local(reference)
        self.check(reference)
        if reference.scheme not in self._plugins:
            raise SecretError(f"the secret {reference}: its plugin has not started yet")
        try:
            answer = self._plugins[reference.scheme](reference.location)
            value = await answer if isawaitable(answer) else answer
        except SecretError as error:
            raise SecretError(f"the secret {reference}: {error}") from None
        return _accepted(str(value), f"the secret {reference}")

    def _local(self, reference: SecretRef) -> Secret:
        if reference.scheme == "file":
            # If there is no such home directory, the file does not exist.
            path = self.directory / os.path.expanduser(reference.location)
            return _accepted(_read(path), f"the file {path}")
        variable = f"the environment variable {reference.location}"
        value = self.environ.get(reference.location)
        if value is None:
            raise SecretError(f"{variable} is not set")
        return _accepted(value, variable)


def make_folder(path: Path) -> None:
    """Make a folder for files that only this user may change, unless it exists.

    Raises OSError; PermissionError if others can write to it and so put files of theirs there.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status, user = path.stat(), os.geteuid()
    # Kubernetes mounts a volume as root's and lets the process write by its group (`fsGroup`).
    writers = 0o002 if status.st_uid == 0 and user != 0 else 0o022
    if status.st_uid not in (0, user) or status.st_mode & writers:
        mode = f"its owner is {status.st_uid}, its mode {stat.S_IMODE(status.st_mode):04o}"
        mend = f"name a folder of the gateway's own, or run: chmod go-w {path}"
        raise PermissionError(f"others can write to {path} ({mode}); {mend}")


def references(value: object) -> Iterator[tuple[tuple[str | int, ...], SecretRef]]:
    """Find the secret references in a structured configuration, with their paths."""
    value = value.value if isinstance(value, TextOrSecret) else value
    if isinstance(value, SecretRef):
        yield (), value
        return
    entries: list[tuple[str | int, object]] = []
    if attrs.has(cls := type(value)):
        entries = [(item.alias, getattr(value, item.name)) for item in attrs.fields(cls)]
    elif isinstance(value, Mapping):
        entries = list(value.items())
    elif isinstance(value, list | tuple):
        entries = list(enumerate(value))
    for key, entry in entries:
        for path, reference in references(entry):
            yield (key, *path), reference


def _is_variable(name: str) -> bool:
    """Whether `name` looks like the name of a variable, so that it may be repeated."""
    return bool(_VARIABLE.fullmatch(name)) and not _KEY_LIKE.fullmatch(name)


def _accepted(value: str, origin: str) -> Secret:
    value = value.strip()
    if not value:
        raise SecretError(f"{origin} is empty")
    if _SAMPLE.fullmatch(value):
        raise SecretError(f"{origin} contains a placeholder; replace it with the real secret")
    return Secret(value)


def _read(path: Path) -> str:
    try:
        # Without O_NONBLOCK, opening a pipe would wait for a writer.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SecretError(f"{path} is not a file")
            # What root mounts for a group that this process is in (Kubernetes' fsGroup, credentials
            # of systemd) cannot be made more private; PostgreSQL has the same rule for its keys.
            readers = 0o037 if status.st_uid == 0 and os.geteuid() != 0 else 0o077
            if status.st_mode & readers:
                raise SecretError(f"others can read {path}; run: chmod 600 {path}")
            data = file.read(_MOST_BYTES + 1)
            if len(data) > _MOST_BYTES:
                raise SecretError(f"{path} has over {_MOST_BYTES} bytes, too many for a secret")
            return data.decode()
    except FileNotFoundError:
        raise SecretError(f"the file {path} does not exist") from None
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not text in UTF-8") from None
    except ValueError:
        raise SecretError("a file path cannot contain a NUL") from None
