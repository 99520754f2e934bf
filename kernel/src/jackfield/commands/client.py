"""Asks the admin listener, whether a gateway runs or not."""

import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

import msgspec

from jackfield._cli.config_option import config_path
from jackfield._cli.exit_codes import FAILED, REFUSED
from jackfield._cli.terminal import complaints
from jackfield.commands.links import Link, ListenerLink, NobodyListens, OwnGateway, Reply
from jackfield.config import read_settings
from jackfield.embedding import read_document
from jackfield.errors import GatewayError

KEY_VARIABLE: Final = "JACKFIELD_ADMIN_KEY"
"""The environment variable with the key for an admin listener that wants one."""

_WRONG_WORDS: Final = frozenset({400, 422})


class AdminRefused(Exception):
    """The admin listener has answered with an error; `param` is what it is about."""

    def __init__(self, status: int, code: str, message: str, param: str | None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param


class AdminClient:
    """Asks the admin listener of the gateway that serves a configuration.

    If no gateway runs there, one is started in this process for as long as the client is open, and
    asked without a socket: what it keeps is the same. `config` is the file, or None for none.
    """

    def __init__(self, config: str | None) -> None:
        self._config = config
        self._link: Link | None = None

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
        """Send JSON and give what is answered. Raises AdminRefused, ConfigError."""
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
        """Send a request; the answer as it came. Raises AdminRefused, ConfigError."""
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
            self._link = self._listener() or OwnGateway(self._config)
        try:
            return self._link.send(method, target, head, sent)
        except NobodyListens:
            self._link = OwnGateway(self._config)
            return self._link.send(method, target, head, sent)

    def _listener(self) -> ListenerLink | None:
        document = read_document(self._config)
        address = read_settings(document).server.admin_listener()
        document.problems.raise_if_any()
        return ListenerLink(address) if address else None


def segment(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="")


def with_client(use: Callable[[AdminClient, Namespace], int]) -> Callable[[Namespace], int]:
    """What a command runs: `use` with a client of the configuration that `--config` names.

    What the admin listener refuses, and what keeps a gateway from starting here, is told in a line;
    the exit code is then 2 if the words of the command were wrong, else 1.
    """

    def run(arguments: Namespace) -> int:
        with AdminClient(config_path(arguments)) as client:
            try:
                return use(client, arguments)
            except GatewayError as error:
                complaints().problem(f"jackfield: {error.message}")
                return FAILED
            except AdminRefused as refusal:
                prog = getattr(arguments, "prog", "jackfield")
                complaints().problem(f"{prog}: {refusal}")
                return REFUSED if refusal.status in _WRONG_WORDS else FAILED

    return run


def _refusal(reply: Reply) -> AdminRefused:
    try:
        error = msgspec.json.decode(reply.body)["error"]
        return AdminRefused(reply.status, error["code"], error["message"], error["param"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return AdminRefused(reply.status, "", f"answered with status {reply.status}", None)
