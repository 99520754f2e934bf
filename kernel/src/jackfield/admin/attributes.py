"""The fields of a collection's items, and who may read and write each."""

from typing import Any, Final, Literal, TypeVar, cast

import attrs
from attrs import frozen

from jackfield._config.toml_types import default_of, union_members, unwrapped
from jackfield.admin.roles import EVERYONE, MANAGERS, Roles
from jackfield.config import option

T = TypeVar("T")

Given = Literal["always", "once", "never"]
"""When a caller may give a field: always, only when the thing is created, or never."""

_METADATA: Final = "jackfield.admin"


@frozen
class Rights:
    """Who may read and write a field; a `secret` one can be written but is never shown."""

    read: Roles = EVERYONE
    write: Roles = MANAGERS
    given: Given = "always"
    secret: bool = False


def attribute(  # noqa: PLR0913 - each is one right
    default: T = attrs.NOTHING,  # type: ignore[assignment]
    doc: str = "",
    *,
    validator: Any = None,
    read: Roles = EVERYONE,
    write: Roles = MANAGERS,
    given: Given = "always",
    secret: bool = False,
) -> T:
    """Declare a documented field with rights; `jackfield.option` gives one the usual rights.

    A field that the gateway itself sets is `given="never"`; one that never changes is
    `given="once"`.
    """
    field: Any = option(default, doc, validator=validator)
    field.metadata[_METADATA] = Rights(read, write, given, secret)
    return cast("T", field)


@frozen
class Attribute:
    """One field as the API, its schema and the command line see it.

    `default` is attrs.NOTHING if there is none.
    """

    name: str
    type: Any
    doc: str
    required: bool
    default: Any
    rights: Rights

    @property
    def kinds(self) -> list[Any]:
        """The members of its type, without None."""
        return [unwrapped(member) for member in union_members(unwrapped(self.type))]


_KNOWN: Final[dict[type[Any], dict[str, Attribute]]] = {}


def attributes_of(cls: type[Any]) -> dict[str, Attribute]:
    """The fields of an attrs class, by name."""
    if cls not in _KNOWN:
        attrs.resolve_types(cls)
        _KNOWN[cls] = {
            field.alias: Attribute(
                field.alias,
                field.type,
                str(field.metadata.get("doc", "")),
                field.default is attrs.NOTHING,
                default_of(field),
                field.metadata.get(_METADATA, Rights()),
            )
            for field in attrs.fields(cls)
            if field.init
        }
    return _KNOWN[cls]
