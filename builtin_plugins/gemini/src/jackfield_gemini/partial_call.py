"""A function call whose arguments are streamed value by value, as Vertex does when asked to."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from jackfield.errors import ProviderError

_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d{1,6})\]|\[(['\"])((?:[^\\]|\\.)*?)\3\]")
_PIECEMEAL: Final = ("partialArgs", "willContinue")
_VALUES: Final = ("stringValue", "numberValue", "boolValue")
_DEEPEST: Final = 64
_WRONG: Final = "The provider sent a part of a function's arguments that is malformed."


def is_partial(part: Any) -> bool:
    """Whether a part begins a call whose arguments follow in pieces."""
    call = part.get("functionCall") if isinstance(part, dict) else None
    return isinstance(call, dict) and any(call.get(key) for key in _PIECEMEAL) and "name" in call


class PartialCall:
    """The pieces of one call. Raises ProviderError for a malformed piece."""

    def __init__(self, part: Mapping[str, Any]) -> None:
        self._part = part
        self._arguments: dict[str, Any] = {}
        self._unfinished: str | None = None
        self.is_whole = False

    def continues(self, part: Any) -> bool:
        """Whether a part belongs to this call: only the first one has the name."""
        call = part.get("functionCall") if isinstance(part, dict) else None
        return isinstance(call, dict) and "name" not in call

    def add(self, part: Mapping[str, Any]) -> None:
        """Take what a part has of the arguments."""
        call = part["functionCall"]
        pieces = call.get("partialArgs")
        for piece in pieces if isinstance(pieces, list) else ():
            self._set(piece)
        self.is_whole = not call.get("willContinue")

    def part(self) -> dict[str, Any]:
        """The part with the arguments so far."""
        first = self._part["functionCall"]
        call = {key: value for key, value in first.items() if key not in _PIECEMEAL}
        return {**self._part, "functionCall": {**call, "args": self._arguments}}

    def _set(self, piece: Any) -> None:
        path = piece.get("jsonPath") if isinstance(piece, dict) else None
        if not isinstance(path, str):
            raise ProviderError(_WRONG)
        steps = _steps(path)
        value = next((piece[key] for key in _VALUES if key in piece), None)
        holder: Any = self._arguments
        for step, following in pairwise(steps):
            holder = _entered(holder, step, [] if isinstance(following, int) else {})
        before = _entered(holder, steps[-1], None)
        if path == self._unfinished and isinstance(before, str) and isinstance(value, str):
            value = before + value
        holder[steps[-1]] = value
        self._unfinished = path if piece.get("willContinue") else None


def _steps(path: str) -> list[str | int]:
    """The keys and indexes of a path such as `$.rows[0].name`."""
    steps: list[str | int] = []
    at = 1
    while at < len(path) and len(steps) < _DEEPEST and (found := _STEP.match(path, at)):
        key, index, _, quoted = found.groups()
        name = key if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        steps.append(int(index) if index is not None else name)
        at = found.end()
    if not steps or at != len(path) or path[0] != "$":
        raise ProviderError(_WRONG)
    return steps


def _entered(holder: Any, step: str | int, new: Any) -> Any:
    """What `holder` has at this step, or `new`, which it then has. Lists grow one by one."""
    if isinstance(step, str) and isinstance(holder, dict):
        return holder.setdefault(step, new)
    if isinstance(step, int) and isinstance(holder, list) and step <= len(holder):
        if step == len(holder):
            holder.append(new)
        return holder[step]
    raise ProviderError(_WRONG)
