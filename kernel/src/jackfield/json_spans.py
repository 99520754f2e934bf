"""Finds and changes values in JSON, leaving every other byte unchanged.

Functions that change a body expect valid JSON without duplicate keys, as `strict_json.decode`
ensures.

A path is a tuple of keys and indices; a pattern is text like `messages/*/content`, in which `*`
stands for any key or index and everything else for a key. A `**` at its end stands for every string
below, at any depth, or for the string that is there itself: then that one is JSON. A last key such
as `data?type=text` only counts where the member `type` beside it is "text".
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from attrs import define, field, frozen

Path = tuple[str | int, ...]

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SPACE = re.compile(rb"[ \t\n\r]*+")
_SCALAR = re.compile(rb'%b|[^ \t\n\r,\]}"]++' % _STRING, re.DOTALL)
_KEY = re.compile(rb"(%b)[ \t\n\r]*+:[ \t\n\r]*+" % _STRING, re.DOTALL)
_NESTING = re.compile(rb"%b|([{\[])|([}\]])" % _STRING, re.DOTALL)
_OPENED, _CLOSED = 1, 2
_COMMA = re.compile(rb"[ \t\n\r]*+,?+[ \t\n\r]*+")
_MODEL = b'"model"'
_OPENING, _CLOSING = b"{}"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


@frozen
class TextSpan:
    """A text: a string value and the path to it.

    With `is_json` the string is JSON itself, or in a stream a piece of it, such as the arguments of
    a tool call in OpenAI's dialects: what is put into it must be `escaped`.
    """

    path: Path
    value: str
    is_json: bool = False

    def escaped(self, text: str) -> str:
        """The text as it stands inside of this value."""
        return _encode(text)[1:-1].decode() if self.is_json else text


def splice(body: bytes, path: Path, value: Any, *, known: str | None = None) -> bytes:
    """The body with the value at `path` replaced. Raises KeyError if there is none.

    `known` is the string that the caller has already read at `path`: with it, replacing a top-level
    `model` takes a search instead of a scan.
    """
    start, end = (
        _model_span(body, known)
        if known is not None and path == ("model",)
        else span_of(body, path)
    )
    return b"".join((body[:start], _encode(value), body[end:]))


def _model_span(body: bytes, known: str) -> tuple[int, int]:
    # The object has the key, and none of its letters can be escaped except by \u006, so the key is
    # there literally. If the same bytes are nowhere else, this is the key.
    at = body.find(_MODEL)
    if body.find(_MODEL, at + 7) < 0 and (b"\\" not in body or b"\\u006" not in body):
        literal = _encode(known)
        colon = body[at + 7 : at + 9]
        start = at + (9 if colon == b": " else 8)
        if colon.startswith(b":") and body.startswith(literal, start):
            return start, start + len(literal)
    return span_of(body, ("model",))


def span_of(body: bytes, path: Path) -> tuple[int, int]:
    """The byte offsets of the value at `path`. Raises KeyError if there is none."""
    for _, start, end in _spans(body, [path]):
        return start, end
    raise KeyError("/".join(map(str, path)))


def put(body: bytes, path: Path, value: Any) -> bytes:
    """The body with the member at `path` set; a new one becomes the first of its object.

    Missing objects on the path are created. Raises ValueError if something else is in their place.
    """
    depth, start, end = _deepest(body, path)
    if depth == len(path):
        return b"".join((body[:start], _encode(value), body[end:]))
    for key in reversed(path[depth + 1 :]):
        value = {key: value}
    made = _encode({path[depth]: value})
    if body[start:end] == b"null":
        return b"".join((body[:start], made, body[end:]))
    if body[start] != _OPENING:
        raise ValueError(f"{'/'.join(map(str, path[:depth])) or 'the body'} is not an object")
    inner = _end(_SPACE, body, start + 1)
    comma = b"" if body[inner] == _CLOSING else b","
    return b"".join((body[: start + 1], made[1:-1], comma, body[start + 1 :]))


def _deepest(body: bytes, path: Path) -> tuple[int, int, int]:
    """How far a path exists, and the span of the value there."""
    start, end, depth = _end(_SPACE, body, 0), len(body), 0
    for depth, key in enumerate(path):
        for step, at in _children(body, start):
            if step == key:
                start, end = at, _end_of(body, at)
                break
        else:
            return depth, start, end
    return depth + 1, start, end


def replace(body: bytes, texts: Mapping[Path, str]) -> bytes:
    """The body with new texts at the given paths. Raises KeyError if a path does not exist.

    No path may lead through another.
    """
    if not texts:
        return body
    pieces: list[bytes] = []
    at = 0
    missing = set(texts)
    for path, start, end in _spans(body, texts):
        pieces += body[at:start], _encode(texts[path])
        at = end
        missing.remove(path)
    if missing:
        raise KeyError(", ".join("/".join(map(str, path)) for path in missing))
    return b"".join(pieces) + body[at:]


def _spans(body: bytes, paths: Iterable[Path]) -> Iterator[tuple[Path, int, int]]:
    at = _end(_SPACE, body, 0)
    return _spans_below(body, at, list(paths), 0)


def _spans_below(
    body: bytes, at: int, paths: list[Path], depth: int
) -> Iterator[tuple[Path, int, int]]:
    """The spans of `paths`, all of which begin with the path of the value at `at`."""
    if len(paths[0]) == depth:
        yield paths[0], at, _end_of(body, at)
        return
    groups: dict[str | int, list[Path]] = {}
    for path in paths:
        groups.setdefault(path[depth], []).append(path)
    for step, start in _children(body, at):
        group = groups.pop(step, None)
        if group is not None:
            yield from _spans_below(body, start, group, depth + 1)
            if not groups:
                return


def _children(body: bytes, at: int) -> Iterator[tuple[str | int, int]]:
    opening = body[at]
    if opening not in b"{[":
        return
    at = _end(_SPACE, body, at + 1)
    index = 0
    while body[at] not in b"}]":
        if opening == ord("{"):
            key = _KEY.match(body, at)
            if key is None:
                raise ValueError(f"no key at byte {at}")
            at = key.end()
            yield _decode(key[1]), at
        else:
            yield index, at
            index += 1
        at = _end(_COMMA, body, _end_of(body, at))


def _end_of(body: bytes, at: int) -> int:
    if body[at] not in b"{[":
        scalar = _SCALAR.match(body, at)
        if scalar is None:
            raise ValueError(f"no value at byte {at}")
        return scalar.end()
    depth = 0
    for match in _NESTING.finditer(body, at):
        if match.lastindex == _OPENED:
            depth += 1
        elif match.lastindex == _CLOSED:
            depth -= 1
            if not depth:
                return match.end()
    raise ValueError(f"what opens at byte {at} is never closed")


def _end(pattern: re.Pattern[bytes], body: bytes, at: int) -> int:
    match = pattern.match(body, at)
    return match.end() if match else at


def texts(body: bytes, patterns: Sequence[str]) -> list[TextSpan]:
    """Every string whose path matches one of the patterns; none if the body is not JSON."""
    try:
        tree = _decode(body)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return []
    found: list[TextSpan] = []
    _collect(tree, _compiled(tuple(patterns)), (), found.append)
    return found


@define
class _Node:
    """What a pattern allows after some steps: `keys` by name, `any` for all others."""

    wanted: bool
    keys: Mapping[str, "_Node"] = field(factory=dict)
    any: "_Node | None" = None
    is_json: bool = False
    where: Sequence[tuple[str, str, str]] = ()
    """Keys of texts, each with the name and the value of a member beside it."""


_BELOW = _Node(wanted=True)
_BELOW.any = _BELOW
_JSON = _Node(wanted=True, any=_BELOW, is_json=True)


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> _Node:
    return _node_of([pattern.split("/") for pattern in patterns])


def _node_of(patterns: Sequence[Sequence[str]]) -> _Node:
    if ["**"] in patterns:
        return _JSON
    rests: dict[str, list[Sequence[str]]] = {}
    for head, *rest in filter(None, patterns):
        rests.setdefault(head, []).append(rest)
    anything = rests.pop("*", [])
    where = [_condition(key) for key in rests if "?" in key]
    keys = {key: _node_of(rest + anything) for key, rest in rests.items()}
    wanted = any(not pattern for pattern in patterns)
    return _Node(wanted, keys, _node_of(anything) if anything else None, where=where)


def _condition(key: str) -> tuple[str, str, str]:
    name, _, condition = key.partition("?")
    member, _, value = condition.partition("=")
    return name, member, value


def _collect(value: Any, node: _Node, path: Path, add: Callable[[TextSpan], None]) -> None:
    kind = type(value)
    if kind is str:
        if node.wanted:
            add(TextSpan(path, value, node.is_json))
    elif kind is list:
        if node.any is not None:
            for index, child in enumerate(value):
                _collect(child, node.any, (*path, index), add)
    elif kind is dict:
        _collect_members(value, node, path, add)


def _collect_members(
    members: dict[str, Any], node: _Node, path: Path, add: Callable[[TextSpan], None]
) -> None:
    if node.any is not None:
        for key, child in members.items():
            _collect(child, node.keys.get(key, node.any), (*path, key), add)
        return
    for key, below in node.keys.items():
        if key in members:
            _collect(members[key], below, (*path, key), add)
    for key, member, value in node.where:
        if members.get(member) == value and isinstance(text := members.get(key), str):
            add(TextSpan((*path, key), text))
