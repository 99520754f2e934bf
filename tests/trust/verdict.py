"""What a run has shown: the provider's ledger against the records and the budgets' balances."""

from collections import Counter
from collections.abc import Sequence

from tests.trust.books import Books
from tests.trust.limits import KEYS
from tests.trust.load import LEFT, LOST, REFUSED
from tests.trust.table import Table
from tests.trust.trial import Evidence


def table_of(evidence: Evidence) -> Table:
    """All figures of a run."""
    size = evidence.size
    amount = f"{size.workers} workers, {size.requests:,} requests, {size.at_once} at once"
    table = Table(f"{evidence.store}: {amount}, {evidence.seconds:.0f} s")
    _show_events(table, evidence)
    _judge_spending(table, evidence)
    _judge_records(table, evidence)
    _judge_reconciled(table, evidence)
    return table


def _show_events(table: Table, evidence: Evidence) -> None:
    answers, chaos = evidence.load.answers, evidence.chaos
    table.show("requests served, and left by their clients", f"{answers[200]:,}, {answers[LEFT]:,}")
    table.show("requests refused by a budget", f"{answers[REFUSED]:,}")
    table.show("requests lost with their worker or provider", f"{answers[LOST]:,}")
    for what, count in sorted(evidence.load.failures.items()):
        table.show(f"requests answered with {what}", f"{count:,}")
    table.at_least("workers killed with SIGKILL", len(chaos.killed), evidence.size.kills)
    if chaos.backing.can_restart:
        table.at_least("restarts of the server", chaos.restarted, evidence.size.restarts)
    table.nothing("exit code of the gateway at its end", evidence.code)
    _show_spread(table, "seconds until another worker serves", chaos.comebacks)
    _show_spread(table, "seconds from client to provider", evidence.truth.admissions)


def _show_spread(table: Table, what: str, seconds: Sequence[float]) -> None:
    if seconds:
        known = sorted(seconds)
        middle, most = known[len(known) // 2], known[int(len(known) * 0.99)]
        table.show(f"{what}: median, p99, most", f"{middle:.3f}, {most:.3f}, {known[-1]:.3f}")


def _judge_spending(table: Table, evidence: Evidence) -> None:
    true, limits = spent_truly(evidence), evidence.limits.amounts
    for name, limit in limits.items():
        over = max(0, true[name] - limit)
        shown = f"{_dollars(over)} of {_dollars(limit)}"
        table.nothing(f"overshoot of {evidence.limits.label(name)}", over, shown)
    beyond = sum(
        max(0, balance.spent - limits[name]) for name, balance in evidence.before.balances.items()
    )
    table.nothing("booked beyond the limits", beyond, _dollars(beyond))
    for place, reserve in evidence.reserves.items():
        left = {
            name: limits[name] - evidence.before.balances[name].spent
            for name in evidence.limits.budgets_of(place)
        }
        name = min(left, key=lambda name: left[name])
        key = list(KEYS)[place]
        table.below(
            f"left of {evidence.limits.label(name)}, which stops {key}",
            left[name] / reserve,
            1,
            " reserves",
        )
    kinds = {evidence.limits.kind(name) for name in evidence.load.refusals}
    table.at_least("kinds of scopes whose limit was hit in the run", len(kinds), 3)


def _judge_records(table: Table, evidence: Evidence) -> None:
    bills, records = evidence.truth.bills, evidence.before.records
    table.nothing("lost records", sum(number not in records.counts for number in bills))
    table.nothing("double records", sum(count > 1 for count in records.counts.values()))
    wrong = Counter(
        records.bases[number]
        for number, cost in records.costs.items()
        if cost != (bills[number].cost if number in bills else 0)
    )
    table.nothing("records by the provider's word that are not what it bills", wrong["reported"])
    below = sum(max(0, bill.cost - records.costs[number]) for number, bill in bills.items())
    table.nothing("billed beyond what is recorded", below, _dollars(below))
    held = sum(balance.held for balance in evidence.before.balances.values())
    table.nothing("held for workers that are no more", held, _dollars(held))
    _judge_equality(table, evidence, evidence.before)
    over = over_charges(evidence, evidence.before)
    table.show("charged beyond what is billed, for killed and cut", _dollars(over))


def _judge_reconciled(table: Table, evidence: Evidence) -> None:
    bills, records = evidence.truth.bills, evidence.after.records
    wrong = sum(
        abs(records.costs[number] - (bills[number].cost if number in bills else 0))
        for number in records.costs.keys() | bills.keys()
    )
    table.nothing("after the invoice: records that differ from it", wrong, _dollars(wrong))
    over = over_charges(evidence, evidence.after)
    table.nothing("after the invoice: charged beyond what is billed", over, _dollars(over))
    _judge_equality(table, evidence, evidence.after, "after the invoice: ")


def _judge_equality(table: Table, evidence: Evidence, books: Books, when: str = "") -> None:
    apart = sum(
        abs(balance.spent - books.records.by_scope[evidence.limits.scope(name)])
        for name, balance in books.balances.items()
    )
    table.nothing(f"{when}balances apart from the sums of the records", apart, _dollars(apart))


def spent_truly(evidence: Evidence) -> Counter[str]:
    """What the provider bills, by budget."""
    spent: Counter[str] = Counter()
    for number, bill in evidence.truth.bills.items():
        for name in evidence.limits.budgets_of(int(number[1:]) % len(KEYS)):
            spent[name] += bill.cost
    return spent


def over_charges(evidence: Evidence, books: Books) -> int:
    """By how much the organization's balance exceeds what the provider bills."""
    return books.balances["organization"].spent - spent_truly(evidence)["organization"]


def _dollars(nano: int) -> str:
    return f"${nano / 10**9:,.6f}"
