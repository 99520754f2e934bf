"""The stored form of items: fast to read, because there may be many of them."""

from typing import Any, Final, Generic, TypeVar, get_args

import attrs
import msgspec

from jackfield._config.structure import StructureError
from jackfield._config.toml_types import is_from_text, unwrapped
from jackfield.admin.change import Stored
from jackfield.admin.items import plain, stored_item

T = TypeVar("T")

_ENCODER: Final = msgspec.json.Encoder()


class Envelope(msgspec.Struct, omit_defaults=True):
    """An item with its metadata."""

    item: msgspec.Raw
    created: float
    updated: float
    declared_in: str
    mark: str
    done: tuple[str, ...] = ()


class Unreadable(Exception):
    """What is stored does not fit its class, which has changed since."""


class ItemCodec(Generic[T]):
    """Converts the items of one class to bytes and back.

    Stored items were validated on arrival, so validators need not run again. Fields that the class
    does not have are ignored, because another version of it may have written them.
    """

    def __init__(self, cls: type[T]) -> None:
        self._cls = cls
        self._fast = msgspec.json.Decoder(cls) if _is_plain(cls, (cls,)) else None
        self._envelope = msgspec.json.Decoder(Envelope)

    def encode(self, stored: Stored[T]) -> bytes:
        """An item as bytes."""
        raw = msgspec.Raw(_ENCODER.encode(plain(stored.item)))
        metadata = (stored.created, stored.updated, stored.declared_in, stored.mark, stored.done)
        return _ENCODER.encode(Envelope(raw, *metadata))

    def decode(self, data: bytes) -> tuple[T, Envelope]:
        """An item and its metadata. Raises Unreadable."""
        envelope = self._envelope.decode(data)
        try:
            if self._fast is not None:
                return self._fast.decode(envelope.item), envelope
            return stored_item(self._cls, msgspec.json.decode(envelope.item)), envelope
        except (msgspec.ValidationError, StructureError) as error:
            raise Unreadable(f"kept by another version of {self._cls.__name__}: {error}") from None


def _is_plain(kind: Any, within: tuple[Any, ...]) -> bool:
    """Whether msgspec reads a type as written here: no type within it has a form of its own."""
    kind = unwrapped(kind)
    if is_from_text(kind):
        return False
    if not attrs.has(kind):
        return all(_is_plain(item, within) for item in get_args(kind) if not isinstance(item, str))
    attrs.resolve_types(kind)
    return all(
        field.alias == field.name and (field.type in within or _is_plain(field.type, within))
        for field in attrs.fields(kind)
    )
