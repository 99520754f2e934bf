"""The path of one exchange: hooks, plan, attempts, and the settling that always happens."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any

from attrs import frozen
from msgspec.structs import replace

from jackfield._answer_head import error_answer, head_of, own_answer
from jackfield._attempts import Attempts
from jackfield._first_message import blocked, closing_answer, opening_of
from jackfield._hook_call import HookCaller
from jackfield._hook_chain import Hook, HookChain
from jackfield._mistakes import mistake
from jackfield._models import Models
from jackfield._stream_body import StreamBody, close_all, outcome_of
from jackfield.catalogue import Catalogue
from jackfield.errors import Forbidden, GatewayError, NotServed, ShuttingDown, Unauthenticated
from jackfield.exchange import ANONYMOUS, Exchange
from jackfield.http import HttpResponse
from jackfield.plan import Plan
from jackfield.response import Outcome, OutcomeKind, Response

NOTHING = Response(200, b"")


@frozen(eq=False)
class Pipeline:
    """What all exchanges of one gateway share. `settled` is called with each ended exchange."""

    chain: HookChain
    caller: HookCaller
    models: Models
    attempts: Attempts
    catalogue: Catalogue
    loop: asyncio.AbstractEventLoop
    settled: Callable[[Exchange, Outcome], None]

    async def run(self, exchange: Exchange) -> HttpResponse:
        """Answer one exchange; every error becomes an answer in the client's dialect.

        Only `exchange.end()` cancels it: the task that runs it belongs to the exchange.
        """
        exchange.task = exchange.runner = task = asyncio.current_task(self.loop)
        exchange.timings = [0.0] * len(self.chain.plugins)
        exchange.usage_wanted = self.chain.wants_usage
        try:
            response = await self._respond(exchange)
            if exchange.ending is not None:
                await response.close()
                raise exchange.ending
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - settled and answered
            exchange.task = None
            return await self._fail(exchange, _answerable(error, exchange, task))
        exchange.task = None
        if response.streaming:
            body = opening_of(response) or StreamBody(self, exchange, response)
            head = head_of(exchange, response, self.chain.plugins)
            return HttpResponse(response.status, head, body)
        outcome = outcome_of(exchange, response, "answered")
        return self._render(exchange, await self.settle(exchange, outcome))

    async def _respond(self, exchange: Exchange) -> Response:
        if exchange.ending is not None:
            raise exchange.ending
        if exchange.problem is not None:
            for hook in self.chain.pre_request:
                if not hook.plugin.authenticates:
                    exchange.leave(hook.plugin)
        answer = await self._before(exchange)
        self._authorize(exchange)
        if answer is not None:
            return answer
        if exchange.problem is not None:
            return blocked(exchange, exchange.problem, self.run)
        own = exchange.endpoint.answer
        if own is None or exchange.endpoint.upstream is not None:
            plan = await self._plan(exchange)
            stops_here = exchange.dry_run and plan.targets
            try:
                return NOTHING if stops_here else await self.attempts.run(exchange, plan)
            except NotServed:
                if own is None:
                    raise
        return await own_answer(own, exchange, self.catalogue.visible_to(exchange.principal))

    async def _before(self, exchange: Exchange) -> Response | None:
        """Run the `pre_request` hooks until a plugin answers."""
        timings, began = exchange.timings, perf_counter()
        answer: Response | None = None
        for hook in self.chain.pre_request:
            exchange.entered = hook.position + 1
            if exchange.left and hook.plugin in exchange.left:
                continue
            exchange.acting, exchange.due = hook, began + hook.deadline
            try:
                answer = await hook.call(exchange)
            except BaseException as error:  # noqa: BLE001 - raised again, or a plugin's own
                self.caller.failed(hook, exchange, error, began)
            exchange.acting = None
            now = perf_counter()
            timings[hook.position] += now - began
            began = now
            if answer is not None:
                answer = self.caller.checked(hook, exchange, Response, answer)
                if answer is not None:
                    return answer
        exchange.entered = len(timings)
        return None

    async def _plan(self, exchange: Exchange) -> Plan:
        plan = await self.models.plan(exchange)
        timings, began = exchange.timings, perf_counter()
        for hook in self.chain.route:
            if exchange.left and hook.plugin in exchange.left:
                continue
            changed: Plan | None = None
            exchange.acting, exchange.due = hook, began + hook.deadline
            try:
                changed = await hook.call(exchange, plan)
            except BaseException as error:  # noqa: BLE001 - raised again, or a plugin's own
                self.caller.failed(hook, exchange, error, began)
            exchange.acting = None
            now = perf_counter()
            timings[hook.position] += now - began
            began = now
            if changed is not None:
                changed = self.caller.checked(hook, exchange, Plan, changed)
                if changed is not None and (unknown := self.attempts.unknown_target(changed)):
                    self.caller.fail(hook, exchange, f"chose {unknown}, which is not configured")
                    changed = None
                plan = changed.signed(hook.plugin.name) if changed is not None else plan
        exchange.plan = plan
        return plan

    def _authorize(self, exchange: Exchange) -> None:
        permission, path = exchange.endpoint.permission, exchange.endpoint.path
        if exchange.principal.may(permission):
            return
        if exchange.principal is ANONYMOUS:
            raise Unauthenticated("No valid API key was given.")
        raise Forbidden(f"This key lacks the permission {permission!r}, which {path} needs.")

    async def _fail(self, exchange: Exchange, error: GatewayError) -> HttpResponse:
        outcome = await self.settle(exchange, failure(exchange, error))
        return closing_answer(exchange, outcome, self._render(exchange, outcome))

    def _render(self, exchange: Exchange, outcome: Outcome) -> HttpResponse:
        response = outcome.response or NOTHING
        head = head_of(exchange, response, self.chain.plugins)
        return HttpResponse(response.status, head, response.body)

    async def settle(self, exchange: Exchange, outcome: Outcome) -> Outcome:
        """Run `post_response` of every plugin whose turn had come, then report the outcome.

        Before, unless a provider's answer is handed on, those that plugins were given are closed.
        """
        if outcome.response not in exchange.answers:
            await close_all(exchange)
        timings, began = exchange.timings, perf_counter()
        for hook in self.chain.post_response:
            position = hook.position
            if position >= exchange.entered or (exchange.left and hook.plugin in exchange.left):
                continue
            changed: Response | None = None
            exchange.acting, exchange.due = hook, began + hook.deadline
            try:
                changed = await hook.call(exchange, outcome)
                if changed is not None:
                    changed = self.caller.checked(hook, exchange, Response, changed)
            except BaseException as error:  # noqa: BLE001 - raised again, or a plugin's own
                changed = None
                outcome = self._unsettled(hook, exchange, outcome, error, began)
            exchange.acting, now = None, perf_counter()
            timings[position] += now - began
            began = now
            if changed is not None and not exchange.sent:
                outcome = replace(outcome, response=changed, status=changed.status)
        self.settled(exchange, outcome)
        return outcome

    def _unsettled(
        self, hook: Hook, exchange: Exchange, outcome: Outcome, error: BaseException, began: float
    ) -> Outcome:
        """The outcome after a hook that raised; the remaining hooks run all the same."""
        try:
            self.caller.failed(hook, exchange, error, began)
        except GatewayError as refusal:
            return failure(exchange, refusal, outcome)
        return outcome


def _answerable(
    error: BaseException, exchange: Exchange, task: asyncio.Task[Any] | None
) -> GatewayError:
    """The error to answer with; a cancellation is undone, so that the exchange can be settled."""
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
        task.uncancel()
        return exchange.ending or ShuttingDown("The gateway is shutting down.")
    return mistake(exchange.id, error)


def failure(exchange: Exchange, error: GatewayError, before: Outcome | None = None) -> Outcome:
    """The outcome of an exchange that ends in an error; a stream already sent is kept."""
    if exchange.sent and before is not None:
        return replace(before, error=error)
    response = error_answer(exchange.dialect, error, exchange.id)
    kind: OutcomeKind = "failed" if error.http_status >= 500 else "refused"
    return outcome_of(exchange, response, kind, error)
