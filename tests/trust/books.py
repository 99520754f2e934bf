"""What the provider bills, what was recorded and what the budgets say, side by side."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from attrs import define, field, frozen
from tests.trust.backing import Backing
from tests.trust.gateway import Gateway

from jackfield.store import Account, Balance

INPUT_PRICE = 10_000
OUTPUT_PRICE = 30_000
"""Nano-dollars a token, as in the configuration."""


@frozen
class Bill:
    """What the provider bills for one request, which it may have received more than once."""

    input_tokens: int
    output_tokens: int
    calls: int

    @property
    def cost(self) -> int:
        """Nano-dollars."""
        return self.input_tokens * INPUT_PRICE + self.output_tokens * OUTPUT_PRICE


@frozen
class Truth:
    """The provider's ledger, and how long its requests had taken to get there."""

    bills: Mapping[str, Bill] = field(factory=dict)
    admissions: Sequence[float] = ()

    @classmethod
    async def at(cls, port: int) -> "Truth":
        """Ask the provider."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/truth") as answer,
        ):
            reported = await answer.json()
        bills = {
            number: Bill(*counts) for number, counts in reported["billed"].items() if counts[2]
        }
        return cls(bills, sorted(reported["admissions"]))

    def as_invoice(self, path: Path) -> None:
        """Write it as a provider's invoice."""
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["request_id", "cost", "input_tokens", "output_tokens"])
            for number, bill in self.bills.items():
                cost = f"{bill.cost // 10**9}.{bill.cost % 10**9:09}"
                writer.writerow([number, cost, bill.input_tokens, bill.output_tokens])


@define
class Records:
    """What was recorded: by request, and by scope. A correction counts for what it corrects."""

    costs: Counter[str] = field(factory=Counter)
    counts: Counter[str] = field(factory=Counter)
    bases: dict[str, str] = field(factory=dict)
    by_scope: Counter[str] = field(factory=Counter)
    scopes: dict[str, Sequence[str]] = field(factory=dict)

    @classmethod
    def of(cls, gateway: Gateway) -> "Records":
        """Export them, as users do."""
        path = gateway.folder / "records.csv"
        gateway.command("usage", "--export", str(path))
        records = cls()
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                records.add(row)
        return records

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one row."""
        number = row["request"] or row["corrects"] or row["id"]
        cost = int(row["cost_nano"])
        self.costs[number] += cost
        if not row["corrects"]:
            self.counts[number] += 0 if row["request"] else 1
            self.bases[number] = min(self.bases.get(number, "reported"), row["basis"])
        scopes = json.loads(row["scopes"])
        self.scopes[number] = scopes
        for scope in scopes:
            self.by_scope[scope] += cost


@frozen
class Books:
    """The records, and for each budget its balance."""

    records: Records = field(factory=Records)
    balances: Mapping[str, Balance] = field(factory=dict)


async def balances(backing: Backing, budgets: Iterable[str]) -> Mapping[str, Balance]:
    """For each budget what is spent and what is held."""
    names = list(budgets)
    async with backing.opened() as store:
        accounts = [(Account("", f"budget:{name}"), 0) for name in names]
        found = await store.balances(accounts)
    return dict(zip(names, found, strict=True))
