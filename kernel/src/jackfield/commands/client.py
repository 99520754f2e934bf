"""Asks the admin listener, whether a gateway is running or not."""

import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

import msgspec

from jackfield._cli.config_option import config_name, config_path
from jackfield._cli.exit_codes import FAILED, REFUSED
from jackfield._cli.terminal import complaints
from jackfield.admin.state_location import STATE_HEADER, state_location
from jackfield.commands.links import AdminRefused, ListenerLink, NobodyListens, OwnGateway, Reply
from jackfield.config import read_settings
from jackfield.embedding import read_document
from jackfield.errors import ConfigError, GatewayError, Unauthenticated

KEY_VARIABLE: Final = "JACKFIELD_ADMIN_KEY"
"""The environment variable with the key for an admin listener that wants one."""

_NO_KEY: Final = f" Commands use the key in {KEY_VARIABLE}."

_LACKS: Final = "has no plugin for this: add its table, or name another file with --config"
_WRONG_WORDS: Final = frozenset({400, 421, 422})


class AdminClient:
    """Asks the admin listener of the gateway that serves a configuration.

    If no gateway is running there, one is started in this process while the client is open, and
    asked without a socket: the stored state is the same. `config` is the file, or None for none.
    """

    def __init__(self, config: str | None) -> None:
        self.config = config
        self._link: ListenerLink | OwnGateway | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The JSON at a path. Raises AdminRefused, ConfigError."""
        return msgspec.json.decode(self.request("GET", path, query=query).body)

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Send JSON and return the answer's. Raises AdminRefused, ConfigError."""
        return msgspec.json.decode(self.request(method, path, body=body, headers=headers).body)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request; the unparsed answer. Raises AdminRefused, ConfigError."""
        head = {"content-type": "application/json", **(headers or {})}
        if key := os.environ.get(KEY_VARIABLE, "").strip():
            head["authorization"] = f"Bearer {key}"
        sent = b"" if body is None else msgspec.json.encode(body)
        reply = self._send(method, f"{path}?{urlencode(query)}" if query else path, head, sent)
        if reply.status >= 400:
            raise _refusal(reply)
        return reply

    def _send(self, method: str, target: str, head: Mapping[str, str], sent: bytes) -> Reply:
        if self._link is None:
            self._link = self._listener() or OwnGateway(self.config)
        try:
            return self._link.send(method, target, head, sent)
        except NobodyListens:
            self._link = OwnGateway(self.config)
            return self._link.send(method, target, head, sent)

    def _listener(self) -> ListenerLink | None:
        document = read_document(self.config)
        server = read_settings(document).server
        document.problems.raise_if_any()
        address = server.admin_listener()
        # Without a file, whichever gateway is at the usual address is meant.
        meant = state_location(document.directory, server.state_dir) if self.config else ""
        return ListenerLink(address, {STATE_HEADER: meant}) if address else None


def segment(text: str) -> str:
    """A text as one segment of a path. Raises ConfigError if it would be several, or none."""
    if text in ("", ".", "..") or "/" in text:
        raise ConfigError([f"{text!r} is no id"])
    return quote(text, safe="")


def with_client(use: Callable[[AdminClient, Namespace], int]) -> Callable[[Namespace], int]:
    """Run a command: call `use` with a client of the configuration that `--config` names.

    Refusals of the admin listener, and errors that keep a gateway from starting here, are shown as
    one line; the exit code is 2 if the command line was wrong, else 1.
    """

    def run(arguments: Namespace) -> int:
        with AdminClient(config_path(arguments)) as client:
            try:
                return use(client, arguments)
            except GatewayError as error:
                complaints().problem(f"jackfield: {error.message}")
                return FAILED
            except UnicodeEncodeError as error:
                raise ConfigError([f"{error.object!r}: this is not UTF-8"]) from None
            except AdminRefused as refusal:
                prog, where = getattr(arguments, "prog", "jackfield"), client.config
                why = f"{config_name(where)} {_LACKS}" if refusal.param == "path" else refusal
                complaints().problem(f"{prog}: {why}")
                return REFUSED if refusal.status in _WRONG_WORDS else FAILED

    return run


def _refusal(reply: Reply) -> AdminRefused:
    try:
        error = msgspec.json.decode(reply.body)["error"]
        message = error["message"] + (_NO_KEY if reply.status == Unauthenticated.status else "")
        return AdminRefused(reply.status, error["code"], message, error["param"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return AdminRefused(reply.status, "", f"answered with status {reply.status}")
