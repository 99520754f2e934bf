"""The budgets in the store, which administrators create."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from attrs import evolve

from jackfield.admin import Actor, Change, Collection, Stored
from jackfield.errors import Forbidden, InvalidRequest
from jackfield.exchange import Principal
from jackfield.scopes import HOLDERS, Scope, Subject
from jackfield.store import Balance
from jackfield.windows import Calendar

from .budget import Budget
from .budget_set import account_of

_NAMED: Final = frozenset({"organization", *HOLDERS})


class BudgetCollection(Collection[Budget]):
    """Budgets, by their names."""

    name: ClassVar[str] = "budgets"
    singular: ClassVar[str] = "budget"
    Item: ClassVar[type[Budget]] = Budget
    columns: ClassVar[tuple[str, ...]] = ("name", "scope", "limit", "spent", "left", "window")
    facts: ClassVar[Mapping[str, str]] = {
        "spent": "The amount spent in the current window; absent if each value has its own.",
        "reserved": "The amount held for requests in flight, and in advance by workers.",
        "left": "The amount that is neither spent nor reserved.",
        "resets": "When the current calendar period ends.",
    }

    def id_of(self, item: Budget) -> str:
        """Its name."""
        return item.name

    def is_own(self, id: str, item: Budget, principal: Principal) -> bool:
        """Whether the budget applies to the principal."""
        return item.scope in principal.scopes

    async def scopes_of(self, id: str, item: Budget) -> Sequence[str]:
        """The scope of the budget."""
        return (item.scope,)

    async def known(self, things: Sequence[Stored[Budget]]) -> Sequence[Mapping[str, Any]]:
        """The balances of the budgets."""
        single = [stored for stored in things if not Scope.from_text(stored.item.scope).each]
        now = self.setup.ledger.now()
        spans = [stored.item.span().span(now) for stored in single]
        accounts = [account_of(stored.id, stored.item) for stored in single]
        queries = [(account, span.since) for account, span in zip(accounts, spans, strict=True)]
        balances = await self.store.balances(queries)
        found = {
            stored.id: _standing(stored.item, balance, span.resets_at)
            for stored, balance, span in zip(single, balances, spans, strict=True)
        }
        return [found.get(stored.id, {}) for stored in things]

    async def check(self, change: Change[Budget], actor: Actor) -> Budget | None:
        """Fill in the name and the organization, which must be the actor's.

        A key that a budget applies to, through its organization or anything below that it belongs
        to, may neither change nor delete the budget.
        """
        if change.before is not None and actor.organization:
            _check_not_bound(change.id, change.before, actor.principal)
        item = change.after
        if item is None:
            return None
        if item.name not in ("", change.id) or not change.id:
            raise InvalidRequest("The name of a budget is its id; give it one.", param="name")
        if actor.organization and item.organization not in ("", actor.organization):
            raise Forbidden(f"This key belongs to {actor.organization!r}.", param="organization")
        organization = item.organization or actor.organization
        item = evolve(item, name=change.id, organization=organization)
        if change.action == "create" and not actor.declaring:
            return await self._placed(item, actor)
        return item

    async def _placed(self, item: Budget, actor: Actor) -> Budget:
        """The budget with the id of its scope, which the actor may give by name.

        Raises InvalidRequest if the scope or the organization does not exist: the budget would
        limit nothing. A file may declare a budget before its scope is created.
        """
        scope = Scope.from_text(item.scope)
        known = {one.singular: one for one in self.setup.admin_collections}
        tenants = known.get("organization") if item.organization else None
        if tenants is not None and await tenants.find(item.organization, actor) is None:
            raise _missing("organization", item.organization, "organization")
        if scope.kind not in known or scope.each:
            return item
        collection = known[scope.kind]
        stored = await collection.find(scope.value, actor)
        whose = collection.organization_of(stored.id, stored.item) if stored is not None else ""
        if stored is None or item.organization not in ("", whose):
            raise _missing(scope.kind, scope.value, "scope")
        return evolve(item, scope=f"{scope.kind}:{stored.id}")


def _missing(kind: str, id: str, param: str) -> InvalidRequest:
    if kind == "key":  # perhaps the whole key, which must not be shown
        return InvalidRequest(
            "There is no key with this id; it is what stands between `jf-` and the next dash, as"
            " in `jackfield keys list`.",
            param=param,
        )
    return InvalidRequest(f"There is no {kind} {id!r}; create it first.", param=param)


def _check_not_bound(id: str, budget: Budget, principal: Principal) -> None:
    scope = Scope.from_text(budget.scope)
    # What is not limited to a team, user, project or key limits all callers of the organization.
    if scope.kind not in HOLDERS or scope.values(Subject(principal, None, None, {})):
        raise Forbidden(
            f"The budget {id!r} applies to this key itself; only a key outside"
            f" {budget.scope if scope.kind in _NAMED else 'the organization'} may change it.",
            param="scope",
        )


def _standing(budget: Budget, balance: Balance, resets_at: float) -> dict[str, str]:
    left = budget.amount() - balance.spent - balance.held
    standing = {
        "spent": budget.show(balance.spent),
        "reserved": budget.show(balance.held),
        "left": budget.show(max(0, left)),
    }
    if isinstance(budget.span(), Calendar):
        moment = dt.datetime.fromtimestamp(resets_at, dt.UTC)
        standing["resets"] = moment.isoformat(timespec="seconds")
    return standing
