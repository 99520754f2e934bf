"""The fields of requests to `/v1/audio` and `/v1/images`, in JSON or in a form."""

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from jackfield import Exchange
from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.forms import field_spans

_WITHOUT_EFFECT = frozenset({"model", "user", "safety_identifier"})
"""Fields that name the model or the caller. Leaving them out is not a loss."""

_MOST_DIGITS = 4


@define
class OpenAIFields:
    """The fields that have not been taken yet, and the losses of the others.

    `kind` is the first part of each loss's name. The values of a form are lists of bytes.
    """

    kind: str
    _members: dict[str, Any]
    _losses: list[Loss] = field(factory=list, init=False)

    def text(self, name: str) -> str | None:
        """Take a text; None if there is none. Raises InvalidRequest if it is anything else."""
        value = self._members.pop(name, None)
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], bytes):
            value = value[0].decode("utf-8", "replace")
        if value is not None and not isinstance(value, str):
            raise InvalidRequest(f"'{name}' must be a string.", param=name)
        return value or None

    def required(self, name: str) -> str:
        """Take a text. Raises InvalidRequest if it is missing."""
        value = self.text(name)
        if value is None:
            raise InvalidRequest(f"'{name}' is missing.", param=name)
        return value

    def one_of(self, name: str, known: tuple[str, ...]) -> str | None:
        """Take a text, None if there is none. Raises InvalidRequest if it is not a known one."""
        value = self.text(name)
        if value is not None and value not in known:
            listed = ", ".join(known)
            raise InvalidRequest(f"Google cannot do '{name}' {value!r}, only {listed}.", param=name)
        return value

    def number(self, name: str) -> float | None:
        """Take a number; None if there is none. Raises InvalidRequest."""
        value = self._members.get(name)
        if type(value) in (int, float):
            return float(self._members.pop(name))
        text = self.text(name)
        try:
            return float(text) if text is not None else None
        except ValueError:
            raise InvalidRequest(f"'{name}' must be a number.", param=name) from None

    def count(self, name: str) -> int | None:
        """Take a positive whole number; None if there is none. Raises InvalidRequest.

        Only what a budget counts too is accepted: an integer of JSON, or the digits of a form.
        """
        value = self._members.pop(name, None)
        match value:
            case [bytes(text)] if text.isdigit() and len(text) <= _MOST_DIGITS:
                value = int(text)
        if value is not None and (type(value) is not int or value < 1):
            raise InvalidRequest(f"'{name}' must be a positive whole number.", param=name)
        return value

    def files(self, name: str) -> list[bytes]:
        """Take the files of a form. Raises InvalidRequest if there are none."""
        value = self._members.pop(name, [])
        found = [one for one in value if isinstance(one, bytes)] if isinstance(value, list) else []
        if not found or len(found) != len(value):
            raise InvalidRequest(f"'{name}' must be a file in a form.", param=name)
        return found

    def take(self, name: str) -> Any:
        """Take a value of any type."""
        return self._members.pop(name, None)

    def refuse(self, name: str, why: str) -> None:
        """Take a field that Google does not have. Raises InvalidRequest if it is set."""
        if self._members.pop(name, None) not in (None, False, [b"false"]):
            raise InvalidRequest(why, param=name)

    def approximate(self, name: str, detail: str) -> None:
        """Record that a field was translated, but not exactly."""
        self._losses.append(Loss(f"{self.kind}.{name}", name, "approximated", detail))

    def losses(self) -> tuple[Loss, ...]:
        """All losses; a field that nobody has taken is dropped."""
        rest = [name for name, value in self._members.items() if value not in (None, "", [], {})]
        dropped = [
            Loss(f"{self.kind}.{name.removesuffix('[]')}", name, "dropped")
            for name in rest
            if name not in _WITHOUT_EFFECT
        ]
        return (*self._losses, *dropped)


def fields_of(exchange: Exchange, kind: str) -> OpenAIFields:
    """The fields of a request's body. Raises InvalidRequest if it has none."""
    body = exchange.request.body
    spans = field_spans(body, exchange.request.headers.get("content-type", ""))
    if spans:
        return OpenAIFields(kind, dict(_form(body, spans)))
    tree = exchange.json()
    if not isinstance(tree, dict):
        raise InvalidRequest("The request must be a JSON object or a form.")
    return OpenAIFields(kind, tree)


def _form(body: bytes, spans: Mapping[str, list[tuple[int, int]]]) -> Mapping[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for name, each in spans.items():
        single = "image" if name == "image[]" else name
        found.setdefault(single, []).extend(body[a:b] for a, b in each)
    return found
