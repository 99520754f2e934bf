"""A budget: its scope, amount, window, and what happens when it is used up."""

import re
from collections.abc import Mapping
from typing import Final, Literal

from attrs import frozen

from jackfield.admin import attribute
from jackfield.config import option
from jackfield.money import dollars, show
from jackfield.scopes import Scope
from jackfield.windows import CALENDAR, Window, parse_window

Unit = Literal["dollars", "tokens", "input_tokens", "output_tokens"]
UNITS: Final = ("dollars", "tokens", "input_tokens", "output_tokens")
"""What is counted, in the order of the amounts."""

_NAME: Final = re.compile(r"(?!\.{1,2}$)[a-z0-9_.-]{1,64}")
"""Excludes `.` and `..`, which as a path segment would make a budget unreachable."""


def _check_name(_: object, __: object, name: str) -> None:
    if name and not _NAME.fullmatch(name):
        raise ValueError(f"not a name of a budget: {name!r}; use 1 to 64 of a-z, 0-9, _, . and -")


def _check_scope(budget: "Budget", _: object, text: str) -> None:
    scope = Scope.from_text(text)
    if scope.kind == "organization" and budget.organization not in ("", scope.value):
        raise ValueError(f"{text} is not in the organization {budget.organization!r}")


def _check_limit(budget: "Budget", _: object, __: object) -> None:
    budget.amount()


def _check_window(_: object, __: object, text: str) -> None:
    parse_window(text)


def _check_zone(budget: "Budget", _: object, zone: str) -> None:
    if budget.window in CALENDAR or zone != "UTC":
        parse_window(budget.window, zone)


def _check_thresholds(_: object, __: object, thresholds: tuple[float, ...]) -> None:
    for threshold in thresholds:
        if not 0 < threshold <= 1:
            raise ValueError(f"a threshold must be above 0 and at most 1, not {threshold}")


def _check_tokens(_: object, __: object, tokens: int | None) -> None:
    if tokens is not None and tokens < 1:
        raise ValueError(f"must be at least 1, not {tokens}; leave it out for no limit")


@frozen(kw_only=True)
class Budget:
    """`[plugins.budgets.limits.NAME]`, and what `jackfield budgets` creates."""

    name: str = attribute("", "Its name and id.", given="once", validator=_check_name)
    organization: str = attribute(
        "", "The organization to whose callers it applies; empty for all.", given="once"
    )
    scope: str = attribute(
        "gateway",
        "What it applies to: `gateway`, `organization:ID`, `team:ID`, `user:ID`, `project:ID`,"
        " `key:ID`, `provider:NAME`, `model:PATTERN`, `tag:NAME=VALUE`, `session` or `ip:ADDRESS`;"
        " with `*` as its value each value has its own budget.",
        validator=_check_scope,
        given="once",
    )
    limit: str | int | float = option(
        doc='Dollars with at most two decimals, such as "25.00", or a number of tokens.',
        validator=_check_limit,
    )
    unit: Unit = attribute(
        "dollars", "`dollars`, `tokens`, `input_tokens` or `output_tokens`.", given="once"
    )
    window: str = option(
        "month",
        "The period: `1m`, `24h`, `30d` are rolling; `hour`, `day`, `week`, `month`, `year` are"
        " calendar periods; `none` never resets.",
        validator=_check_window,
    )
    zone: str = option(
        "UTC", "The time zone of a calendar period, by its IANA name.", validator=_check_zone
    )
    hard: bool = option(True, "Refuse requests beyond it; a soft budget only warns.")
    warn_at: tuple[float, ...] = option(
        (0.5, 0.8, 1.0),
        "Fractions of the limit at which to warn, once per window each.",
        validator=_check_thresholds,
    )
    max_tokens: int | None = option(
        None, "The maximum of output tokens that a request may ask for.", validator=_check_tokens
    )

    def __attrs_post_init__(self) -> None:
        amount = self.amount()
        same = show(amount) if self.unit == "dollars" else amount
        object.__setattr__(self, "limit", same)  # 25, 25.0 and "25.00" are the same

    def amount(self) -> int:
        """The limit in nano-dollars or tokens. Raises ValueError."""
        if self.unit == "dollars":
            if isinstance(self.limit, bool):
                raise ValueError(f"not an amount of money: {self.limit}")
            return dollars(self.limit, cents=True)
        text = str(self.limit)
        if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
            raise ValueError(f"not a number of tokens: {text}; write one such as 1000000")
        return int(text)

    def span(self) -> Window:
        """The window. Raises ValueError."""
        return parse_window(self.window, self.zone)

    def show(self, amount: int) -> str:
        """An amount with its unit."""
        if self.unit == "dollars":
            return f"{show(amount)} dollars"
        return f"{amount} {self.unit.replace('_', ' ')}"


def check_declared(_: object, __: object, budgets: Mapping[str, Budget]) -> None:
    """Raise ValueError for a table whose name is invalid, or differs from its `name`."""
    for name, budget in budgets.items():
        _check_name(budget, None, name)
        if budget.name not in ("", name):
            raise ValueError(f"the table names the budget; leave out `name` in {name!r}")
