"""A plugin's table is documented, strict, and the same when it is written out again."""

import attrs

from jackfield.config import PLUGIN_KEYS, PROVIDER_KEYS, describe
from jackfield.testing.harness import created, environment
from jackfield.testing.law import Law, LawBrokenError, Subject, everybody

_UNKNOWN = "zz_no_such_key"


async def documents_its_options(subject: Subject) -> None:
    """Each option has its line in the reference, and none uses a name of the kernel's."""
    kind = subject.kind.Config
    if not attrs.has(kind):
        raise LawBrokenError("its Config is no attrs class; decorate it with @frozen")
    silent = [one.path for one in describe(kind) if not one.doc.strip()]
    if silent:
        raise LawBrokenError(
            f"its options {', '.join(silent)} are not documented;"
            ' declare them as `name: type = option(default, "what it is")`'
        )
    reserved = PROVIDER_KEYS if subject.is_provider else PLUGIN_KEYS
    taken = reserved & attrs.fields_dict(kind).keys()
    if taken:
        raise LawBrokenError(f"its options {', '.join(sorted(taken))} are keys of the kernel")


async def is_strict(subject: Subject) -> None:
    """A key that is not an option is refused by name."""
    created(subject)
    try:
        created(subject, {_UNKNOWN: 1})
    except LawBrokenError as refused:
        if _UNKNOWN not in str(refused):
            raise
    else:
        raise LawBrokenError(f"its table took the unknown key {_UNKNOWN}")


async def survives_a_round_trip(subject: Subject) -> None:
    """The configuration, written as TOML and read again, is the same."""
    config = created(subject).config
    if not isinstance(config, subject.kind.Config):
        raise LawBrokenError("it does not keep its configuration in self.config")
    fields = attrs.fields(subject.kind.Config)
    written = {one.alias: getattr(config, one.name) for one in fields if one.init}
    written = {key: value for key, value in written.items() if value is not None}
    with environment(subject):
        again = created(attrs.evolve(subject, config=written)).config
    if again != config:
        raise LawBrokenError(f"{config!r} became {again!r} when it was written and read again")


async def cannot_be_changed(subject: Subject) -> None:
    """A configuration is the same for every request, and defaults for every instance."""
    config = created(subject).config
    for one in attrs.fields(subject.kind.Config):
        if isinstance(one.default, list | dict | set):
            raise LawBrokenError(
                f"all instances share the default of its option {one.name}; `option` copies it"
            )
        try:
            setattr(config, one.name, getattr(config, one.name))
        except attrs.exceptions.FrozenInstanceError:
            continue
        raise LawBrokenError("its Config can be changed; decorate it with @frozen")


async def has_usable_defaults(subject: Subject) -> None:
    """Without required options an empty table suffices."""
    if any(one.required for one in describe(subject.kind.Config)):
        return
    created(attrs.evolve(subject, config={}))


CONFIGURATION = (
    Law("documented-options", "every option is documented", documents_its_options, everybody),
    Law("strict-options", "an unknown key is refused", is_strict, everybody),
    Law(
        "round-trip",
        "a configuration can be written and read again",
        survives_a_round_trip,
        everybody,
    ),
    Law("frozen-options", "a configuration cannot be changed", cannot_be_changed, everybody),
    Law(
        "defaults",
        "a table without keys works unless a key is required",
        has_usable_defaults,
        everybody,
    ),
)
