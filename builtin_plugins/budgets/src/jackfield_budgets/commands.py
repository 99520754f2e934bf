"""`jackfield budgets`."""

from typing import Final

from jackfield.commands import resource_command

from .collection import BudgetCollection

budgets: Final = resource_command(
    BudgetCollection,
    [
        "jackfield budgets create acme-month --scope organization:acme --limit 500.00",
        "jackfield budgets create search-day --scope team:search --limit 25.00 --window day",
        "jackfield budgets create sessions --scope session --limit 200000 --unit tokens",
        "jackfield budgets update acme-month --limit 750.00",
        "jackfield budgets list --where organization=acme",
    ],
)
