"""The models that the messages of a session's client name.

A session has one model, which was authorized, routed and priced when it began. A message may name
it again, by the client's name or by the provider's; any other model in its place is refused.
Further models, such as one for transcription, must be allowed to the caller.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from jackfield import json_spans, strict_json
from jackfield._websocket import Message
from jackfield.errors import Forbidden, InvalidRequest
from jackfield.exchange import Principal
from jackfield.json_spans import Path
from jackfield.plan import Target

if TYPE_CHECKING:
    from jackfield.realtime import RealtimeDialect

_LARGE: Final = 1 << 18
"""Bytes above which a message is read in a thread, so that the event loop goes on."""

_SCHEMAS: Final = frozenset({"parameters", "parametersJsonSchema", "schema", "metadata"})
"""Members in which `model` is a caller's own word."""


def _is_json(data: bytes) -> bool:
    """Whether a message is an object or a list, and not sound; some put a mark before it."""
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


async def read_message(data: bytes) -> Any:
    """The JSON of a message. Raises InvalidRequest."""
    if len(data) > _LARGE:
        return await asyncio.to_thread(strict_json.decode, data)
    return strict_json.decode(data)


def named_in(dialect: "RealtimeDialect", tree: Any) -> Iterator[tuple[Path, str]]:
    """Where a message names the session's model, and the name without the dialect's prefix.

    What is no text is an empty name. Raises InvalidRequest for names of members on the way there
    that differ only in case, since some servers take one for the other.
    """
    for path in dialect.model_paths:
        value = tree
        for step in path:
            if isinstance(value, dict):
                strict_json.check_twins(value, path)
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            yield path, value.removeprefix(dialect.model_prefix) if isinstance(value, str) else ""


@frozen(eq=False)
class SessionModel:
    """The model of one session; `client_model` is the client's name for it.

    `sent` is called with every message that is checked.
    """

    _dialect: "RealtimeDialect"
    _principal: Principal
    _client_model: str | None
    _target: Target
    _sent: Callable[[bytes], None]

    async def checked(self, message: Message) -> Message:
        """A client's message, with the provider's name for the model; all other bytes stay.

        Raises InvalidRequest if it names another model in its place, and Forbidden for a further
        model that the caller may not use.
        """
        data, dialect = message.data, self._dialect
        self._sent(data)
        plain = data.lower()
        if not any(mark in plain for mark in dialect.model_marks) or not _is_json(data):
            return message
        tree = await read_message(data)
        for path, name in named_in(dialect, tree):
            data = self._renamed(data, path, name)
        needed = dialect.model_needed(tree)
        if needed is not None and self._target.model:
            data = json_spans.put(data, needed, dialect.model_prefix + self._target.model)
        if self._principal.models is not None:
            self._check_others(dialect.settings_in(tree))
        return message if data is message.data else message._replace(data=data)

    def _renamed(self, data: bytes, path: Path, name: str) -> bytes:
        if name and name == self._target.model:
            return data
        if name != self._client_model:
            had = repr(self._client_model) if self._client_model else "none"
            why = f"This session's model is {had}; for another model, open another session."
            raise InvalidRequest(why, param=".".join(map(str, path)))
        return json_spans.splice(data, path, self._dialect.model_prefix + self._target.model)

    def _check_others(self, settings: Any) -> None:
        may_use, provider = self._principal.may_use, self._target.provider
        for name in _names_in(settings):
            other = name.removeprefix(self._dialect.model_prefix)
            if other in (self._client_model, self._target.model):
                continue
            if not (may_use(f"{provider}/{other}") or may_use(other)):
                raise Forbidden(f"The key may not use the model {other!r}, which is also named.")


def _names_in(value: Any) -> Iterator[str]:
    """The texts of all members whose names have `model` in them, in any case, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if "model" in name.lower():
                listed = inner if isinstance(inner, list) else [inner]
                yield from [one for one in listed if isinstance(one, str)]
            if name not in _SCHEMAS:
                yield from _names_in(inner)
    elif isinstance(value, list):
        for one in value:
            yield from _names_in(one)
