"""The plugin: reserves the maximum cost of an attempt before it is made, and settles it later."""

import asyncio
import logging
from collections.abc import Mapping
from math import inf
from typing import ClassVar, Literal

from attrs import define, evolve, field, frozen
from attrs.validators import ge

from jackfield.adjustments import Adjustment
from jackfield.allowances import Allowances, LimitReached, Reservation
from jackfield.bounds import Bound, requested_output
from jackfield.charges import Call, Unreported, billing_of, implied_usage, is_unbilled
from jackfield.config import option
from jackfield.errors import GatewayError, InvalidRequest
from jackfield.exchange import Exchange
from jackfield.ledger import Ledger
from jackfield.messages import Usage
from jackfield.plan import Plan, Target
from jackfield.plugin import CallNext, Plugin, dry_runs_only, hookimpl
from jackfield.prices import PriceBook
from jackfield.response import Outcome, Response
from jackfield.secrets import SecretRef
from jackfield.setup import Setup
from jackfield.store import Debit, StoreUnavailable

from . import refusals
from .budget import Budget, check_declared
from .budget_set import BudgetSet
from .collection import BudgetCollection
from .current_budgets import CurrentBudgets
from .spending import Spending
from .watch import Notice, Watch
from .webhook import Webhook

logger = logging.getLogger("jackfield.budgets")

_REMAINING = "x-jackfield-budget-remaining"


@define(eq=False)
class Bill:
    """The attempts of one exchange. Those that end after it is closed are settled immediately."""

    attempts: list[Spending] = field(factory=list)
    closed: bool = False


class Budgets(Plugin):
    """Refuses requests that a budget has no room for, before anything is spent."""

    @frozen(kw_only=True)
    class Config:
        """`[plugins.budgets]`."""

        limits: Mapping[str, Budget] = option(
            {}, "Budgets, by their names.", validator=check_declared
        )
        default_max_tokens: int = option(
            4096,
            "The output limit of requests that set none; 0 leaves them unlimited.",
            validator=ge(0),
        )
        cache_hits: Literal["free", "charge"] = option(
            "free", "The cost of an answer that another plugin gave instead of a provider."
        )
        unpriced: Literal["refuse", "allow"] = option(
            "refuse",
            "What happens under a hard budget to requests whose cost is not known in advance:"
            " batches, other resources that are created, and realtime sessions.",
        )
        webhook: str | None = option(None, "A URL to which warnings are posted as JSON.")
        webhook_key: SecretRef | None = option(None, "Sent to the webhook as a bearer token.")
        allow_http: bool = option(False, "Allow plain HTTP to a webhook on another machine.")

    needs_store: ClassVar[bool] = True
    wants_usage: ClassVar[bool] = True
    mutates: ClassVar[frozenset[str]] = frozenset({"request"})

    config: Config

    overspent = 0
    """The number of attempts that used more than was reserved for them."""

    current: CurrentBudgets
    watch: Watch
    _ledger: Ledger
    _prices: PriceBook
    _allowances: Allowances
    _unreported: Unreported
    _webhook: Webhook | None = None

    async def start(self, setup: Setup) -> None:
        """Read the budgets, add the collection, and start watching thresholds."""
        collection = BudgetCollection(setup)
        setup.add_admin_collection(collection)
        declared = {id: evolve(b, name=id) for id, b in self.config.limits.items()}
        setup.declare(collection, declared, "plugins", self.name, "limits")
        self._ledger = setup.ledger
        self._unreported = setup.settings.upstream.unreported
        self._prices = setup.prices
        self._prices.of("", "", 0.0)  # reads the shipped prices before the first request needs them
        self._allowances = Allowances(setup.ledger)
        if self.config.webhook is not None:
            key = self.config.webhook_key
            secret = await setup.secret(key) if key is not None else None
            self._webhook = Webhook.to(
                setup, self.name, self.config.webhook, secret, self.config.allow_http
            )
            self._webhook.start()
        self.watch = Watch(setup.store, setup.ledger, self._warn)
        self.watch.start()
        self.current = CurrentBudgets(collection, declared)
        await self.current.start()
        setup.add_corrector(self._adjusted)

    async def stop(self) -> None:
        """Give back what is not reserved."""
        for part in ("current", "watch", "_webhook", "_allowances"):
            started = getattr(self, part, None)
            if started is not None:
                await started.stop()

    async def health(self) -> str | None:
        """Whether the budgets are known, and changes of them are received."""
        if not self.current.is_read:
            return "the store has not been reached: budgets are unknown"
        return None if self.current.listens else "changes of budgets are not received"

    @hookimpl
    @dry_runs_only
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Explain what would be reserved."""
        for target in plan.targets:
            budgets = self.current.table.applying_to(exchange, target)
            if budgets.members:
                bound = self._bounded(exchange, target, budgets, self._ledger.now())
                needs = zip(budgets.hard, budgets.needs(bound), strict=True)
                parts = [f"{member.budget.show(need)} of {member.label}" for member, need in needs]
                plan = plan.note(
                    f"reserve for {target}: {', '.join(parts) or 'nothing, the budgets are soft'}",
                    f"{bound.input_tokens} tokens in and {bound.output_tokens} out at the most",
                )
        return plan

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Reserve the maximum cost of the attempt and promise it, then call the provider."""
        if not self.current.is_read:
            raise refusals.BudgetUnavailable("The budgets are not known yet.", retry_after=1.0)
        budgets = self.current.table.applying_to(exchange, target)
        if not budgets.members or not self._is_priced(exchange, budgets):
            return await call_next(target)
        now = self._ledger.now()  # the same price for the reservation and the charge
        bound = self._bounded(exchange, target, budgets, now)
        needs = _needs(budgets, bound, target)
        reservation = self._allowances.try_reserve(budgets.limits, needs)
        if reservation is None:
            reservation = await self._reserve(exchange, budgets, needs)
        call = Call(target, bound, len(exchange.request.body), now)
        spending = self._promise(exchange, budgets, call, reservation)
        before = exchange.tap
        try:
            response = await call_next(target)
        except GatewayError as error:
            self._ended(spending, exchange, before, free=is_unbilled(error))
            raise
        except asyncio.CancelledError:
            if not spending.may_be_billed:
                spending.void()
            raise
        else:
            self._ended(spending, exchange, before, free=self.config.cache_hits == "free")
            return response
        finally:  # if cancelled, e.g. by hedging, the tap is that of another attempt
            bill: Bill = exchange.state[self]
            if bill.closed:
                self._settle(spending)

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Settle every attempt that is still open."""
        bill: Bill | None = exchange.state.get(self)
        if bill is None:
            return
        bill.closed = True
        implied = implied_usage(exchange, outcome)
        for spending in bill.attempts:
            self._settle(spending, implied)
        if not exchange.sent:
            self._show(exchange, bill.attempts[-1].budgets)

    def _adjusted(self, change: Adjustment) -> tuple[Debit, ...]:
        """The debits for a corrected record."""
        if not self.current.is_read:
            raise refusals.BudgetUnavailable("The budgets are not known yet.", retry_after=1.0)
        return self.current.table.adjusted(change)

    def _promise(
        self, exchange: Exchange, budgets: BudgetSet, call: Call, reservation: Reservation
    ) -> Spending:
        """Promise what is reserved, and add it to the bill."""
        tenant = exchange.principal.tenant
        spending = Spending(budgets, call, tenant, reservation, self._ledger, self._prices)
        spending.promise(exchange)
        bill: Bill = exchange.note(self, Bill)
        bill.attempts.append(spending)
        if exchange.stream:
            self._show(exchange, budgets)
        return spending

    def _ended(self, spending: Spending, exchange: Exchange, before: object, *, free: bool) -> None:
        """Keep the source of the usage. Without an answer of a provider the attempt may be free."""
        if exchange.tap is not before:
            spending.call.tap = exchange.tap
        elif free:
            spending.void()

    async def _reserve(
        self, exchange: Exchange, budgets: BudgetSet, needs: list[int]
    ) -> Reservation:
        try:
            return await self._allowances.reserve(budgets.limits, needs)
        except LimitReached as reached:
            member = next(member for member in budgets.hard if member.limit == reached.limit)
            exchange.set_response_header("x-should-retry", "false")  # read by vendors' SDKs
            raise refusals.exceeded(member, reached, self._ledger.now()) from None
        except StoreUnavailable:
            raise refusals.unavailable(budgets.hard[0]) from None

    def _bounded(self, exchange: Exchange, target: Target, budgets: BudgetSet, at: float) -> Bound:
        """The upper bound of the attempt, after setting an output limit if there is none."""
        cap = budgets.max_tokens
        if exchange.max_tokens is None:
            bound = self._prices.bound(exchange, target, at=at)
            wanted = [n for n in (cap, self.config.default_max_tokens) if n]
            limit = min([*wanted, bound.output_tokens])
            # What has no such limit may be a form, whose body cannot be read as JSON.
            limits = exchange.dialect.output_limit
            if not (wanted and limit and limits and exchange.limit_output(limit)):
                return bound
            exchange.set_response_header("x-jackfield-max-tokens", str(limit))
        elif cap is not None and (requested_output(exchange) or inf) > cap:
            requested = requested_output(exchange) or "any number of"
            raise InvalidRequest(
                f"The request asks for up to {requested} output tokens; its budgets allow {cap}.",
                param="max_tokens",
            )
        return self._prices.bound(exchange, target, at=at)

    def _is_priced(self, exchange: Exchange, budgets: BudgetSet) -> bool:
        """Whether anything has to be reserved. Raises PriceMissing if that is unknown."""
        billing = billing_of(exchange)
        unknown = billing == "unpriced" or exchange.operation == "realtime"
        if unknown and budgets.hard and self.config.unpriced == "refuse":
            raise refusals.unpriced(budgets.hard[0], exchange.endpoint.operation)
        return billing == "priced"

    def _settle(self, spending: Spending, implied: Usage | None = None) -> None:
        if spending.is_open:
            self.overspent += spending.settle(self._unreported, implied) > 0
            self.watch.touch(spending.budgets)

    def _show(self, exchange: Exchange, budgets: BudgetSet) -> None:
        """Set headers with the tightest budget, and those that have reached a threshold."""
        tightest = self._allowances.tightest(budgets.limits)
        if tightest is not None:
            at, left = tightest
            exchange.set_response_headers({_REMAINING: budgets.hard[at].budget.show(left)})
        known = self.watch.notices
        if known:
            notices = [known[s.limit.account] for s in budgets.members if s.limit.account in known]
            if notices:
                exchange.set_response_header("x-jackfield-budget-warning", "; ".join(notices))

    def _warn(self, notice: Notice) -> None:
        logger.warning("%s", notice.text())
        if self._webhook is not None:
            self._webhook.send(notice.tree())


def _needs(budgets: BudgetSet, bound: Bound, target: Target) -> list[int]:
    """The amounts to reserve. Raises PriceMissing."""
    if bound.nano is None and budgets.needs_price is not None:
        raise refusals.price_missing(budgets.needs_price, target)
    return budgets.needs(bound)
