"""What one call of a provider is charged."""

import pytest

from jackfield._tap import Tap
from jackfield.bounds import Bound
from jackfield.charges import Call, is_unbilled
from jackfield.errors import (
    GatewayError,
    Overloaded,
    PluginFailure,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    ProviderUntrusted,
    StreamTruncated,
)
from jackfield.estimates import UNUSED
from jackfield.messages import Usage
from jackfield.plan import Target
from jackfield.prices import PriceBook
from jackfield.testing.gateway import observed_gateway

TOML = '[prices."fake/*"]\ninput = 1\noutput = 2\n'


@pytest.fixture
async def prices() -> PriceBook:
    async with observed_gateway(TOML) as gateway:
        return gateway.setup.prices


def call(tap: Tap | None = None) -> Call:
    return Call(Target("fake", "echo"), Bound(100, 50, 200_000), 40, 0.0, tap)


def cut(usage: Usage | None, events: int = 0) -> Tap:
    return Tap(lambda: usage, lambda: False, lambda: events)


def test_what_a_provider_has_reported_is_charged(prices: PriceBook) -> None:
    charge = call(Tap.known(Usage(3, 5))).charge(prices, "bound")
    assert (charge.usage, charge.cost.nano, charge.basis) == (Usage(3, 5), 13_000, "reported")


def test_a_usage_that_would_cost_more_than_any_is_not_believed(prices: PriceBook) -> None:
    usage = Usage(3, 10**12)
    charge = call(Tap.known(usage)).charge(prices, "bound")
    assert (charge.cost.nano, charge.basis) == (200_000, "estimated")


def test_a_call_that_tells_nothing_is_charged_all_that_it_can_be(prices: PriceBook) -> None:
    charge = call(cut(None, events=7)).charge(prices, "bound")
    assert (charge.cost.nano, charge.input_tokens, charge.output_tokens) == (200_000, 100, 50)
    assert (charge.usage, charge.basis) == (Usage(11, 7), "estimated")


def test_what_certainly_costs_nothing_is_free(prices: PriceBook) -> None:
    charge = call(Tap.known(UNUSED)).charge(prices, "bound")
    assert (charge.cost.nano, charge.basis) == (0, "reported")
    assert call(Tap.known(Usage())).charge(prices, "bound").cost.nano == 200_000


def test_a_session_that_is_cut_is_charged_no_less_than_all_its_answers(prices: PriceBook) -> None:
    charge = call(cut(Usage(1000, 500))).charge(prices, "bound")
    assert (charge.cost.nano, charge.input_tokens, charge.output_tokens) == (2_000_000, 1000, 500)
    assert call(cut(Usage(1000, 10**12))).charge(prices, "bound").cost.nano == 200_000


def test_input_that_is_known_is_charged_as_it_is(prices: PriceBook) -> None:
    charge = call(cut(Usage(10, 1))).charge(prices, "bound")
    assert (charge.cost.nano, charge.input_tokens, charge.output_tokens) == (110_000, 10, 50)


def test_input_that_is_known_keeps_its_classes_and_its_tier() -> None:
    began = Usage(100_000, 1, 30_000, 60_000, cache_write_1h_tokens=60_000, service_tier="fast")
    target, bound = Target("anthropic", "claude-opus-5"), Bound(200_000, 10, 9_000_000_000)
    charge = Call(target, bound, 400_000, 1_795_000_000.0, cut(began)).charge(PriceBook(), "bound")
    rates = 60_000 * 20_000 + 30_000 * 1_000 + 10_000 * 10_000 + 10 * 50_000
    assert (charge.cost.nano, charge.input_tokens) == (rates, 100_000)


def test_what_may_have_come_out_is_charged_as_what_is_dearest_of_it() -> None:
    target, bound = Target("gemini", "gemini-2.5-flash-image"), Bound(5_000, 2_000, 10**9)
    charge = Call(target, bound, 40, 1_795_000_000.0, cut(Usage(100, 1))).charge(
        PriceBook(), "bound"
    )
    assert charge.cost.nano == 100 * 300 + 2_000 * 30_000


def test_a_part_of_what_a_provider_says_that_it_charges_is_not_all_of_it(
    prices: PriceBook,
) -> None:
    charge = call(cut(Usage(10, 1, cost=7))).charge(prices, "bound")
    assert charge.cost.nano == 110_000


def test_an_estimate_is_charged_where_it_is_wanted(prices: PriceBook) -> None:
    charge = call(cut(None, events=7)).charge(prices, "estimate")
    assert (charge.cost.nano, charge.input_tokens, charge.output_tokens) == (25_000, 11, 7)


def test_what_the_request_tells_of_an_answer_is_charged(prices: PriceBook) -> None:
    charge = call(Tap.known(None)).charge(prices, "bound", Usage(20))
    assert (charge.cost.nano, charge.basis) == (20_000, "estimated")


def answered(error: GatewayError, status: int) -> GatewayError:
    error.answered = status
    return error


def caused_by(error: GatewayError, cause: BaseException) -> GatewayError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "unbilled"),
    [
        (ProviderError("no", upstream_status=500), True),
        (answered(ProviderError("a rejected key"), 401), True),
        (ProviderTimeout("connect", 1.0), True),
        (ProviderUntrusted("no"), True),
        (caused_by(ProviderUnavailable("no"), ConnectionRefusedError()), True),
        (Overloaded("no"), True),
        (ProviderTimeout("answer", 1.0), False),
        (ProviderUnavailable("closed"), False),
        (caused_by(ProviderUnavailable("closed"), ConnectionResetError()), False),
        (StreamTruncated("cut"), False),
    ],
)
def test_only_what_is_certain_is_taken_to_be_free(error: GatewayError, unbilled: bool) -> None:
    assert is_unbilled(error) is unbilled


def test_a_plugin_that_fails_may_have_called_a_model() -> None:
    assert not is_unbilled(PluginFailure("guard", "call_provider", "a bug"))
