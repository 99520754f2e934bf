"""What a plugin's failure means for a request: its policy decides, in every hook, in every way."""

import logging
import sys

import pytest
from attrs import frozen

from jackfield import CallNext, Exchange, Outcome, Plan, Plugin, Response, Target, hookimpl
from jackfield.plugin import HOOKS
from jackfield.testing import FAULTS, GatewayClient, run_gateway

REASONS = {
    "raise": "raised RuntimeError",
    "hang": "took over 0.02 s",
    "wrong_type": "returned object",
    "undeclared": "raised UndeclaredChange",
    "cancel": "raised CancelledError",
}
SYNC_REASONS = {**REASONS, "hang": "raised TimeoutError", "wrong_type": "raised WrongResultError"}

each_hook = pytest.mark.parametrize("hook", HOOKS)
each_fault = pytest.mark.parametrize("fault", FAULTS)


def toml(hook: str, fault: str, policy: str) -> str:
    return f"""
        [upstream]
        retries = 0
        [plugins.faulty]
        hook = "{hook}"
        kind = "{fault}"
        on_error = "{policy}"
        accept_risk = true
        deadline_ms = 20
        [plugins.inner]
        use = "recorder"
    """


async def answer_of(client: GatewayClient, hook: str) -> str:
    """What the client got: the text of the answer, or the code of the error."""
    answer = await client.chat("Hello there", stream=hook == "on_stream_chunk")
    body = await answer.read()
    codes = ("plugin_failure", "forbidden")
    error = next((code for code in codes if code.encode() in body), None)
    return error or await answer.text()


def expected(fault: str, policy: str) -> str:
    if fault == "refuse":
        return "forbidden"
    return "plugin_failure" if policy == "refuse" else "Hello there"


@each_hook
@each_fault
@pytest.mark.parametrize("policy", ["refuse", "skip"])
async def test_the_policy_decides_what_a_failing_hook_does_to_the_request(
    hook: str, fault: str, policy: str
) -> None:
    if (hook, fault) == ("call_provider", "hang"):
        return
    async with run_gateway(toml(hook, fault, policy)) as client:
        assert await answer_of(client, hook) == expected(fault, policy)
        (over,) = client.settled
        reasons = SYNC_REASONS if hook == "on_stream_chunk" else REASONS
        failures = [f"faulty.{hook}: {reasons[fault]} → {policy}"] if fault != "refuse" else []
        assert over.exchange.failures[:1] == failures
        assert (over.outcome.error is None) is (expected(fault, policy) == "Hello there")
        assert len(client.plugin("faulty").of("post_response")) == 1


async def test_an_attempt_has_no_deadline_of_its_own() -> None:
    async with run_gateway(toml("", "raise", "refuse")) as client:
        gate = client.fake.hold()
        asking = client.start_chat("Hello")
        await gate.reached()
        deadline = client.plugin("inner")
        assert deadline.of("call_provider")
        asking.disconnect()
        await asking
        assert client.settled[0].exchange.failures == []


async def test_a_fault_while_wrapping_keeps_the_answer_that_had_come() -> None:
    async with run_gateway(toml("call_provider", "undeclared", "skip")) as client:
        answer = await client.chat("Hello there")
        assert (answer.status, await answer.text()) == (200, "Hello there")
        assert len(client.fake.requests) == 1


async def test_a_failure_is_logged_by_name_and_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "jackfield")
    async with run_gateway(toml("route", "raise", "skip")) as client:
        await client.chat()
    (record,) = [record for record in caplog.records if record.name == "jackfield.plugins"]
    assert "plugin faulty failed in route: raised RuntimeError" in record.getMessage()
    assert "policy skip" in record.getMessage()
    assert "it was told to fail" not in caplog.text


@pytest.mark.parametrize(
    ("hook", "fault", "how_to_mend_it"),
    [
        ("post_response", "undeclared", "'faulty' changed the response; its `mutates` must have"),
        ("on_stream_chunk", "wrong_type", "on_stream_chunk returns None, or a list or tuple of"),
    ],
)
async def test_the_log_says_how_to_mend_what_breaks_the_contract(
    hook: str, fault: str, how_to_mend_it: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "jackfield")
    async with run_gateway(toml(hook, fault, "skip")) as client:
        await answer_of(client, hook)
    assert how_to_mend_it in caplog.text
    assert ".py:" not in caplog.messages[0]


class Leaves(Plugin):
    """Ends the process in place of the request."""

    @frozen
    class Config:
        at: str = "pre_request"

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        self.leave("pre_request")

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> None:
        self.leave("route")

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        self.leave("call_provider")
        return await call_next(target)

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        self.leave("post_response")

    def leave(self, hook: str) -> None:
        if hook == self.config.at:
            sys.exit(3)


@pytest.mark.parametrize("hook", ["pre_request", "route", "call_provider", "post_response"])
async def test_a_hook_that_would_end_the_process_is_a_failure(hook: str) -> None:
    toml = f'[plugins.leaves]\nat = "{hook}"'
    async with run_gateway(toml, {"leaves": Leaves}) as client:
        assert (await client.chat("Hello")).status == 500
        (failure,) = client.settled[-1].exchange.failures
        assert failure == f"leaves.{hook}: raised SystemExit → refuse"


class AnswersNothing(Plugin):
    """Neither calls the provider nor answers itself."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        return None  # type: ignore[return-value] # what is wrong


class SendsAway(Plugin):
    """Plans for a provider that there is not."""

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan:
        return plan.add([Target("unknown", "m")], "it is worth a try", first=True)


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        (AnswersNothing, "bad.call_provider: returned NoneType"),
        (SendsAway, "bad.route: chose unknown/m, which is not configured"),
    ],
)
@pytest.mark.parametrize("policy", ["refuse", "skip"])
async def test_what_leads_nowhere_is_the_failure_of_its_plugin(
    kind: type[Plugin], failure: str, policy: str
) -> None:
    toml = f'[plugins.bad]\non_error = "{policy}"\naccept_risk = true'
    async with run_gateway(toml, {"bad": kind}) as client:
        assert (await client.chat("Hello")).status == (500 if policy == "refuse" else 200)
        assert client.settled[-1].exchange.failures == [f"{failure} → {policy}"]
