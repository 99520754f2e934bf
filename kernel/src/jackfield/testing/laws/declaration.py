"""What a plugin class declares is true, and the kernel can read it."""

import re
from typing import Any

from jackfield._hook_chain import Member, compile_hooks
from jackfield.errors import ConfigError
from jackfield.plugin import HOOKS, Plugin
from jackfield.testing.harness import created
from jackfield.testing.law import Law, LawBrokenError, Subject, everybody

_BOUND = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*\d+(\.\d+)*\s*")
_MUTABLE = frozenset({"request", "response", "principal"})


async def declares_itself(subject: Subject) -> None:
    """Read every class attribute of the contract."""
    kind: Any = subject.kind
    if kind.on_error not in ("refuse", "skip"):
        raise LawBrokenError(f'its on_error is {kind.on_error!r}; it is "refuse" or "skip"')
    if not isinstance(kind.deadline_ms, int) or kind.deadline_ms <= 0:
        raise LawBrokenError(f"its deadline_ms is {kind.deadline_ms!r}; it is a number above 0")
    if isinstance(kind.mutates, str) or not _MUTABLE.issuperset(kind.mutates):
        raise LawBrokenError(f"its mutates is {kind.mutates!r}; it is a set out of {set(_MUTABLE)}")
    bounds = kind.requires.split(",")
    if not all(_BOUND.fullmatch(bound) for bound in bounds):
        raise LawBrokenError(f'its requires is {kind.requires!r}; write it like ">=0.1,<0.2"')
    if kind.authenticates and (kind.on_error != "refuse" or "pre_request" not in subject.hooks):
        raise LawBrokenError("it authenticates; so it has a pre_request, and on_error is refuse")
    if not (kind.__doc__ or "").strip():
        raise LawBrokenError("its class has no docstring; one line on what it does for the user")


async def has_proper_hooks(subject: Subject) -> None:
    """Its hooks have the names, parameters and async-ness of the contract."""
    plugin = created(subject)
    try:
        compile_hooks([Member(plugin, plugin.on_error, plugin.deadline_ms)])
    except ConfigError as error:
        raise LawBrokenError(f"its hooks cannot be used:\n{error}") from None
    if subject.is_provider and subject.hooks:
        raise LawBrokenError(f"a provider has no hooks, and it has {', '.join(subject.hooks)}")
    if not subject.is_provider and not subject.hooks and subject.kind.start is Plugin.start:
        raise LawBrokenError(f"it has none of the hooks {', '.join(HOOKS)} and registers nothing")


DECLARATION = (
    Law(
        "declaration",
        "a plugin's class says what it does, changes and needs",
        declares_itself,
        everybody,
    ),
    Law(
        "proper-hooks",
        "hooks have the names, parameters and colours of the contract",
        has_proper_hooks,
        everybody,
    ),
)
