"""The budgets that administrators keep."""

from typing import ClassVar

from attrs import evolve

from jackfield.admin import Actor, Change, Collection
from jackfield.errors import Forbidden, InvalidRequest
from jackfield.exchange import Principal

from .budget import Budget


class BudgetCollection(Collection[Budget]):
    """Budgets, by their names."""

    name: ClassVar[str] = "budgets"
    singular: ClassVar[str] = "budget"
    Item: ClassVar[type[Budget]] = Budget
    columns: ClassVar[tuple[str, ...]] = ("name", "scope", "limit", "unit", "window", "hard")

    def id_of(self, item: Budget) -> str:
        """Its name."""
        return item.name

    def is_own(self, id: str, item: Budget, principal: Principal) -> bool:
        """Whether the principal falls under it."""
        return item.scope in principal.scopes

    async def check(self, change: Change[Budget], actor: Actor) -> Budget | None:
        """Fill in the name and the organization; one of another organization is not to be made."""
        item = change.after
        if item is None:
            return None
        if item.name not in ("", change.id) or not change.id:
            raise InvalidRequest("The name of a budget is its id; give it one.", param="name")
        if actor.organization and item.organization not in ("", actor.organization):
            raise Forbidden(f"This key belongs to {actor.organization!r}.", param="organization")
        organization = item.organization or actor.organization
        return evolve(item, name=change.id, organization=organization)
