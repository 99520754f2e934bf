"""Finds the budgets that apply to a request, and what each of them limits."""

from collections.abc import Iterable
from typing import Final

from attrs import define, field, frozen

from jackfield.adjustments import Adjustment
from jackfield.allowances import Limit
from jackfield.bounds import Bound
from jackfield.exchange import Exchange
from jackfield.plan import Target
from jackfield.scopes import Scope, Subject, Subjects
from jackfield.store import Account, Debit

from .budget import UNITS, Budget

_MOST_KEPT: Final = 4096

Amounts = tuple[int, int, int, int]
"""Nano-dollars, all tokens, input tokens and output tokens, in the order of `UNITS`."""


def amounts_of(nano: int, input_tokens: int, output_tokens: int) -> Amounts:
    """The amounts for a cost and tokens."""
    return nano, input_tokens + output_tokens, input_tokens, output_tokens


@frozen(eq=False)
class BudgetAccount:
    """One budget that applies to a request, and its account.

    `at` is the index of its unit in `Amounts`; `value` is set if each value has its own account.
    """

    budget: Budget
    limit: Limit
    at: int
    value: str
    about_target: bool

    @property
    def label(self) -> str:
        """Its name, and its value if each value has its own account."""
        name, value = self.budget.name, self.value
        return f"{name} ({value})" if value else name


@frozen(eq=False)
class BudgetSet:
    """All budgets that apply to one kind of request. Requests beyond a hard one are refused."""

    hard: tuple[BudgetAccount, ...] = ()
    soft: tuple[BudgetAccount, ...] = ()

    limits: tuple[Limit, ...] = field(init=False)
    units: tuple[int, ...] = field(init=False)
    members: tuple[BudgetAccount, ...] = field(init=False)
    watched: dict[Account, BudgetAccount] = field(init=False)
    needs_price: BudgetAccount | None = field(init=False)
    max_tokens: int | None = field(init=False)

    @limits.default
    def _limits(self) -> tuple[Limit, ...]:
        return tuple(member.limit for member in self.hard)

    @units.default
    def _units(self) -> tuple[int, ...]:
        return tuple(member.at for member in self.hard)

    @members.default
    def _members(self) -> tuple[BudgetAccount, ...]:
        return self.hard + self.soft

    @watched.default
    def _watched(self) -> dict[Account, BudgetAccount]:
        return {member.limit.account: member for member in self.members if member.budget.warn_at}

    @needs_price.default
    def _needs_price(self) -> BudgetAccount | None:
        return next((member for member in self.hard if member.at == 0), None)

    @max_tokens.default
    def _max_tokens(self) -> int | None:
        caps = [s.budget.max_tokens for s in self.members if s.budget.max_tokens is not None]
        return min(caps, default=None)

    def needs(self, bound: Bound) -> list[int]:
        """The amounts to reserve of the hard budgets."""
        return self.of_hard(amounts_of(bound.nano or 0, bound.input_tokens, bound.output_tokens))

    def of_hard(self, amounts: Amounts) -> list[int]:
        """The amounts that count for each hard budget."""
        return [amounts[at] for at in self.units]


@define(eq=False)
class BudgetTable:
    """All budgets; finds those that apply to a request, cached for similar requests."""

    _budgets: list[tuple[str, Budget, Scope]] = field(factory=list)
    _subjects: Subjects = field(factory=lambda: Subjects([]))
    _kept: dict[object, BudgetSet] = field(factory=dict)

    @classmethod
    def of(cls, budgets: Iterable[tuple[str, Budget]]) -> "BudgetTable":
        """Create a table of budgets with their ids."""
        scoped = [(id, budget, Scope.from_text(budget.scope)) for id, budget in budgets]
        return cls(scoped, Subjects(scope for _, _, scope in scoped))

    def applying_to(self, exchange: Exchange, target: Target) -> BudgetSet:
        """The budgets that apply to a request to a target."""
        key = self._subjects.key(exchange, target)
        try:
            return self._kept[key]
        except KeyError:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            budgets = self._kept[key] = self._applying(self._subjects.subject(exchange, target))
            return budgets

    def adjusted(self, change: Adjustment) -> tuple[Debit, ...]:
        """The debits for an adjustment, in the windows in which the call was charged."""
        subject = Subject(change.principal, change.target, change.requested_model, change.tags)
        amounts = amounts_of(change.nano, change.input_tokens, change.output_tokens)
        limits = [(member.limit, amounts[member.at]) for member in self._applying(subject).members]
        return tuple(
            Debit(limit.account, limit.window.span(change.at).bucket, amount)
            for limit, amount in limits
            if amount
        )

    def _applying(self, subject: Subject) -> BudgetSet:
        tenant = subject.principal.tenant
        members = [
            _member(id, budget, scope, value, tenant)
            for id, budget, scope in self._budgets
            if budget.organization in ("", tenant)
            for value in scope.values(subject)
        ]
        return BudgetSet(
            tuple(member for member in members if member.budget.hard),
            tuple(member for member in members if not member.budget.hard),
        )


def account_of(id: str, budget: Budget) -> Account:
    """The account of a budget that has one account for all values."""
    return Account(budget.organization, _name(id, budget))


def _name(id: str, budget: Budget) -> str:
    """A budget that is created again in another unit must not count dollars as tokens."""
    return f"budget:{id}" if budget.unit == "dollars" else f"budget:{id}/{budget.unit}"


def _member(id: str, budget: Budget, scope: Scope, value: str, tenant: str) -> BudgetAccount:
    """Values are chosen by a tenant, so an account per value belongs to the tenant."""
    account = account_of(id, budget)
    if scope.each:
        account = Account(tenant, f"{account.name}:{value}")
    limit = Limit(account, budget.amount(), budget.span())
    at = UNITS.index(budget.unit)
    return BudgetAccount(budget, limit, at, value if scope.each else "", scope.about_target)
